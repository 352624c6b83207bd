//! The gate of this server, on the shared host driver.
//!
//! Not here: fetching ([`tollgate_host`]), decisions, and what a valid key set is.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use tollgate_core::UnixSeconds;
use tollgate_gate::{Fetch, FetchResponse, Gate, Outcome, Request};
use tollgate_host::{Accepted, Host, HttpClient, HttpError, Local, Machine, Native, Stepped};

use crate::clock::Clock;

/// The number of verified tokens that are cached.
const CACHED_TOKENS: usize = 4_096;

/// The result of a fetch, for the log.
pub type KeysFetched<'a> = tollgate_host::FetchEnded<'a, HttpError>;

/// A callback for every fetch that ended.
pub type KeysSink = tollgate_host::FetchLog<HttpError>;

/// A gate whose keys are refreshed.
pub(crate) type KeyedGate = Host<Timed, Native<HttpClient>>;

/// A gate that measures the time of its evaluations.
pub(crate) struct Timed(pub(crate) Local);

pub(crate) fn keyed_gate(gate: Gate<Vec<u8>>, clock: Clock, sink: KeysSink) -> Arc<KeyedGate> {
    let started = Instant::now();
    // The time for cooldowns, which must advance even if the time of decisions is fixed.
    let now = move || match clock {
        Clock::System | Clock::Custom(_) => clock.now(),
        Clock::Fixed(UnixSeconds(start)) => {
            let since = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
            UnixSeconds(start.saturating_add(since))
        }
    };
    let machine = Timed(Local::new(gate, CACHED_TOKENS));
    Host::new(machine, Native::new(HttpClient::new(), now, sink))
}

impl Machine for Timed {
    /// The outcome, and the time that the last evaluation took.
    type Outcome = (Outcome, Duration);

    fn step(&self, request: &Request<'_>, now: UnixSeconds) -> Stepped<Self::Outcome> {
        let started = Instant::now();
        let Stepped {
            outcome,
            fetches,
            tickets,
        } = self.0.step(request, now);
        Stepped {
            outcome: (outcome, started.elapsed()),
            fetches,
            tickets,
        }
    }

    fn ask(&self, request: &Request<'_>) -> Self::Outcome {
        let started = Instant::now();
        let outcome = self.0.ask(request);
        (outcome, started.elapsed())
    }

    fn needs_entropy(&self, request: &Request<'_>) -> bool {
        self.0.needs_entropy(request)
    }

    fn due(&self, now: UnixSeconds) -> Vec<Fetch> {
        self.0.due(now)
    }

    fn resume(
        &self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<Accepted, String> {
        self.0.resume(ticket, response, now)
    }
}
