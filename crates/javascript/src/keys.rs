//! Issuers, keys and sessions as the generated code reads them.
//!
//! Not here: validating keys, which the compiler and the token layer have done.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollgate_core::ClaimKind;
use tollgate_gate::config::GateConfig;
use tollgate_gate::session::{self, SessionConfig, SessionForm, SessionPath};
use tollgate_token::{Algorithm, Curve, IssuerConfig, IssuerKind, Jwks, KeyKind, KeyMaterial};

use super::features::Features;
use super::lower::byte_text;
use tollgate_policy::spec::ImageSpec;

/// The issuers that an edge can verify tokens of, and their keys.
pub(super) struct Keys {
    /// For each issuer: accepted names, clients, Cognito's uses, and the rarer parts.
    pub(super) issuers: Vec<Value>,
    /// For each key: its name, the number of its issuer, whether the issuer has no other for its algorithm,
    /// and what the edge needs of it.
    pub(super) keys: Vec<Value>,
    /// The algorithms of the keys.
    pub(super) algorithms: Vec<Algorithm>,
    /// The data for reading sessions, without the marks by course.
    pub(super) session: Value,
    /// For sessions by course: the marks of each base.
    pub(super) bases: BTreeMap<String, Value>,
}

/// Collects the keys that `form` gives a form for.
pub(super) fn keys(
    policy: &ImageSpec,
    config: &GateConfig,
    features: &mut Features,
    form: &dyn Fn(Algorithm, &KeyMaterial) -> Option<Value>,
) -> Keys {
    let session = config.session.as_ref();
    let session = session.filter(|session| session.form == SessionForm::Jwt);
    let is_session = |at: usize| session.is_some_and(|session| session.is_issuer(at));
    let mut usable = Vec::new();
    for (at, issuer) in config.issuers.iter().enumerate() {
        let keys = materials(issuer);
        let formed = keys.iter().filter_map(|(kid, algorithm, material)| {
            let of_algorithm = keys.iter().filter(|(_, other, _)| other == algorithm);
            let form = form(*algorithm, material)?;
            Some((kid.clone(), *algorithm, of_algorithm.count() == 1, form))
        });
        let formed: Vec<_> = formed.collect();
        if formed.is_empty() {
            // `tollgate-edges` reports it.
            continue;
        }
        features.need(if is_session(at) { "sessions" } else { "plain" });
        usable.push((at, issuer, formed));
    }
    let mut all = Keys {
        issuers: Vec::new(),
        keys: Vec::new(),
        algorithms: Vec::new(),
        session: Value::Null,
        bases: BTreeMap::new(),
    };
    let mut names: Vec<Option<String>> = Vec::new();
    for (number, (at, issuer, keys)) in usable.into_iter().enumerate() {
        for (kid, algorithm, is_only, form) in keys {
            // Two keys may have been meant by one name, or by none.
            let is_shared = names.contains(&kid) || (is_only && names.contains(&None));
            if is_shared && features.has("plain") {
                features.need("shared_kids");
            }
            let name = match &kid {
                Some(kid) if !features.has("plain") => json!(session::header(kid)),
                kid => json!(kid.as_deref().map(byte_text)),
            };
            let mut entry = vec![name, json!(number), json!(u8::from(is_only))];
            if let Value::Array(parts) = form {
                entry.extend(parts);
            }
            all.keys.push(Value::Array(entry));
            names.push(kid);
            names.extend(is_only.then_some(None));
            if !all.algorithms.contains(&algorithm) {
                all.algorithms.push(algorithm);
            }
        }
        all.issuers.push(issuer_json(config, issuer, features));
        if let Some(session) = session.filter(|_| is_session(at)) {
            all.session = session_json(policy, config, session, number, features);
            all.bases = bases(session, features);
        }
    }
    if !all.keys.is_empty() {
        features.need("tokens");
    }
    if features.has("plain") && !config.claim_places.is_empty() {
        features.need("nested");
    }
    all
}

/// The algorithms of an issuer's pinned keys and secrets.
pub fn algorithms_of_keys(issuer: &IssuerConfig) -> Vec<Algorithm> {
    let materials = materials(issuer).into_iter();
    materials.map(|(_, algorithm, _)| algorithm).collect()
}

/// A key with its name and the algorithm it is used with.
type Material = (Option<String>, Algorithm, KeyMaterial);

/// Every key of an issuer with each algorithm it is used with.
fn materials(issuer: &IssuerConfig) -> Vec<Material> {
    let mut found = Vec::new();
    for secret in &issuer.secrets {
        for algorithm in &issuer.algorithms {
            if algorithm.key_kind() == KeyKind::Hmac {
                let material = KeyMaterial::Hmac {
                    k: secret.key.clone(),
                };
                found.push((Some(secret.kid.clone()), *algorithm, material));
            }
        }
    }
    let set = issuer
        .jwks
        .as_ref()
        .and_then(|jwks| Jwks::parse(jwks.as_bytes(), &issuer.algorithms).ok());
    for key in set.iter().flat_map(Jwks::keys) {
        let kid = key.kid.as_ref().map(ToString::to_string);
        found.push((kid, key.algorithm, key.material.clone()));
    }
    found
}

fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| byte_text(text)).collect()
}

fn issuer_json(config: &GateConfig, issuer: &IssuerConfig, features: &mut Features) -> Value {
    let uses = match issuer.kind {
        IssuerKind::Oidc => 0,
        IssuerKind::Cognito { id, access } => {
            features.need("cognito");
            // A pool no use of which is accepted accepts nothing.
            match u8::from(id) | u8::from(access) << 1 {
                0 => 4,
                uses => uses,
            }
        }
    };
    let mut more = user_parts(config, issuer, features);
    let rules = &issuer.claims;
    let paths = [("g", &rules.groups), ("s", &rules.scopes)];
    for (key, path) in paths {
        if let Some(path) = path {
            more.insert(key.to_owned(), json!(texts(path.names())));
        }
    }
    if let Some(client) = &rules.client {
        more.insert("c".to_owned(), json!(byte_text(client)));
    }
    let names = json!(texts(&issuer.issuers));
    json!([names, texts(&issuer.clients), uses, more])
}

/// The groups that an issuer may grant, and its prefixes.
fn user_parts(
    config: &GateConfig,
    issuer: &IssuerConfig,
    features: &mut Features,
) -> Map<String, Value> {
    let mut more = Map::new();
    let rules = &issuer.claims;
    if let Some(granted) = &rules.granted_groups {
        more.insert("a".to_owned(), json!(texts(granted)));
    }
    for (key, prefix) in [("p", &rules.groups_prefix), ("u", &rules.subject_prefix)] {
        if !prefix.is_empty() {
            more.insert(key.to_owned(), json!(byte_text(prefix)));
        }
    }
    if !more.is_empty() {
        features.need("mapped");
    }
    if config.forward.identity {
        more.insert("n".to_owned(), json!(issuer.name));
    }
    more
}

/// The data for reading sessions: the sign-in issuers, the marks of what rules read of every user, and the
/// claims that are integers.
fn session_json(
    policy: &ImageSpec,
    config: &GateConfig,
    session: &SessionConfig,
    number: usize,
    features: &mut Features,
) -> Value {
    let mut issuers = Map::new();
    for (issuer, mark) in config.issuers.iter().zip(&session.issuers) {
        if !mark.is_empty() {
            let first = issuer.issuers.first().map(|iss| byte_text(iss));
            let entry = json!([first, mark, user_parts(config, issuer, features)]);
            issuers.insert(format!("${}", issuer.name), entry);
        }
    }
    let ints = policy.claims.iter().filter(|claim| match claim.kind {
        ClaimKind::Int => true,
        ClaimKind::String | ClaimKind::Bool | ClaimKind::StringList => false,
    });
    let ints: Vec<String> = ints.map(|claim| byte_text(&claim.name)).collect();
    let mut parts = Map::new();
    parts.insert("n".to_owned(), json!(number));
    parts.insert("i".to_owned(), Value::Object(issuers));
    parts.insert("c".to_owned(), json!(ints));
    if features.has("plain") {
        parts.insert("h".to_owned(), json!(config.session_headers()));
    }
    if let Some(path) = whole_site(session) {
        parts.insert("m".to_owned(), marks(session, path));
        // With sign-in, only its endpoints change the cookie, as in the gate.
        if config.sign_in.is_none() {
            features.need("clears");
        }
    }
    Value::Object(parts)
}

fn whole_site(session: &SessionConfig) -> Option<&SessionPath> {
    session.paths.iter().find(|path| path.base.is_none())
}

fn marks(session: &SessionConfig, path: &SessionPath) -> Value {
    session.claims.iter().chain(&path.marks).cloned().collect()
}

fn bases(session: &SessionConfig, features: &mut Features) -> BTreeMap<String, Value> {
    let mut bases = BTreeMap::new();
    for path in &session.paths {
        if let Some(base) = &path.base {
            features.need("course_sessions");
            bases.insert(byte_text(base), marks(session, path));
        }
    }
    bases
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
