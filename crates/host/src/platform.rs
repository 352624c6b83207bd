//! The interface of a platform: a clock, a network, tasks, and a log.
//!
//! Not here: platforms. The one for tokio is in `native`, the Worker's is in its adapter.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;

use tollgate_gate::{FetchLimits, FetchRequest, UnixSeconds};

/// Work that a platform runs on any thread. A single-threaded platform wraps futures that are bound to its
/// thread.
pub type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A response that the gate accepted, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// For a key set, whether its keys differ from the previous ones; `true` if the machine does not report it.
    pub changed: bool,
    /// One line per skipped key of the set. Tokens signed with such a key are denied.
    pub skipped: Vec<String>,
}

/// The response to a request that a platform sent.
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The environment that a host provides.
pub trait Platform: Send + Sync {
    /// The reason why no response was received.
    type Error: fmt::Display + Send + Sync;

    /// The time.
    fn now(&self) -> UnixSeconds;

    /// The running time of the platform, from a monotonic clock.
    fn uptime(&self) -> Duration;

    /// Sends a request. Must not follow redirects or read more than `limits.bytes` of the body. The host
    /// enforces the time limit.
    fn fetch(
        &self,
        request: FetchRequest,
        limits: FetchLimits,
    ) -> Task<Result<Fetched, Self::Error>>;

    /// Bytes from a secure random number generator; `None` if it fails.
    fn entropy(&self) -> Option<[u8; 32]>;

    /// Completes after this time.
    fn sleep(&self, time: Duration) -> Task<()>;

    /// Runs a task to its end, even if the request that started it is cancelled.
    fn start(&self, task: Task<()>);

    /// Whether tasks run between requests.
    fn has_background(&self) -> bool {
        true
    }

    /// Called when a fetch of keys from this URL begins.
    fn begun(&self, _url: &str, _now: UnixSeconds) {}

    /// Called when a fetch has ended; for the log.
    fn ended(&self, ended: &FetchEnded<'_, Self::Error>);
}

/// The result of a fetch.
#[derive(Debug)]
pub struct FetchEnded<'a, E> {
    /// The URL.
    pub url: &'a str,
    /// Whether a key set was fetched; otherwise this is a request of a sign-in to the provider.
    pub is_keys: bool,
    /// The body of a key set; empty if there was no response, and for a sign-in, whose response contains
    /// tokens.
    pub body: &'a [u8],
    /// The time when it ended.
    pub now: UnixSeconds,
    /// The accepted response, or why it is not used.
    pub result: Result<Accepted, FetchFailure<E>>,
}

/// The reason why fetched keys are not used.
#[derive(Debug)]
pub enum FetchFailure<E> {
    /// There was no response within this many seconds.
    Late(u32),
    /// The platform received no response.
    Platform(E),
    /// The gate rejected the response.
    Rejected(String),
}

impl<E: fmt::Display> fmt::Display for FetchFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(secs) => write!(f, "no response within {secs} seconds"),
            Self::Platform(error) => write!(f, "{error}"),
            Self::Rejected(error) => write!(f, "{error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for FetchFailure<E> {}
