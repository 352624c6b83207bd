//! Issuers and keys as the generated code reads them.
//!
//! Not here: judging keys, which the compiler and the token layer have done.

use serde_json::{Value, json};
use tollgate_gate::config::GateConfig;
use tollgate_token::{Algorithm, Curve, IssuerConfig, IssuerKind, Jwks, KeyKind, KeyMaterial};

use super::features::Features;
use super::lower::byte_text;

/// The issuers that an edge can verify tokens of, and their keys.
pub(super) struct Keys {
    /// For each issuer: accepted names, clients, the claim with the groups, and Cognito's uses.
    pub(super) issuers: Vec<Value>,
    /// For each key: its name, the number of its issuer, and what the edge needs of it.
    pub(super) keys: Vec<Value>,
    /// The algorithms of the keys.
    pub(super) algorithms: Vec<Algorithm>,
}

/// Collects the keys that `form` gives a form for.
pub(super) fn keys(
    config: &GateConfig,
    features: &mut Features,
    form: &dyn Fn(Algorithm, &KeyMaterial) -> Option<Value>,
) -> Keys {
    let mut all = Keys {
        issuers: Vec::new(),
        keys: Vec::new(),
        algorithms: Vec::new(),
    };
    let mut names: Vec<String> = Vec::new();
    for issuer in &config.issuers {
        let mut taken = false;
        for (kid, algorithm, material) in materials(issuer) {
            let Some(key) = form(algorithm, &material) else {
                continue;
            };
            if names.contains(&kid) {
                features.need("shared_kids");
            }
            let mut entry = vec![json!(byte_text(&kid)), json!(all.issuers.len())];
            if let Value::Array(parts) = key {
                entry.extend(parts);
            }
            all.keys.push(Value::Array(entry));
            names.push(kid);
            if !all.algorithms.contains(&algorithm) {
                all.algorithms.push(algorithm);
            }
            taken = true;
        }
        if taken {
            all.issuers.push(issuer_json(issuer, features));
        }
    }
    if !all.keys.is_empty() {
        features.need("tokens");
    }
    all
}

/// Every key of an issuer with each algorithm it is used with.
fn materials(issuer: &IssuerConfig) -> Vec<(String, Algorithm, KeyMaterial)> {
    let mut found = Vec::new();
    for secret in &issuer.secrets {
        for algorithm in &issuer.algorithms {
            if algorithm.key_kind() == KeyKind::Hmac {
                let material = KeyMaterial::Hmac {
                    k: secret.key.clone(),
                };
                found.push((secret.kid.clone(), *algorithm, material));
            }
        }
    }
    let set = issuer
        .jwks
        .as_ref()
        .and_then(|jwks| Jwks::parse(jwks.as_bytes(), &issuer.algorithms).ok());
    for key in set.iter().flat_map(Jwks::keys) {
        found.push((key.kid.to_string(), key.algorithm, key.material.clone()));
    }
    found
}

fn issuer_json(issuer: &IssuerConfig, features: &mut Features) -> Value {
    let texts = |texts: &[String]| texts.iter().map(|text| byte_text(text)).collect::<Vec<_>>();
    let mut entry = vec![
        json!(texts(&issuer.issuers)),
        json!(texts(&issuer.clients)),
        json!(byte_text(&issuer.groups_claim)),
    ];
    if let IssuerKind::Cognito { id, access } = issuer.kind {
        features.need("cognito");
        // A pool that no use is taken of takes nothing.
        let uses = u8::from(id) | u8::from(access) << 1;
        entry.push(json!(if uses == 0 { 4 } else { uses }));
    }
    Value::Array(entry)
}

/// A key as a JSON Web Key, for WebCrypto.
pub(super) fn jwk(material: &KeyMaterial) -> Value {
    match material {
        KeyMaterial::Rsa { n, e } => json!({ "kty": "RSA", "n": base64url(n), "e": base64url(e) }),
        KeyMaterial::Ec { curve, x, y } => {
            let crv = match curve {
                Curve::P256 => "P-256",
                Curve::P384 => "P-384",
            };
            json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y) })
        }
        KeyMaterial::Ed25519 { x } => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(x) }),
        KeyMaterial::Hmac { k } => json!({ "kty": "oct", "k": base64url(k) }),
    }
}

/// Base64url without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    // What it encodes to is ASCII.
    String::from_utf8(tollgate_token::base64url::encode(bytes)).unwrap_or_default()
}
