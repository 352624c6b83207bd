//! Requests to the provider, each begun once.
//!
//! The key of an exchange is derived from everything it depends on, so that two requests with the same code
//! or the same refresh token share one exchange and its response. Not here: what is sent.

use alloc::vec::Vec;

use tollgate_core::UnixSeconds;

use crate::fetch::{Fetch, FetchLimits, FetchRequest, FetchResponse};

/// The time limit of an exchange, in seconds.
pub const MAX_EXCHANGE_SECS: u32 = 10;
/// The time that a request waits for an exchange, in milliseconds: with a fetch of keys it is less than the five
/// seconds that Lambda@Edge has for a viewer request. A user who reloads the page later finds the response.
pub const EXCHANGE_PATIENCE_MS: u32 = 3_500;
/// Longest response that is accepted, in bytes.
pub const MAX_EXCHANGE_BYTES: u32 = 65_536;
/// Maximum number of exchanges that are remembered.
const MAX_EXCHANGES: usize = 256;
/// The time for which a response is remembered, in seconds.
const REMEMBERED_SECS: i64 = 30;

/// Identifies an exchange.
pub(crate) type Key = [u8; 32];

/// A request to the provider that an outcome depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) key: Key,
    pub(crate) request: FetchRequest,
}

/// The state of an exchange.
pub(crate) enum Progress<'a> {
    /// It has not begun.
    New,
    /// There is no response yet.
    InFlight,
    /// There was no response.
    Failed,
    /// The response.
    Response(u16, &'a [u8]),
}

/// The exchanges of a gate.
#[derive(Default)]
pub(crate) struct Exchanges(Vec<Exchange>);

struct Exchange {
    key: Key,
    ticket: u32,
    began: UnixSeconds,
    end: Option<End>,
}

enum End {
    Failed,
    Response(u16, Vec<u8>),
}

impl Exchanges {
    /// The state of an exchange. An old response is none: a refresh token that is used again must not return
    /// the ID token of its first use.
    pub(crate) fn progress(&self, key: &Key, now: UnixSeconds) -> Progress<'_> {
        let mut recent = self.0.iter().filter(|exchange| exchange.is_recent(now));
        match recent.find(|exchange| exchange.key == *key) {
            None => Progress::New,
            Some(Exchange { end: None, .. }) => Progress::InFlight,
            Some(Exchange {
                end: Some(End::Failed),
                ..
            }) => Progress::Failed,
            Some(Exchange {
                end: Some(End::Response(status, body)),
                ..
            }) => Progress::Response(*status, body),
        }
    }

    /// Begins an exchange unless it has begun. Returns its ticket, and the fetch if it begins now; `None` if too
    /// many are in flight.
    pub(crate) fn begin(
        &mut self,
        wanted: Wanted,
        now: UnixSeconds,
        next_ticket: impl FnOnce() -> u32,
    ) -> Option<(u32, Option<Fetch>)> {
        self.forget(now);
        let Wanted { key, request } = wanted;
        if let Some(known) = self.0.iter().find(|exchange| exchange.key == key) {
            return Some((known.ticket, None));
        }
        if self.0.len() >= MAX_EXCHANGES {
            // Never one in flight, whose code would be sent twice. Grants last: invented codes have none.
            let is_failure = |end: &End| !matches!(end, End::Response(200, _));
            let at = self
                .position(is_failure)
                .or_else(|| self.position(|_| true))?;
            self.0.remove(at);
        }
        let ticket = next_ticket();
        self.0.push(Exchange {
            key,
            ticket,
            began: now,
            end: None,
        });
        let limits = FetchLimits {
            secs: MAX_EXCHANGE_SECS,
            patience_ms: EXCHANGE_PATIENCE_MS,
            bytes: MAX_EXCHANGE_BYTES,
            cached_secs: 0,
        };
        let fetch = Fetch {
            ticket,
            request,
            limits,
        };
        Some((ticket, Some(fetch)))
    }

    /// The oldest exchange that has ended like this.
    fn position(&self, is_wanted: impl Fn(&End) -> bool) -> Option<usize> {
        let mut exchanges = self.0.iter();
        exchanges.position(|exchange| exchange.end.as_ref().is_some_and(&is_wanted))
    }

    /// Records the end of an exchange. Returns whether there is one with this ticket in flight.
    pub(crate) fn end(&mut self, ticket: u32, response: Option<FetchResponse<'_>>) -> bool {
        let mut exchanges = self.0.iter_mut();
        let found = exchanges.find(|exchange| exchange.ticket == ticket && exchange.end.is_none());
        let Some(exchange) = found else { return false };
        exchange.end = Some(match response {
            Some(FetchResponse { status, body }) if body.len() <= MAX_EXCHANGE_BYTES as usize => {
                End::Response(status, body.to_vec())
            }
            Some(_) | None => End::Failed,
        });
        true
    }

    /// Forgets old responses, which contain tokens.
    pub(crate) fn forget(&mut self, now: UnixSeconds) {
        self.0.retain(|exchange| exchange.is_recent(now));
    }
}

impl Exchange {
    fn is_recent(&self, now: UnixSeconds) -> bool {
        let age = now.0.saturating_sub(self.began.0);
        (-REMEMBERED_SECS..=REMEMBERED_SECS).contains(&age)
    }
}
