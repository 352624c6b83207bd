//! The gate of this server, on the shared host driver.
//!
//! Not here: fetching ([`tollgate_host`]), decisions, and what a valid key set is.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Context, Fetch, FetchResponse, Gate, Outcome, Request, TokenStatus};
use tollgate_host::{Accepted, Host, HttpClient, HttpError, Local, Machine, Native, Stepped};
use tollgate_token::Claims;

use crate::clock::Clock;

/// The number of verified tokens that are cached.
const CACHED_TOKENS: usize = 4_096;

/// The result of a fetch, for the log.
pub type KeysFetched<'a> = tollgate_host::FetchEnded<'a, HttpError>;

/// A callback for every fetch that ended.
pub type KeysSink = tollgate_host::FetchLog<HttpError>;

/// A gate whose keys are refreshed.
pub(crate) type KeyedGate = Host<Timed, Native<HttpClient>>;

/// A gate that measures the time of its evaluations, and the claims that requests without a token count with.
pub(crate) struct Timed(pub(crate) Local, Option<Assumed>);

/// Claims that can be replaced while requests are answered.
pub type Assumed = Arc<RwLock<Claims>>;

pub(crate) fn keyed_gate(gate: Gate<Vec<u8>>, clock: Clock, sink: KeysSink) -> Arc<KeyedGate> {
    assuming_gate(gate, clock, sink, None)
}

/// A gate for which requests without a token count as if one with these claims had been verified.
pub(crate) fn assuming_gate(
    gate: Gate<Vec<u8>>,
    clock: Clock,
    sink: KeysSink,
    assume: Option<Assumed>,
) -> Arc<KeyedGate> {
    let started = Instant::now();
    // The time for cooldowns, which must advance even if the time of decisions is fixed.
    let now = move || match clock {
        Clock::System | Clock::Custom(_) => clock.now(),
        Clock::Fixed(UnixSeconds(start)) => {
            let since = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
            UnixSeconds(start.saturating_add(since))
        }
    };
    let machine = Timed(Local::new(gate, CACHED_TOKENS), assume);
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
        let outcome = self.assumed(request, outcome);
        Stepped {
            outcome: (outcome, started.elapsed()),
            fetches,
            tickets,
        }
    }

    fn ask(&self, request: &Request<'_>) -> Self::Outcome {
        let started = Instant::now();
        let outcome = self.assumed(request, self.0.ask(request));
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

impl Timed {
    /// The outcome with the assumed claims, if they apply to the request.
    fn assumed(&self, request: &Request<'_>, outcome: Outcome) -> Outcome {
        // The gate's own endpoints need no token.
        let is_own = matches!(outcome.action, Action::Serve(_));
        let has_token = !matches!(outcome.log.token, TokenStatus::Absent);
        match &self.1 {
            Some(claims) if !is_own && !has_token && is_for_loopback(request.headers) => {
                let claims = claims.read().unwrap_or_else(PoisonError::into_inner);
                let context = &mut Context::assuming(Some(&claims));
                self.0.read().ask(request, context)
            }
            _ => outcome,
        }
    }
}

/// Whether the host of a request is a loopback name. A name of another site may lead to this machine, too, and the
/// site's pages could then read the response.
fn is_for_loopback(headers: &[(&str, &[u8])]) -> bool {
    let mut hosts = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    let (Some((_, host)), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = core::str::from_utf8(host) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((name, _)) if !host.ends_with(']') => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    address.is_ok_and(|ip| ip.to_canonical().is_loopback())
        || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::is_for_loopback;

    #[test]
    fn loopback_names() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("[::1]", true),
            ("[::1]:8080", true),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com:8080", false),
            ("192.0.2.7", false),
            ("", false),
            (":8080", false),
        ] {
            assert_eq!(
                is_for_loopback(&[("host", host.as_bytes())]),
                expected,
                "{host}"
            );
        }
        assert!(!is_for_loopback(&[]));
        let twice: &[(&str, &[u8])] = &[("host", b"localhost"), ("Host", b"localhost")];
        assert!(!is_for_loopback(twice));
    }
}
