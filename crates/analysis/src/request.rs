//! A concrete request, and its result by the real evaluator.
//!
//! Conclusions of the analysis are reported only after they were replayed here. Not here: finding requests.

use core::net::IpAddr;
use std::borrow::Cow;

use serde_json::{Map, Value};
use tollgate_core::decide::{Trace, decide_traced};
use tollgate_core::{Facts, PathScratch, Query, Reason, RuleId, TokenState, UnixSeconds};
use tollgate_gate::Kind;
use tollgate_gate::config::DenyAnswer;
use tollgate_token::{Claims, IssuerConfig};

use crate::policy::Policy;

/// A request as an author would describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The raw request target: the path, escaped where it must be.
    pub target: String,
    /// The client's address, if it is known.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
    /// The claims of the verified token; `None` is a request without a token.
    pub claims: Option<Map<String, Value>>,
}

/// The result of a policy for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether it is allowed.
    pub kind: Kind,
    /// The HTTP status of the response.
    pub status: u16,
    /// The target of a redirect.
    pub location: Option<String>,
    /// The reason.
    pub reason: Reason,
    /// The rule responsible, for `allow` and `denied_by_rule`.
    pub rule: Option<RuleId>,
}

impl Evaluation {
    /// Whether the client gets the same response. A 405 counts as the 403 that it would be without the other
    /// methods: if the two differ, another method is newly allowed or denied, and that is reported.
    pub fn same_response(&self, other: &Self) -> bool {
        let closed = |evaluation: &Self| {
            matches!(
                evaluation.reason,
                Reason::BadMethod | Reason::Forbidden | Reason::DeniedByRule
            )
        };
        let shadow = self.reason == Reason::BadMethod || other.reason == Reason::BadMethod;
        (shadow && closed(self) && closed(other))
            || (self.kind, self.status, &self.location)
                == (other.kind, other.status, &other.location)
    }
}

/// Evaluates a request as edges do.
pub fn evaluate(policy: &Policy, request: &Request) -> Evaluation {
    evaluate_traced(policy, request, &mut ())
}

/// Evaluates a request as edges do, and reports every evaluated rule to `trace`.
pub fn evaluate_traced(policy: &Policy, request: &Request, trace: &mut impl Trace) -> Evaluation {
    let image = policy.image();
    let mut scratch = PathScratch::new();
    let raw = request.target.split('?').next().unwrap_or_default();
    let Ok(path) = scratch.parse(raw.as_bytes(), image.path_options()) else {
        return evaluation(policy, Reason::BadPath, None);
    };
    let facts = request
        .claims
        .as_ref()
        .map(|claims| assumed_facts(policy, claims));
    let token = match &facts {
        None => TokenState::Absent,
        Some(None) => TokenState::Bad,
        Some(Some(facts)) => TokenState::Verified(facts),
    };
    let query = Query {
        path: &path,
        method: &request.method,
        ip: request.ip,
        now: UnixSeconds(request.now),
        token,
    };
    let decision = decide_traced(image, &query, trace);
    evaluation(policy, decision.reason, decision.rule)
}

fn evaluation(policy: &Policy, reason: Reason, rule: Option<RuleId>) -> Evaluation {
    let (status, location) = match reason {
        Reason::Allow => (200, None),
        _ => match policy.config().deny.answer_to(reason).into_owned() {
            DenyAnswer::Status(status) => (status, None),
            // The browser's; other clients receive 401.
            DenyAnswer::Redirect(location) | DenyAnswer::SignIn(location) => (302, Some(location)),
        },
    };
    Evaluation {
        kind: Kind::of(reason),
        status,
        location,
        reason,
        rule,
    }
}

/// The facts of a token with these claims, for the issuer that they are assumed to be from.
pub(crate) fn assumed_facts(policy: &Policy, claims: &Map<String, Value>) -> Option<Facts> {
    let (claims, issuer) = assumed(policy, Some(claims))?;
    let places = &policy.config().claim_places;
    claims.facts(policy.image(), &issuer, places).ok()
}

/// The claims as the token layer reads them, with none as empty ones, and the issuer that they are assumed to be from.
pub(crate) fn assumed<'p>(
    policy: &'p Policy,
    claims: Option<&Map<String, Value>>,
) -> Option<(Claims, Cow<'p, IssuerConfig>)> {
    let text = match claims {
        Some(claims) => serde_json::to_vec(claims).ok()?,
        None => b"{}".to_vec(),
    };
    let claims = Claims::from_json(&text).ok()?;
    let issuer = policy.config().assumed_issuer(&claims).ok()?;
    Some((claims, issuer))
}
