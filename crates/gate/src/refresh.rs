//! When the keys of an issuer are fetched again, as a state machine without clock, timer and socket.
//!
//! The host asks [`Gate::keys_due`](crate::Gate::keys_due), fetches what it is told to, and reports
//! with [`keys_arrived`](crate::Gate::keys_arrived) or [`keys_failed`](crate::Gate::keys_failed). There
//! is at most one fetch per issuer at a time, and none within [`COOLDOWN_SECS`] after one that ended,
//! well or not: tokens with invented key names make no more requests than that. A fetch that fails
//! changes nothing, so the keys at hand stay in use. Not here: how to fetch, and what a good key is.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use tollgate_core::UnixSeconds;
use tollgate_token::{Algorithm, IssuerConfig, JwksKey, KeyError, KeyMaterial, SkippedKey};

/// How long nothing is fetched from an issuer after a fetch ended, in seconds.
pub const COOLDOWN_SECS: i64 = 10;
/// How old keys may get before they are fetched again without anybody missing one, in seconds.
pub const MAX_KEYS_AGE_SECS: i64 = 3_600;
/// How long a fetch may take, in seconds; one that takes longer counts as failed.
pub const MAX_FETCH_SECS: i64 = 5;
/// Longest key set that is taken, in bytes.
pub const MAX_KEYS_BYTES: usize = 262_144;

/// A clock that is behind by more than this, in seconds, has been set back: what it said before no
/// longer counts. Less than that is two requests that overtook each other.
const CLOCK_SET_BACK_SECS: i64 = 60;

/// Why keys could be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A request carries a token that names a key nobody here knows.
    UnknownKey,
    /// Nothing in particular: keys get old.
    Age,
}

/// A key set to fetch. It is under way from now on: report how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFetch {
    /// Names this fetch in the report; good for this gate only.
    pub ticket: u32,
    /// The issuer's position in the configuration.
    pub issuer: usize,
    /// Where the key set is. A redirect to another host must not be followed.
    pub url: String,
}

/// A fetched key set that is in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysAccepted {
    /// Whether its keys differ from those before.
    pub changed: bool,
    /// Keys of the set that no token can use. Hosts log them: tokens signed with such a key are denied.
    pub skipped: Vec<SkippedKey>,
}

/// The public keys of an issuer, to recognise a set that is served again. Order and layout do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySet(Vec<(Option<Box<str>>, Algorithm, KeyMaterial)>);

/// Why a fetched key set is not used. The keys at hand stay as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysRefused {
    /// No fetch with this ticket is under way: it was reported before, or it took too long.
    Ticket,
    /// It is longer than [`MAX_KEYS_BYTES`].
    TooLarge,
    /// It is no key set, or has no key that could verify a token of the issuer.
    Keys(Vec<KeyError>),
}

impl fmt::Display for KeysRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket => f.write_str("no such fetch of keys is under way"),
            Self::TooLarge => write!(f, "a key set of more than {MAX_KEYS_BYTES} bytes"),
            Self::Keys(errors) => {
                f.write_str("the fetched key set is refused")?;
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{} {error}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for KeysRefused {}

/// The state of all issuers whose keys can be fetched.
pub(crate) struct Refresh {
    sources: Vec<Source>,
    last_ticket: u32,
}

/// One issuer whose keys can be fetched.
struct Source {
    issuer: usize,
    url: String,
    under_way: Option<UnderWay>,
    /// When the last fetch ended, well or not.
    ended: Option<UnixSeconds>,
    /// When the last fetch ended well.
    refreshed: Option<UnixSeconds>,
    /// The keys that it brought; until then those of the image are in use.
    keys: Option<KeySet>,
}

#[derive(Clone, Copy)]
struct UnderWay {
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
                under_way: None,
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

    /// The first fetch that is due, which is under way from now on.
    pub(crate) fn due(&mut self, now: UnixSeconds, why: Why) -> Option<KeyFetch> {
        self.sources
            .iter_mut()
            .for_each(|source| source.give_up(now));
        let source = self
            .sources
            .iter_mut()
            .find(|source| source.is_due(now, why))?;
        // Zero is nobody's ticket, so that a host may use it for "none".
        let ticket = self.last_ticket.checked_add(1).unwrap_or(1);
        self.last_ticket = ticket;
        source.under_way = Some(UnderWay { ticket, began: now });
        Some(KeyFetch {
            ticket,
            issuer: source.issuer,
            url: source.url.clone(),
        })
    }

    /// Takes the report that a fetch ended: whose keys it was for, if it was under way and not too old.
    pub(crate) fn end(&mut self, ticket: u32, now: UnixSeconds) -> Option<usize> {
        let has_ticket =
            |source: &&mut Source| source.under_way.is_some_and(|fetch| fetch.ticket == ticket);
        let source = self.sources.iter_mut().find(has_ticket)?;
        source.give_up(now);
        source.under_way.take()?;
        source.ended = Some(now);
        Some(source.issuer)
    }

    /// Notes that fetched keys of an issuer are in use.
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

    /// The fetched keys of an issuer that are in use.
    pub(crate) fn keys(&self, issuer: usize) -> Option<&KeySet> {
        let source = self.sources.iter().find(|source| source.issuer == issuer)?;
        source.keys.as_ref()
    }

    /// The issuers whose keys are fetched from this address.
    pub(crate) fn issuers_at(&self, url: &str) -> Vec<usize> {
        let sources = self.sources.iter().filter(|source| source.url == url);
        sources.map(|source| source.issuer).collect()
    }

    /// Notes when the last fetch from this address ended, unless a later one has.
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
    fn is_due(&self, now: UnixSeconds, why: Why) -> bool {
        let is_old = match why {
            Why::UnknownKey => true,
            Why::Age => has_passed(MAX_KEYS_AGE_SECS, self.refreshed, now),
        };
        self.under_way.is_none() && is_old && has_passed(COOLDOWN_SECS, self.ended, now)
    }

    /// Counts a fetch that takes too long as failed, at the moment when it began to.
    fn give_up(&mut self, now: UnixSeconds) {
        let Some(UnderWay { began, .. }) = self.under_way else {
            return;
        };
        // Up to and including the last second that it may take it is not late.
        if has_passed(MAX_FETCH_SECS.saturating_add(1), Some(began), now) {
            self.under_way = None;
            self.ended = Some(UnixSeconds(began.0.saturating_add(MAX_FETCH_SECS)).min(now));
        }
    }
}

/// Whether so many seconds lie between `then` and `now`; what never was has always passed.
fn has_passed(secs: i64, then: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    let Some(then) = then else { return true };
    let elapsed = now.0.saturating_sub(then.0);
    elapsed >= secs || elapsed < -CLOCK_SET_BACK_SECS
}

#[cfg(test)]
mod tests;
