//! The clock of a server.
//!
//! Not here: what a time decides.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_core::UnixSeconds;

/// The clock for decisions.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A fixed time, for demonstrations and tests.
    Fixed(UnixSeconds),
    /// The result of this function, for tests in which the time jumps.
    Custom(fn() -> UnixSeconds),
}

impl Clock {
    /// The current time. If the machine's clock is set before 1970, a time at which every token is expired.
    pub(crate) fn now(self) -> UnixSeconds {
        match self {
            Clock::Fixed(now) => now,
            Clock::Custom(clock) => clock(),
            Clock::System => UnixSeconds(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .ok()
                    .and_then(|since| i64::try_from(since.as_secs()).ok())
                    .unwrap_or(i64::MAX),
            ),
        }
    }
}
