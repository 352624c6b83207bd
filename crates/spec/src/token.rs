//! What becomes of a token whose signature is good.

use serde_json::{Map, Value as Json};

use crate::model::{ClaimType, Facts, Issuer, Policy, Value};

type Claims = Map<String, Json>;
type Fault = &'static str;

/// What a token says, or the code of the first thing that is wrong with it.
///
/// # Errors
/// The code.
pub fn judge(claims: &Claims, by: &Issuer, policy: &Policy, now: i64) -> Result<Facts, Fault> {
    let issuer = read(claims, "iss", text)?.filter(|issuer| by.names.contains(issuer));
    let issuer = issuer.ok_or("wrong_issuer")?;
    let subject = read(claims, "sub", text)?;
    let groups = few(read(claims, &by.groups_claim, texts)?)?;
    let scopes = few(read(claims, "scope", words)?)?;
    // Tokens of Cognito say of which kind they are; others count as ID tokens.
    let kind = match &by.token_use {
        Some(kinds) => read(claims, "token_use", text)?.filter(|kind| kinds.contains(kind)),
        None => Some("id".to_owned()),
    };
    let audience = match kind.ok_or("wrong_token_use")?.as_str() {
        "access" => read(claims, "client_id", |client| Some(vec![text(client)?]))?,
        _ => read(claims, "aud", |aud| {
            text(aud).map_or(texts(aud), |one| Some(vec![one]))
        })?,
    };
    let audience = audience.unwrap_or_default();
    let is_for_us = audience.iter().any(|client| by.clients.contains(client));
    is_for_us.then_some(()).ok_or("wrong_audience")?;
    let expires = read(claims, "exp", time)?;
    expires.ok_or("missing_exp")?;
    let (not_before, issued) = (read(claims, "nbf", time)?, read(claims, "iat", time)?);
    let latest = Some(now.saturating_add(by.leeway));
    // A time that is not there is less than any.
    match () {
        () if issued > expires => return Err("bad_claim"),
        () if Some(now) >= expires => return Err("expired"),
        () if not_before > latest => return Err("not_yet_valid"),
        () if issued > latest => return Err("issued_in_future"),
        () => {}
    }
    let mut facts = Facts {
        issuer,
        subject,
        groups,
        scopes,
        ..Facts::default()
    };
    for (name, kind) in &policy.claims {
        if let Some(value) = claims.get(name) {
            facts.claims.insert(name.clone(), declared(value, *kind));
        }
    }
    Ok(facts)
}

/// A claim that is there and is not what it must be is a fault, never "absent".
fn read<T>(claims: &Claims, name: &str, of: fn(&Json) -> Option<T>) -> Result<Option<T>, Fault> {
    claims
        .get(name)
        .map(|value| of(value).ok_or("bad_claim"))
        .transpose()
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(String::from)
}

fn texts(value: &Json) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

fn words(value: &Json) -> Option<Vec<String>> {
    Some(
        text(value)?
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(String::from)
            .collect(),
    )
}

fn few(names: Option<Vec<String>>) -> Result<Vec<String>, Fault> {
    let names = names.unwrap_or_default();
    (names.len() <= 256)
        .then_some(names)
        .ok_or("too_many_groups")
}

/// Unix seconds, in plain digits.
fn time(value: &Json) -> Option<i64> {
    value
        .as_i64()
        .filter(|seconds| (0..=1_000_000_000_000).contains(seconds))
}

/// A declared claim is no fault: of another type, it has no value.
fn declared(value: &Json, kind: ClaimType) -> Option<Value> {
    match kind {
        ClaimType::Text => text(value).map(Value::Text),
        ClaimType::Int => value.as_i64().map(Value::Int),
        ClaimType::Bool => value.as_bool().map(Value::Bool),
        ClaimType::Texts => {
            let texts = few(Some(texts(value)?)).ok()?;
            Some(Value::List(texts.into_iter().map(Value::Text).collect()))
        }
    }
}
