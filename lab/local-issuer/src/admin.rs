//! The admin requests of tests: rotate, publish, withdraw, fail, count, mint. Bodies are JSON objects.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::clients::Client;
use crate::issuer::{Ask, Fetches, Issuer};
use crate::keys::TokenUse;
use crate::reply::{Reply, json_reply, status, text};
use crate::tokens::Issue;

/// Responds to `/admin/VERB`.
pub(crate) fn answer(issuer: &mut Issuer, verb: &str, ask: &Ask<'_>) -> Reply {
    let said: Value = serde_json::from_slice(ask.body).unwrap_or_default();
    let done = match (ask.method.as_str(), verb) {
        ("GET", "keys") => Some(issuer.keys.report()),
        ("GET", "fetches") => Some(fetches(issuer.fetches)),
        ("DELETE", "fetches") => {
            issuer.fetches = Fetches::default();
            Some(fetches(issuer.fetches))
        }
        ("POST", "rotate") => match issuer.keys.rotate() {
            Ok(()) => Some(issuer.keys.report()),
            Err(_) => return status(StatusCode::INTERNAL_SERVER_ERROR),
        },
        ("POST", "publish") => publish(issuer, &said, true),
        ("POST", "withdraw") => publish(issuer, &said, false),
        ("POST", "fault") => issuer.faults.set(&said).map(|()| json!({})),
        ("POST", "token-fault") => issuer.token_faults.set(&said).map(|()| json!({})),
        ("POST", "clients") => register(issuer, &said),
        ("POST", "token") => token(issuer, &said, ask.now),
        _ => return status(StatusCode::NOT_FOUND),
    };
    match done {
        Some(value) => json_reply(&value),
        None => text(StatusCode::BAD_REQUEST, "the body lacks a required member"),
    }
}

fn fetches(count: Fetches) -> Value {
    json!({ "jwks": count.jwks, "token": count.token, "discovery": count.discovery })
}

/// `{"kid":"…"}`, or `{"kids":"old"}` for every key that does not sign.
fn publish(issuer: &mut Issuer, said: &Value, published: bool) -> Option<Value> {
    if said.get("kids").and_then(Value::as_str) == Some("old") {
        let report = issuer.keys.report();
        let rows = report.get("keys")?.as_array()?;
        for row in rows
            .iter()
            .filter(|row| row.get("signs") == Some(&json!(false)))
        {
            issuer.keys.publish(row.get("kid")?.as_str()?, published);
        }
    } else if !issuer.keys.publish(said.get("kid")?.as_str()?, published) {
        return None;
    }
    Some(issuer.keys.report())
}

/// `{"client_id":"…","redirect_uris":["…"]}`
fn register(issuer: &mut Issuer, said: &Value) -> Option<Value> {
    let uris = said.get("redirect_uris")?.as_array()?.iter();
    issuer.clients.register(Client {
        id: said.get("client_id")?.as_str()?.to_owned(),
        redirect_uris: uris
            .map(|uri| uri.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
    });
    Some(json!({}))
}

/// `{"user":"alice","use":"id","client_id":"…","life_secs":60,"kid":"…","claims":{…}}`; all members except
/// `user` are optional. `kid` selects a previous key; `"header":{"kid":…}` is for tokens that name a wrong
/// key.
fn token(issuer: &Issuer, said: &Value, now: i64) -> Option<Value> {
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let usage = match text("use") {
        None => TokenUse::Id,
        Some(name) => TokenUse::from_name(name)?,
    };
    let minter = match text("kid") {
        None => issuer.keys.signer(usage)?.clone(),
        Some(kid) => issuer.keys.named(kid)?.clone(),
    };
    let minter = match said.pointer("/header/kid").and_then(Value::as_str) {
        None => minter,
        Some(kid) => {
            let key = minter.key();
            tollgate_mint::Minter::new(key.renamed(kid, key.algorithm()))
        }
    };
    let issue = Issue {
        issuer: &issuer.issuer,
        client: text("client_id").or(issuer.clients.first())?,
        person: issuer.people.named(text("user")?)?,
        nonce: None,
        now,
        life_secs: said
            .get("life_secs")
            .and_then(Value::as_i64)
            .unwrap_or(issuer.life_secs),
    };
    let nothing = Map::new();
    let more = said.get("claims").and_then(Value::as_object);
    let token = issue.token(usage, more.unwrap_or(&nothing), &minter).ok()?;
    Some(json!({ "token": token, "kid": minter.key().kid() }))
}
