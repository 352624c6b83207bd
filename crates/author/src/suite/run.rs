//! Asking a gate what a test asks.

use tollgate_core::decide::Trace;
use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::config::TokenSource;
use tollgate_gate::{Context, Gate, Request};

use super::file::{Case, Expect, Who};

/// What stands where a token should, and verifies for nobody.
const NO_TOKEN: &str = "not-a-token";

/// The answer to a test's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// Why.
    pub reason: Reason,
    /// The detail for the log.
    pub detail: Option<&'static str>,
    /// The rule named.
    pub rule: Option<String>,
    /// The HTTP status.
    pub status: u16,
}

impl Got {
    /// Whether this is what was expected.
    pub fn meets(&self, expect: &Expect) -> bool {
        let rule_fits = expect.rule.is_none() || expect.rule == self.rule;
        self.reason == expect.reason && rule_fits
    }
}

/// One request, as tests and probes make it.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Who asks.
    pub who: &'a Who,
    /// The method.
    pub method: &'a str,
    /// The raw target.
    pub target: &'a str,
    /// The visitor's address, if known.
    pub ip: Option<&'a str>,
    /// The time of the visit, in Unix seconds.
    pub now: i64,
}

impl Case {
    /// The request of the test.
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            who: &self.who,
            method: &self.method,
            target: &self.target,
            ip: self.ip.as_deref(),
            now: self.now,
        }
    }
}

/// Asks, and shows `trace` every rule that was weighed.
pub fn run(gate: &Gate<Vec<u8>>, ask: &Ask<'_>, trace: &mut impl Trace) -> Got {
    let mut target = ask.target.to_owned();
    let mut headers = Vec::new();
    let mut assumed = None;
    match ask.who {
        Who::Nobody => {}
        Who::Person(person) => assumed = Some(&person.claims),
        // Where the site looks first. A site that looks nowhere cannot be shown a bad token.
        Who::BadToken => match gate.config().sources.first() {
            Some(TokenSource::Header(name)) => {
                let scheme = if name == "authorization" {
                    "Bearer "
                } else {
                    ""
                };
                headers.push((name.clone(), format!("{scheme}{NO_TOKEN}")));
            }
            Some(TokenSource::Cookie(name)) => {
                headers.push(("cookie".to_owned(), format!("{name}={NO_TOKEN}")));
            }
            Some(TokenSource::Query(name)) => {
                let separator = if target.contains('?') { '&' } else { '?' };
                target.push_str(&format!("{separator}{name}={NO_TOKEN}"));
            }
            None => {}
        },
    }
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let request = Request {
        method: ask.method,
        target: target.as_bytes(),
        headers: &headers,
        ip: ask.ip,
        now: UnixSeconds(ask.now),
    };
    let outcome = gate.ask(&request, &mut Context::assuming(assumed).traced(trace));
    Got {
        reason: outcome.reason,
        detail: outcome.detail,
        rule: outcome.rule,
        status: outcome.status,
    }
}
