//! What a publication needs from outside: an API to call, tools to run, a clock, a listener for progress.
//!
//! Tests replace it by a stub that checks signatures and injects faults. Not here: signing ([`aws`](crate::aws),
//! [`edgegrid`](crate::edgegrid)).

use core::time::Duration;

use crate::call::{Call, Reply};
use crate::error::PublishError;

/// The reason why a call has no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It may have been executed or not: the connection broke, or the response came too late.
    Lost(String),
    /// It was not sent, and another attempt is useless.
    Fatal(PublishError),
}

/// What happens, for people who wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step begins.
    Step {
        /// Its number, from 1.
        number: usize,
        /// The number of steps.
        of: usize,
        /// The description of the step.
        what: String,
    },
    /// The step was done before.
    Done,
    /// A wait goes on.
    Waiting {
        /// The seconds so far.
        secs: u64,
        /// The longest time, in seconds.
        of: u64,
    },
    /// A call is sent again.
    Again {
        /// Why.
        why: String,
    },
}

/// The outside.
pub trait World {
    /// Sends a call once.
    ///
    /// # Errors
    /// Returns an error if there is no response. A response with an error status is a [`Reply`].
    fn send(&mut self, call: &Call) -> Result<Reply, SendError>;

    /// Waits.
    fn pause(&mut self, time: Duration);

    /// The time in Unix seconds.
    fn now(&self) -> i64;

    /// Reports progress.
    fn note(&mut self, event: &Event);
}
