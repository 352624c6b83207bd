//! Tokens that were verified before, so that the next request with the same one costs no signature.
//!
//! A player fetches hundreds of segments with one token. Only the very same bytes hit: they are compared
//! whole, and the hash that finds their place decides nothing. Times are judged at every use. Only good
//! tokens are kept, so a flood of bad ones pushes nothing out; what is kept is let go when the policy or
//! its keys change. Not here: decisions, and a clock.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use tollgate_core::{Facts, UnixSeconds};
use tollgate_token::{Lifetime, Rejected, TokenError};

use crate::log::TokenSeen;
use crate::session::Parent;

/// Tokens that share a place by their hash; the one unused for longest makes room for a new one.
const WAYS: usize = 8;

/// How many bytes at a token's end choose its place. They are the end of a signature, so different
/// tokens differ there.
const HASHED_BYTES: usize = 16;

/// Verified tokens of one gate, of a bounded number.
///
/// It belongs to whoever asks the gate: one a thread, or one behind a lock. A gate that did not fill it
/// empties it first.
pub struct TokenCache {
    slots: Vec<Option<Slot>>,
    /// Whose tokens these are.
    owner: Option<Arc<Epoch>>,
    /// Counts uses, to tell which slot was used last.
    uses: u64,
    /// The slot that was found or filled last.
    last: Option<usize>,
}

/// One policy with one set of keys. There is nothing in it: which one it is, is where it is.
#[derive(Debug)]
pub(crate) struct Epoch;

/// A verified token.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its content.
    pub(crate) facts: Facts,
    /// The configured name of the issuer where the user signed in.
    pub(crate) issuer: Arc<str>,
    /// The position of the issuer whose key has signed it; `None` if it is only assumed.
    pub(crate) signer: Option<usize>,
    /// The period in which it is valid; `None` if it is only assumed.
    pub(crate) lifetime: Option<Lifetime>,
    /// Whether it is a session of this gate.
    pub(crate) is_session: bool,
    /// The base that it is bound to, if it is a session for one course.
    pub(crate) base: Option<Box<str>>,
    /// What a session can be minted from, if it is a sign-in token of a site with sessions.
    pub(crate) parent: Option<Parent>,
}

impl Known {
    /// What a record shows of it.
    pub(crate) fn seen(&self) -> TokenSeen {
        let issuer = Arc::clone(&self.issuer);
        if self.is_session {
            TokenSeen::Session(issuer)
        } else {
            TokenSeen::Verified(issuer)
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
    /// What it is for, by its position among the session's paths.
    path: usize,
}

/// How long a session cookie is set again for the same token, in seconds. A session is signed for a client that
/// keeps no cookies, and for the requests that a browser sends at once, and its signature costs more than the rest
/// of the request.
const REISSUE_SECS: i64 = 10;

impl TokenCache {
    /// An empty cache for about so many tokens; 0 keeps none.
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

    /// How many tokens it holds.
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of a token under `epoch`, if it was seen; an error if it is not valid now.
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

    /// Keeps a token that was just verified under the epoch of the last [`find`](Self::find).
    pub(crate) fn keep(&mut self, token: &[u8], known: &Arc<Known>) {
        let used = self.uses;
        self.last = None;
        let Some(start) = self.start_of(token) else {
            return;
        };
        let place = self.slots.iter_mut().enumerate().skip(start).take(WAYS);
        // Empty ones first, then the one that was used longest ago.
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

    /// The session cookie that was issued a moment ago for this token and path, if it was the last one looked up.
    pub(crate) fn issued(&self, known: &Arc<Known>, path: usize, now: UnixSeconds) -> Option<&str> {
        let slot = self.slots.get(self.last?)?.as_ref()?;
        let issued = slot.issued.as_ref()?;
        let age = now.0.checked_sub(issued.at.0)?;
        let is_it = Arc::ptr_eq(&slot.known, known) && issued.path == path;
        (is_it && (0..REISSUE_SECS).contains(&age)).then_some(&issued.cookie)
    }

    /// Keeps a session cookie with the token that was looked up last.
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

    /// The first of the slots in which a token may be.
    fn start_of(&self, token: &[u8]) -> Option<usize> {
        let places = self.slots.len() / WAYS;
        Some(hash(token).checked_rem(places)? * WAYS)
    }
}

/// Whether these are the same bytes. WASM has no instruction that compares memory, and its library goes byte
/// by byte: words take an eighth of that.
fn same(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut pairs = words.iter().zip(other_words);
    one.len() == other.len()
        && rest == other_rest
        && pairs.all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b))
}

/// A hash of the token's end. Whoever aims at a place has to aim with tokens that somebody signed.
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

/// Shows how full it is; tokens are secrets.
impl core::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TokenCache({} of {})", self.len(), self.slots.len())
    }
}
