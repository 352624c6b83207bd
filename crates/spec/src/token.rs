//! Accepts or rejects a token with a valid signature.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, value::RawValue};

use crate::model::{ClaimType, Facts, Issuer, Policy, Value};
use crate::pattern::is_like;

type Claims = Map<String, Json>;
type Fault = &'static str;
type Maybe<T> = Result<Option<T>, Fault>;

/// Returns the content of a token with these claims, or the code of the first error.
///
/// # Errors
/// Returns the code.
pub fn validate(json: &str, by: &Issuer, policy: &Policy, now: i64) -> Result<Facts, Fault> {
    let claims: &Claims = &serde_json::from_str(json).map_err(|_| "bad_json")?;
    let issuer = read(claims, "iss", text)?.filter(|issuer| by.names.contains(issuer));
    issuer.ok_or("wrong_issuer")?;
    let subject = read(claims, "sub", text)?;
    let groups = match &by.groups_claim {
        Some(place) if is_elsewhere(claims, place)? => None,
        Some(place) => Some(few(find(claims, place)?.map(one_or_more))?),
        None => Some(Vec::new()),
    };
    let scopes = match &by.scopes_claim {
        Some(place) => find(claims, place)?.map(words),
        None => member(claims, "scope").or(member(claims, "scp")).map(words),
    };
    let scopes = few(scopes)?;
    validate_client(claims, by)?;
    validate_times(json, by.leeway, now)?;
    let mut facts = Facts {
        // Rules use one name for an issuer, whichever spelling its tokens use.
        issuer: by.names.first().cloned().unwrap_or_default(),
        subject: subject.map(|subject| format!("{}{subject}", by.subject_prefix)),
        groups: groups.map(|groups| granted(&groups, by)),
        scopes,
        ..Facts::default()
    };
    for (name, kind) in &policy.claims {
        let place = policy.places.get(name);
        match find(claims, place.unwrap_or(&vec![name.clone()])) {
            Ok(None) => {}
            Ok(Some(value)) => _ = facts.claims.insert(name.clone(), declared(value, *kind)),
            Err(_) => _ = facts.claims.insert(name.clone(), None),
        }
    }
    Ok(facts)
}

/// Cognito's tokens name their kind; other tokens name their app client in `aud`.
fn validate_client(claims: &Claims, by: &Issuer) -> Result<(), Fault> {
    let kind = match &by.token_use {
        Some(kinds) => read(claims, "token_use", text)?.filter(|kind| kinds.contains(kind)),
        None => Some("id".to_owned()),
    };
    let usual = match kind.ok_or("wrong_token_use")?.as_str() {
        "access" => "client_id",
        _ => "aud",
    };
    let claim = by.client_claim.as_deref().unwrap_or(usual);
    let audience = read(claims, claim, one_or_more)?.unwrap_or_default();
    let is_for_us = audience.iter().any(|client| by.clients.contains(client));
    is_for_us.then_some(()).ok_or("wrong_audience")
}

/// A fraction makes a token expire earlier and become valid later. Without `exp` it would never
/// expire.
fn validate_times(json: &str, leeway: i64, now: i64) -> Result<(), Fault> {
    let claims: BTreeMap<String, &RawValue> = serde_json::from_str(json).map_err(|_| "bad_json")?;
    let read = |name: &str, round_up| match claims.get(name).map(|value| value.get()) {
        None => Ok(None),
        Some("null") if name != "exp" => Ok(None),
        Some(text) => time(text, round_up).map(Some).ok_or("bad_claim"),
    };
    let expires = read("exp", false)?;
    expires.ok_or("missing_exp")?;
    let (not_before, issued) = (read("nbf", true)?, read("iat", true)?);
    let latest = Some(now.saturating_add(leeway));
    // A missing time is less than any other.
    match () {
        () if issued > expires => Err("bad_claim"),
        () if Some(now) >= expires => Err("expired"),
        () if not_before > latest => Err("not_yet_valid"),
        () if issued > latest => Err("issued_in_future"),
        () => Ok(()),
    }
}

/// Whether the token refers to another location for the claim with its groups.
fn is_elsewhere(claims: &Claims, place: &[String]) -> Result<bool, Fault> {
    let names = read(claims, "_claim_names", |names| names.as_object().cloned())?;
    let first = place.first().and_then(|first| names?.get(first).cloned());
    let is_named = first.is_some_and(|source| !source.is_null());
    // Entra ID has another notation.
    Ok(is_named || place == ["groups"] && read(claims, "hasgroups", Json::as_bool)? == Some(true))
}

/// The groups that the issuer may grant, as rules name them.
fn granted(groups: &[String], by: &Issuer) -> Vec<String> {
    let patterns = by.granted.as_deref();
    let fits = |group: &str| patterns.is_none_or(|all| all.iter().any(|one| is_like(one, group)));
    let granted = groups.iter().filter(|group| fits(group));
    let named = granted.map(|group| format!("{}{group}", by.groups_prefix));
    named.collect()
}

/// A member; `null` counts as absent.
fn member<'a>(claims: &'a Claims, name: &str) -> Option<&'a Json> {
    claims.get(name).filter(|value| !value.is_null())
}

/// The claim at this path.
fn find<'a>(claims: &'a Claims, place: &[String]) -> Maybe<&'a Json> {
    let (last, way) = place.split_last().ok_or("bad_claim")?;
    let mut inner = claims;
    for name in way {
        match member(inner, name) {
            None => return Ok(None),
            Some(value) => inner = value.as_object().ok_or("bad_claim")?,
        }
    }
    Ok(member(inner, last))
}

/// A malformed claim is an error, never "absent".
fn read<T>(claims: &Claims, name: &str, of: impl Fn(&Json) -> Option<T>) -> Maybe<T> {
    let read = |value| of(value).ok_or("bad_claim");
    member(claims, name).map(read).transpose()
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(String::from)
}

fn texts(value: &Json) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

fn one_or_more(value: &Json) -> Option<Vec<String>> {
    text(value).map_or(texts(value), |one| Some(vec![one]))
}

fn words(value: &Json) -> Option<Vec<String>> {
    let Some(text) = text(value) else {
        return texts(value);
    };
    let words = text.split(' ').filter(|word| !word.is_empty());
    Some(words.map(String::from).collect())
}

/// At most 256 names; none if the claim is missing.
fn few(names: Option<Option<Vec<String>>>) -> Result<Vec<String>, Fault> {
    let names = names.map(|names| names.ok_or("bad_claim")).transpose()?;
    let names = Some(names.unwrap_or_default());
    let few = names.filter(|names| names.len() <= 256);
    few.ok_or("too_many_groups")
}

/// Parses Unix seconds in plain digits, with or without a fraction.
fn time(text: &str, round_up: bool) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = [whole, fraction].concat();
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let has_rest = fraction.bytes().any(|digit| digit != b'0');
    let whole: i64 = whole.parse().ok().filter(|_| is_plain)?;
    let seconds = whole + i64::from(has_rest && round_up);
    (whole + i64::from(has_rest) <= 1_000_000_000_000).then_some(seconds)
}

/// A declared claim is never an error: with another type, it has no value.
fn declared(value: &Json, kind: ClaimType) -> Option<Value> {
    match kind {
        ClaimType::Text => text(value).map(Value::Text),
        ClaimType::Int => value.as_i64().map(Value::Int),
        ClaimType::Bool => value.as_bool().map(Value::Bool),
        ClaimType::Texts => {
            let texts = few(Some(texts(value))).ok()?;
            Some(Value::List(texts.into_iter().map(Value::Text).collect()))
        }
    }
}
