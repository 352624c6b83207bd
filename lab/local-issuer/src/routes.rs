//! The routes: which handler responds to which request.

use http::StatusCode;
use serde_json::json;

use crate::issuer::{Ask, Issuer};
use crate::reply::{Reply, json_reply, json_text, status, text};
use crate::{admin, login, sessions};

/// Responds to one request.
pub(crate) fn answer(issuer: &mut Issuer, ask: &Ask<'_>) -> Reply {
    if let Some(verb) = ask.path.strip_prefix("/admin/") {
        return admin::answer(issuer, verb, ask);
    }
    let of_pool = ask
        .path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(issuer.pool.as_str()));
    match (ask.method.as_str(), of_pool, ask.path) {
        ("GET", Some("/.well-known/jwks.json"), _) => jwks(issuer),
        ("GET", Some("/.well-known/openid-configuration"), _) => configuration(issuer),
        ("GET", _, "/login" | "/oauth2/authorize") => login::page(issuer, ask),
        ("POST", _, "/login" | "/oauth2/authorize") => login::sign_in(issuer, ask),
        ("POST", _, "/oauth2/token") => login::token(issuer, ask),
        ("POST", _, "/oauth2/revoke") => sessions::revoke(issuer, ask),
        ("GET", _, "/logout") => sessions::sign_out(issuer, ask),
        (_, _, "/login" | "/logout" | "/oauth2/authorize" | "/oauth2/token" | "/oauth2/revoke") => {
            status(StatusCode::METHOD_NOT_ALLOWED)
        }
        _ => text(StatusCode::NOT_FOUND, "not found"),
    }
}

fn jwks(issuer: &mut Issuer) -> Reply {
    issuer.fetches.jwks += 1;
    let keys = issuer.keys.to_set().to_text();
    match issuer.faults.strike() {
        Some(fault) => fault.spoil(keys),
        None => json_text(keys),
    }
}

fn configuration(issuer: &mut Issuer) -> Reply {
    issuer.fetches.discovery += 1;
    json_reply(&json!({
        "issuer": issuer.issuer,
        "jwks_uri": issuer.jwks_uri(),
        "authorization_endpoint": format!("{}/oauth2/authorize", issuer.base),
        "token_endpoint": format!("{}/oauth2/token", issuer.base),
        "revocation_endpoint": format!("{}/oauth2/revoke", issuer.base),
        "end_session_endpoint": format!("{}/logout", issuer.base),
        "token_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    }))
}
