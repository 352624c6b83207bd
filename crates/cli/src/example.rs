//! Example requests and their decisions, as text and as JSON.
//!
//! Not here: finding them, which the analysis does.

use serde_json::{Value, json};
use tollgate_analysis::text::rfc3339;
use tollgate_analysis::{Evaluation, Request};
use tollgate_core::Reason;

use crate::analysed::Analysed;

/// A request as an object.
pub(crate) fn request(request: &Request) -> String {
    members(&[
        ("method", json!(request.method)),
        ("target", json!(request.target)),
        ("ip", json!(request.ip.map(|ip| ip.to_string()))),
        ("now", json!(request.now)),
        ("claims", json!(request.claims)),
    ])
}

/// An object with its members in this order.
pub(crate) fn members(members: &[(&str, Value)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A request in one line.
pub(crate) fn described(request: &Request) -> String {
    let mut text = format!("{} {}", request.method, request.target);
    match &request.claims {
        None => text.push_str(", no token"),
        Some(claims) => text.push_str(&format!(", claims {}", json!(claims))),
    }
    if let Some(ip) = request.ip {
        text.push_str(&format!(", from {ip}"));
    }
    text.push_str(&format!(", at {}", rfc3339(request.now)));
    text
}

/// A decision in a few words.
pub(crate) fn ruled(side: &Analysed, ruling: &Evaluation) -> String {
    let mut text = format!("{} {}", ruling.kind.code(), ruling.status);
    // The reason of an allowed request only repeats its outcome.
    if ruling.reason != Reason::Allow {
        text.push_str(&format!(" {}", ruling.reason.code()));
    }
    if let Some(location) = &ruling.location {
        text.push_str(&format!(" to {location}"));
    }
    if let Some(rule) = ruling.rule {
        text.push_str(&format!(" by {}", side.named(rule)));
    }
    text
}
