//! Evaluates the request of a test.

use tollgate_core::decide::Trace;
use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::config::TokenSource;
use tollgate_gate::{Context, Gate, Request};

use super::case::{Case, Expect, TestUser};

/// A value that is not a token and verifies for no issuer.
const NO_TOKEN: &str = "not-a-token";

/// The actual decision for a test's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actual {
    /// The reason.
    pub reason: Reason,
    /// The detail for the log.
    pub detail: Option<&'static str>,
    /// The deciding rule.
    pub rule: Option<String>,
    /// The HTTP status.
    pub status: u16,
}

impl Actual {
    /// Whether this is the expected decision.
    pub fn meets(&self, expect: &Expect) -> bool {
        let rule_fits = expect.rule.is_none() || expect.rule == self.rule;
        self.reason == expect.reason && rule_fits
    }
}

/// A request of a test or a probe.
#[derive(Clone, Copy)]
pub struct TestRequest<'a> {
    /// The user.
    pub who: &'a TestUser,
    /// The method.
    pub method: &'a str,
    /// The raw target.
    pub target: &'a str,
    /// The client address, if known.
    pub ip: Option<&'a str>,
    /// The time of the request, in Unix seconds.
    pub now: i64,
}

impl Case {
    /// The request of the test.
    pub fn request(&self) -> TestRequest<'_> {
        TestRequest {
            who: &self.who,
            method: &self.method,
            target: &self.target,
            ip: self.ip.as_deref(),
            now: self.now,
        }
    }
}

/// Evaluates the request, and reports every evaluated rule to `trace`.
pub fn run(gate: &Gate<Vec<u8>>, ask: &TestRequest<'_>, trace: &mut impl Trace) -> Actual {
    let mut target = ask.target.to_owned();
    let mut headers = Vec::new();
    let mut assumed = None;
    match ask.who {
        TestUser::Nobody => {}
        TestUser::Person(person) => assumed = Some(&person.claims),
        // The first source of the site. A site without sources cannot receive an invalid token.
        TestUser::BadToken => match gate.config().sources.first() {
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
        entropy: None,
    };
    let outcome = gate.ask(&request, &mut Context::assuming(assumed).traced(trace));
    Actual {
        reason: outcome.reason,
        detail: outcome.detail,
        rule: outcome.rule,
        status: outcome.status,
    }
}
