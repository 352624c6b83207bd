//! Cache of verified tokens: a repeat request with the same token costs no signature check.
//!
//! A media player fetches hundreds of segments with one token. Only exactly the same bytes hit: tokens are
//! compared in full, and the hash only selects a slot. The token's times are checked at every use. Only valid
//! tokens are cached, so a flood of invalid ones evicts nothing. Entries are evicted when the policy or its
//! keys change. Not here: decisions, and a clock.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use tollgate_core::{Facts, UnixSeconds};
use tollgate_token::{Lifetime, Rejected, TokenError};

use crate::log::TokenStatus;
use crate::session::Parent;

/// Slots per hash value; the least recently used one is evicted for a new token.
const WAYS: usize = 8;

/// Number of bytes at the end of a token that are hashed. They are the end of a signature, so different
/// tokens differ there.
const HASHED_BYTES: usize = 16;

/// A bounded number of verified tokens of one gate.
///
/// It belongs to the caller of the gate: one per thread, or one protected by a lock. A gate that did not fill
/// it empties it first.
pub struct TokenCache {
    slots: Vec<Option<Slot>>,
    /// The epoch of the gate that these tokens were verified by.
    owner: Option<Arc<Epoch>>,
    /// Counts uses, to find the least recently used slot.
    uses: u64,
    /// The slot that was found or filled last.
    last: Option<usize>,
}

/// Identifies one policy with one set of keys by its address.
#[derive(Debug)]
pub(crate) struct Epoch;

/// A verified token.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its content.
    pub(crate) facts: Facts,
    /// The configured name of the issuer where the user signed in.
    pub(crate) issuer: Arc<str>,
    /// The position of the issuer whose key signed it; `None` for assumed claims.
    pub(crate) signer: Option<usize>,
    /// The period in which it is valid; `None` for assumed claims.
    pub(crate) lifetime: Option<Lifetime>,
    /// Whether it is a session of this gate.
    pub(crate) is_session: bool,
    /// The base that it is bound to, if it is a session for one course.
    pub(crate) base: Option<Box<str>>,
    /// The source for minting a session, if this is a sign-in token of a site with sessions.
    pub(crate) parent: Option<Parent>,
}

impl Known {
    /// Its status for a log record.
    pub(crate) fn seen(&self) -> TokenStatus {
        let issuer = Arc::clone(&self.issuer);
        if self.is_session {
            TokenStatus::Session(issuer)
        } else {
            TokenStatus::Verified(issuer)
        }
    }
}

struct Slot {
    token: Box<[u8]>,
    known: Arc<Known>,
    used: u64,
    /// The session that was issued for it last.
    issued: Option<Issued>,
}

/// A session cookie that may be set again.
struct Issued {
    cookie: String,
    at: UnixSeconds,
    /// The position of its path among the session's paths.
    path: usize,
}

/// How long the same session cookie is issued again for a token, in seconds. Some clients store no cookies,
/// and a browser sends several requests at once. Without this, each of them would cost a signature, which
/// costs more than the rest of the request.
const REISSUE_SECS: i64 = 10;

impl TokenCache {
    /// An empty cache for about `capacity` tokens; with 0 it caches nothing.
    pub fn new(capacity: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(capacity.next_multiple_of(WAYS), || None);
        Self {
            slots,
            owner: None,
            uses: 0,
            last: None,
        }
    }

    /// The number of cached tokens.
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks up a token under `epoch`. Returns an error if the cached token is not valid now.
    pub(crate) fn find(
        &mut self,
        epoch: &Arc<Epoch>,
        token: &[u8],
        now: UnixSeconds,
        leeway_secs: u32,
    ) -> Option<Result<Arc<Known>, Rejected>> {
        if !self
            .owner
            .as_ref()
            .is_some_and(|owner| Arc::ptr_eq(owner, epoch))
        {
            self.slots.iter_mut().for_each(|slot| *slot = None);
            self.owner = Some(Arc::clone(epoch));
            return None;
        }
        self.uses = self.uses.wrapping_add(1);
        let uses = self.uses;
        self.last = None;
        let start = self.start_of(token)?;
        let place = self.slots.get_mut(start..start + WAYS)?;
        let is_it = |(_, slot): &(usize, &mut Option<Slot>)| {
            slot.as_ref().is_some_and(|slot| same(&slot.token, token))
        };
        let (at, found) = place.iter_mut().enumerate().find(is_it)?;
        let slot = found.as_mut()?;
        match slot.known.lifetime?.check(now, leeway_secs) {
            Ok(()) => {
                slot.used = uses;
                self.last = Some(start + at);
                Some(Ok(Arc::clone(&slot.known)))
            }
            Err(error) => {
                let issuer = slot.known.signer;
                if error == TokenError::Expired {
                    *found = None;
                }
                Some(Err(Rejected { error, issuer }))
            }
        }
    }

    /// Caches a token that was just verified under the epoch of the last [`find`](Self::find).
    pub(crate) fn keep(&mut self, token: &[u8], known: &Arc<Known>) {
        let used = self.uses;
        self.last = None;
        let Some(start) = self.start_of(token) else {
            return;
        };
        let place = self.slots.iter_mut().enumerate().skip(start).take(WAYS);
        // An empty slot first, otherwise the least recently used.
        let oldest = place.min_by_key(|(_, slot)| slot.as_ref().map(|slot| slot.used));
        if let Some((at, slot)) = oldest {
            *slot = Some(Slot {
                token: token.into(),
                known: Arc::clone(known),
                used,
                issued: None,
            });
            self.last = Some(at);
        }
    }

    /// Returns the session cookie that was just issued for this path and token, if the token was looked up
    /// last.
    pub(crate) fn issued(&self, known: &Arc<Known>, path: usize, now: UnixSeconds) -> Option<&str> {
        let slot = self.slots.get(self.last?)?.as_ref()?;
        let issued = slot.issued.as_ref()?;
        let age = now.0.checked_sub(issued.at.0)?;
        let is_it = Arc::ptr_eq(&slot.known, known) && issued.path == path;
        (is_it && (0..REISSUE_SECS).contains(&age)).then_some(&issued.cookie)
    }

    /// Stores a session cookie with the token that was looked up last.
    pub(crate) fn keep_issued(
        &mut self,
        known: &Arc<Known>,
        (path, now): (usize, UnixSeconds),
        cookie: &str,
    ) {
        let slot = self.last.and_then(|last| self.slots.get_mut(last));
        let slot = slot.and_then(Option::as_mut);
        if let Some(slot) = slot.filter(|slot| Arc::ptr_eq(&slot.known, known)) {
            slot.issued = Some(Issued {
                cookie: cookie.into(),
                at: now,
                path,
            });
        }
    }

    /// The first of the slots that can contain a token.
    fn start_of(&self, token: &[u8]) -> Option<usize> {
        let places = self.slots.len() / WAYS;
        Some(hash(token).checked_rem(places)? * WAYS)
    }
}

/// Whether these are the same bytes. WASM has no instruction that compares memory, and the library function
/// compares single bytes: comparing words takes an eighth of the time.
fn same(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut pairs = words.iter().zip(other_words);
    one.len() == other.len()
        && rest == other_rest
        && pairs.all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b))
}

/// A hash of the token's end. To target a slot, an attacker needs tokens with valid signatures.
fn hash(token: &[u8]) -> usize {
    let word = |bytes: &[u8]| {
        bytes
            .last_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word))
    };
    let before = token.len().checked_sub(HASHED_BYTES / 2);
    let before = before.and_then(|end| token.get(..end)).map_or(0, word);
    let both = word(token) ^ before.rotate_left(32);
    // The high half of a product is mixed best.
    (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

/// Shows only the number of tokens, because tokens are secrets.
impl core::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TokenCache({} of {})", self.len(), self.slots.len())
    }
}
