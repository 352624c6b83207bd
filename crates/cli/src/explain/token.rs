//! The claims in the token of a request, for explanations.
//!
//! Not here: whether the token is valid, which the gate decides.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};
use tollgate_gate::{Action, Context, Gate, Outcome, Request, TokenStatus};
use tollgate_token::Claims;

use crate::claims::span;

/// The claims of the request's token: of the verified one, else of the first invalid one.
pub(super) fn claims(
    gate: &Gate<Vec<u8>>,
    request: &Request<'_>,
    outcome: &Outcome,
) -> Option<Map<String, Value>> {
    if matches!(outcome.log.token, TokenStatus::Unread | TokenStatus::Absent) {
        return None;
    }
    let found = tokens(request);
    let is_verified = matches!(outcome.log.token, TokenStatus::Verified(_));
    // Of several tokens, the verified one leads to the same decision.
    let is_same = |claims: &&Map<String, Value>| {
        with_claims(gate, request, claims).is_some_and(|assumed| {
            (assumed.reason, &assumed.rule) == (outcome.reason, &outcome.rule)
        })
    };
    let verified = found.iter().find(is_same).filter(|_| is_verified);
    verified.or(found.first()).cloned()
}

/// The claims of everything in a request that has the form of a token. Only the gate knows which places may contain
/// tokens.
fn tokens(request: &Request<'_>) -> Vec<Map<String, Value>> {
    let values = request.headers.iter().map(|(_, value)| *value);
    values
        .chain([request.target])
        .filter_map(|value| core::str::from_utf8(value).ok())
        .flat_map(|text| text.split([' ', ';', '=', '&', '?', ',']))
        .filter_map(payload)
        .collect()
}

/// Reads the claims in a token without verifying it.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let [_, payload, _] = <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).ok()?;
    let bytes = Base64UrlUnpadded::decode_vec(payload).ok()?;
    Claims::from_json(&bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The outcome if a token with these claims had been verified.
pub(super) fn with_claims(
    gate: &Gate<Vec<u8>>,
    request: &Request<'_>,
    claims: &Map<String, Value>,
) -> Option<Outcome> {
    let claims = Claims::from_json(&serde_json::to_vec(claims).ok()?).ok()?;
    Some(gate.ask(request, &mut Context::assuming(Some(&claims))))
}

/// Returns the error of the token layer for these claims, if it rejects them whatever the signature.
pub(super) fn fault(gate: &Gate<Vec<u8>>, claims: &Map<String, Value>) -> Option<String> {
    let claims = Claims::from_json(&serde_json::to_vec(claims).ok()?).ok()?;
    let issuer = gate.config().assumed_issuer(&claims);
    let facts =
        issuer.and_then(|issuer| claims.facts(gate.image(), &issuer, &gate.config().claim_places));
    facts.err().map(|error| error.to_string())
}

/// Returns how long ago the token expired, if that is why it is invalid.
pub(super) fn expired(
    claims: Option<&Map<String, Value>>,
    outcome: &Outcome,
    now: i64,
) -> Option<String> {
    if outcome.detail != Some(tollgate_token::TokenError::Expired.code()) {
        return None;
    }
    let exp = claims?.get("exp")?.as_f64()?.trunc().to_string();
    let since = now.checked_sub(exp.parse().ok()?)?;
    Some(format!("the token expired {} ago", span(since)))
}

/// The location that the client is redirected to.
pub(super) fn location(outcome: &Outcome) -> Option<String> {
    let Action::Refuse(response) = &outcome.action else {
        return None;
    };
    let location = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    Some(location.1.to_string())
}
