//! The state machine of key refresh, without clock, timer and socket.
//!
//! A request that names an unknown key ID waits for the fetches that [`Gate::step`](crate::Gate::step)
//! returns. Old keys are refreshed in the background: see [`Gate::due`](crate::Gate::due). The host reports
//! the result of a fetch to [`Gate::resume`](crate::Gate::resume). Each issuer has at most one fetch in
//! flight, and none within [`COOLDOWN_SECS`] after the last one ended, successfully or not. This limits the
//! requests that tokens with invented key IDs can cause. A fetch that fails changes nothing, so the current
//! keys stay in use. Not here: how to fetch, and which keys are valid.

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::fmt;

use tollgate_core::UnixSeconds;
use tollgate_token::{Algorithm, IssuerConfig, JwksKey, KeyError, KeyMaterial, SkippedKey};

use crate::fetch::{Fetch, FetchLimits, FetchRequest, MAX_WAIT_MS};

/// The cooldown of an issuer after a fetch ended, in seconds.
pub const COOLDOWN_SECS: i64 = 10;
/// The age at which keys are refreshed although no token names an unknown key ID, in seconds.
pub const MAX_KEYS_AGE_SECS: i64 = 3_600;
/// The time limit of a fetch, in seconds; a fetch that takes longer counts as failed.
pub const MAX_FETCH_SECS: u32 = 5;
/// Longest key set that is accepted, in bytes.
pub const MAX_KEYS_BYTES: u32 = 262_144;

/// Maximum age of a key set from a shared cache for a refresh by age, in seconds.
const CACHED_KEYS_SECS: u32 = 600;
/// The same for a refresh by an unknown key ID: no older than the cooldown allows anyway.
const CACHED_UNKNOWN_SECS: u32 = 10;

/// A clock that goes back by more than this, in seconds, has been reset, and earlier times no longer count. A
/// smaller difference is due to concurrent requests.
const CLOCK_SET_BACK_SECS: i64 = 60;

/// The trigger of a key refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A token names an unknown key ID.
    UnknownKey,
    /// The age of the keys.
    Age,
}

/// A fetched key set that is now in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysAccepted {
    /// Whether its keys differ from those before.
    pub changed: bool,
    /// Keys of the set that no token can use. Hosts log them, because tokens signed with such a key are
    /// denied.
    pub skipped: Vec<SkippedKey>,
}

/// The public keys of an issuer, to recognize an unchanged set. Order and layout do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySet(Vec<(Option<Box<str>>, Algorithm, KeyMaterial)>);

/// The reason why a fetched key set is not used. The current keys stay in use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// No fetch with this ticket is in flight: its result was already reported, or it took too long.
    Ticket,
    /// The host received no response.
    NoResponse,
    /// The response has this status instead of 200.
    Status(u16),
    /// The set is longer than [`MAX_KEYS_BYTES`].
    TooLarge,
    /// The body is not a key set, or contains no key that could verify a token of the issuer.
    Keys(Vec<KeyError>),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket => f.write_str("no such key fetch is in flight"),
            Self::NoResponse => f.write_str("no response"),
            Self::Status(status) => write!(f, "status {status} instead of a key set"),
            Self::TooLarge => write!(f, "the key set is longer than {MAX_KEYS_BYTES} bytes"),
            Self::Keys(errors) => {
                f.write_str("the fetched key set is rejected")?;
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{} {error}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for KeySetError {}

/// The state of all issuers whose keys can be fetched.
pub(crate) struct Refresh {
    sources: Vec<Source>,
    last_ticket: u32,
}

/// One issuer whose keys can be fetched.
struct Source {
    issuer: usize,
    url: String,
    in_flight: Option<InFlight>,
    /// The time when the last fetch ended, successfully or not.
    ended: Option<UnixSeconds>,
    /// The time when the last successful fetch ended.
    refreshed: Option<UnixSeconds>,
    /// The keys of that fetch. Until then the keys of the image are in use.
    keys: Option<KeySet>,
}

#[derive(Clone, Copy)]
struct InFlight {
    ticket: u32,
    began: UnixSeconds,
}

impl Refresh {
    pub(crate) fn new(issuers: &[IssuerConfig]) -> Self {
        let source = |(issuer, config): (usize, &IssuerConfig)| {
            let url = config.refresh.clone()?;
            Some(Source {
                issuer,
                url,
                in_flight: None,
                ended: None,
                refreshed: None,
                keys: None,
            })
        };
        Self {
            sources: issuers.iter().enumerate().filter_map(source).collect(),
            last_ticket: 0,
        }
    }

    /// Returns the fetches that are due. They are in flight from now on.
    pub(crate) fn due(&mut self, now: UnixSeconds, trigger: Trigger) -> Vec<Fetch> {
        let Self {
            sources,
            last_ticket,
        } = self;
        sources.iter_mut().for_each(|source| source.give_up(now));
        let due = sources
            .iter_mut()
            .filter(|source| source.is_due(now, trigger));
        due.map(|source| {
            let ticket = next_ticket(last_ticket);
            source.in_flight = Some(InFlight { ticket, began: now });
            source.fetch(ticket, trigger)
        })
        .collect()
    }

    /// Returns a new ticket, for a fetch of something other than keys.
    pub(crate) fn next_ticket(&mut self) -> u32 {
        next_ticket(&mut self.last_ticket)
    }

    /// Returns the tickets of all fetches in flight.
    pub(crate) fn in_flight(&self) -> Vec<u32> {
        let fetches = self.sources.iter().filter_map(|source| source.in_flight);
        fetches.map(|fetch| fetch.ticket).collect()
    }

    /// Ends a fetch and returns its issuer, if the fetch is in flight and not too old.
    pub(crate) fn end(&mut self, ticket: u32, now: UnixSeconds) -> Option<usize> {
        let has_ticket =
            |source: &&mut Source| source.in_flight.is_some_and(|fetch| fetch.ticket == ticket);
        let source = self.sources.iter_mut().find(has_ticket)?;
        source.give_up(now);
        source.in_flight.take()?;
        source.ended = Some(now);
        Some(source.issuer)
    }

    /// Records the fetched keys of an issuer, which are now in use.
    pub(crate) fn succeeded(&mut self, issuer: usize, now: UnixSeconds, keys: KeySet) {
        if let Some(source) = self
            .sources
            .iter_mut()
            .find(|source| source.issuer == issuer)
        {
            source.refreshed = Some(now);
            source.keys = Some(keys);
        }
    }

    /// Returns the fetched keys of an issuer that are in use.
    pub(crate) fn keys(&self, issuer: usize) -> Option<&KeySet> {
        let source = self.sources.iter().find(|source| source.issuer == issuer)?;
        source.keys.as_ref()
    }

    /// Returns the issuers whose keys are fetched from this URL.
    pub(crate) fn issuers_at(&self, url: &str) -> Vec<usize> {
        let sources = self.sources.iter().filter(|source| source.url == url);
        sources.map(|source| source.issuer).collect()
    }

    /// Records when the last fetch from this URL ended, unless a later one has ended.
    pub(crate) fn restore_cooldown(&mut self, url: &str, ended: UnixSeconds) {
        for source in self.sources.iter_mut().filter(|source| source.url == url) {
            source.ended = source.ended.max(Some(ended));
        }
    }
}

impl KeySet {
    pub(crate) fn new(keys: &[JwksKey]) -> Self {
        let mut keys: Vec<_> = keys
            .iter()
            .map(|key| (key.kid.clone(), key.algorithm, key.material.clone()))
            .collect();
        keys.sort_by(|(a, a_algorithm, _), (b, b_algorithm, _)| {
            (a, a_algorithm).cmp(&(b, b_algorithm))
        });
        Self(keys)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Source {
    /// The request for the key set of this source.
    fn fetch(&self, ticket: u32, trigger: Trigger) -> Fetch {
        Fetch {
            ticket,
            request: FetchRequest {
                method: "GET".to_owned(),
                url: self.url.clone(),
                headers: [("accept".to_owned(), "application/json".to_owned())].into(),
                body: Vec::new(),
            },
            limits: FetchLimits {
                secs: MAX_FETCH_SECS,
                patience_ms: MAX_WAIT_MS,
                bytes: MAX_KEYS_BYTES,
                cached_secs: match trigger {
                    Trigger::UnknownKey => CACHED_UNKNOWN_SECS,
                    Trigger::Age => CACHED_KEYS_SECS,
                },
            },
        }
    }

    fn is_due(&self, now: UnixSeconds, trigger: Trigger) -> bool {
        let is_old = match trigger {
            Trigger::UnknownKey => true,
            Trigger::Age => has_passed(MAX_KEYS_AGE_SECS, self.refreshed, now),
        };
        self.in_flight.is_none() && is_old && has_passed(COOLDOWN_SECS, self.ended, now)
    }

    /// Ends a fetch that takes too long as failed, at the time when it exceeded its limit.
    fn give_up(&mut self, now: UnixSeconds) {
        let Some(InFlight { began, .. }) = self.in_flight else {
            return;
        };
        // The last second of its time limit still counts as in time.
        if has_passed(i64::from(MAX_FETCH_SECS) + 1, Some(began), now) {
            self.in_flight = None;
            let latest = began.0.saturating_add(MAX_FETCH_SECS.into());
            self.ended = Some(UnixSeconds(latest).min(now));
        }
    }
}

/// Zero is never a ticket, so that a host can use it for "none".
fn next_ticket(last: &mut u32) -> u32 {
    *last = last.checked_add(1).unwrap_or(1);
    *last
}

/// Whether at least `secs` seconds have passed since `then`; always true if `then` is `None`.
fn has_passed(secs: i64, then: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    let Some(then) = then else { return true };
    let elapsed = now.0.saturating_sub(then.0);
    elapsed >= secs || elapsed < -CLOCK_SET_BACK_SECS
}

#[cfg(test)]
mod tests;
