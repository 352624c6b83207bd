//! The clock and the log of a function.
//!
//! Not here: what a time decides, and what is logged.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_core::UnixSeconds;

/// The source of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The time in the event, which is then required: for tests that replay requests.
    Event,
    /// A fixed time.
    Fixed(UnixSeconds),
}

/// Called with every log line, without its line end.
pub(crate) type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The machine's time; `None` before 1970.
pub(crate) fn system_time() -> Option<UnixSeconds> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(UnixSeconds)
}
