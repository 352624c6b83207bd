//! The requests that a gate needs sent, and the state of an evaluation that waits for their responses.
//!
//! The gate does no IO. It describes a request; the host sends it within the limits and reports the result to
//! [`Gate::resume`](crate::Gate::resume). Not here: when to fetch ([`refresh`](crate::refresh)), and sockets.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::outcome::Outcome;
use crate::refresh::KeysAccepted;

/// The state of an evaluation.
#[derive(Clone, Debug)]
pub enum Step {
    /// The outcome is final.
    Done(Outcome),
    /// The outcome depends on fetches. The host waits for them within their [`patience`](FetchLimits), and
    /// takes another step, at most [`MAX_STEPS`] in all.
    Fetch(Pending),
}

/// The use of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// It is a key set.
    Keys(KeysAccepted),
    /// It is a response to a sign-in, which the next step reads.
    Exchange,
}

/// An evaluation that waits for fetches.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The outcome if none of the fetches changes it.
    pub outcome: Outcome,
    /// The fetches to begin now. They are in flight from here on.
    pub fetches: Vec<Fetch>,
    /// The tickets of all fetches to wait for: those in `fetches`, and those that earlier requests began.
    pub tickets: Vec<u32>,
}

/// The maximum time that a request waits for keys, in milliseconds.
pub const MAX_WAIT_MS: u32 = 1_000;

/// The maximum number of steps of one request: a sign-in can wait for its token, and then for the key that the
/// token names. The outcome of the last one is final.
pub const MAX_STEPS: usize = 3;

/// A request to send, and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Identifies this fetch in [`Gate::resume`](crate::Gate::resume), for this gate only. Never zero, so
    /// that a host can use zero for "none".
    pub ticket: u32,
    /// The request to send.
    pub request: FetchRequest,
    /// Its limits.
    pub limits: FetchLimits,
}

/// A request that a host sends for the gate.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// The method.
    pub method: String,
    /// The absolute URL. A redirect is not followed: it could lead to keys of another party.
    pub url: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Does not print headers and body, which contain the secrets of a sign-in.
impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// The limits of a fetch. A fetch that exceeds one has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// The time limit, in seconds.
    pub secs: u32,
    /// The maximum time that requests wait for it, from when it began, in milliseconds.
    pub patience_ms: u32,
    /// Longest body of the response, in bytes.
    pub bytes: u32,
    /// Maximum age of a response from a shared cache, in seconds; 0 bypasses such caches.
    pub cached_secs: u32,
}

/// The response to a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchResponse<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}
