//! What a host brings: a clock, a network, tasks, and a log.
//!
//! Not here: platforms. The one for tokio is in `native`, the Worker's is in its adapter.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;

use tollgate_gate::{FetchLimits, FetchRequest, UnixSeconds};

/// Work that a platform runs, in any thread. A platform with one thread whose futures are bound to it wraps them.
pub type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A fetched key set that is in use now, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whether its keys differ from those before; true where the machine cannot tell.
    pub changed: bool,
    /// One line for each key of the set that is skipped. Tokens signed with such a key are denied.
    pub skipped: Vec<String>,
}

/// The response to a request that a platform sent.
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What a host brings.
pub trait Platform: Send + Sync {
    /// Why there is no response.
    type Error: fmt::Display + Send + Sync;

    /// The time.
    fn now(&self) -> UnixSeconds;

    /// How long the platform has been running, by a clock that nobody sets.
    fn uptime(&self) -> Duration;

    /// Sends a request. Follows no redirect and reads no more of the body than `limits.bytes`. The host sees to
    /// the limit of time.
    fn fetch(
        &self,
        request: FetchRequest,
        limits: FetchLimits,
    ) -> Task<Result<Fetched, Self::Error>>;

    /// Ends after this time.
    fn sleep(&self, time: Duration) -> Task<()>;

    /// Runs a task to its end, whatever becomes of the request that started it.
    fn start(&self, task: Task<()>);

    /// Whether tasks run between two requests.
    fn has_background(&self) -> bool {
        true
    }

    /// A fetch from this address begins.
    fn begun(&self, _url: &str, _now: UnixSeconds) {}

    /// A fetch has ended; for the log.
    fn ended(&self, ended: &FetchEnded<'_, Self::Error>);
}

/// How a fetch of keys ended.
#[derive(Debug)]
pub struct FetchEnded<'a, E> {
    /// Where the keys are.
    pub url: &'a str,
    /// The body of the response; empty if there is none.
    pub body: &'a [u8],
    /// When it ended.
    pub now: UnixSeconds,
    /// The accepted key set, or why the keys stay as they are.
    pub result: Result<Accepted, FetchFailure<E>>,
}

/// Why fetched keys are not in use.
#[derive(Debug)]
pub enum FetchFailure<E> {
    /// There was no response within this many seconds.
    Late(u32),
    /// The platform got no response.
    Platform(E),
    /// The gate rejects the response.
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
