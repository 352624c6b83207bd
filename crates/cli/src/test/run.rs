//! Asking the gate what a test asks.

use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::config::TokenSource;
use tollgate_gate::{Gate, Request};

use super::file::{Case, Expect, Who};

/// What stands where a token should, and verifies for nobody.
const NO_TOKEN: &str = "not-a-token";

/// The answer to a test's request.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) reason: Reason,
    pub(super) detail: Option<&'static str>,
    pub(super) rule: Option<String>,
    pub(super) status: u16,
}

impl Got {
    /// Whether this is what was expected.
    pub(super) fn meets(&self, expect: &Expect) -> bool {
        let rule_fits = expect.rule.is_none() || expect.rule == self.rule;
        self.reason == expect.reason && rule_fits
    }
}

pub(super) fn run(gate: &Gate<Vec<u8>>, case: &Case) -> Got {
    let mut target = case.target.clone();
    let mut headers = Vec::new();
    let mut assumed = None;
    match &case.who {
        Who::Nobody => {}
        Who::Person(claims) => assumed = Some(&**claims),
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
        method: &case.method,
        target: target.as_bytes(),
        headers: &headers,
        ip: case.ip.as_deref(),
        now: UnixSeconds(case.now),
    };
    let outcome = gate.handle_traced(&request, assumed, &mut ());
    Got {
        reason: outcome.reason,
        detail: outcome.detail,
        rule: outcome.rule,
        status: outcome.status,
    }
}
