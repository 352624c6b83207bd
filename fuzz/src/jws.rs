//! Tokens: two providers give the same result, a verified token has the claims that another JSON
//! parser reads, and no special header is overlooked.

use std::sync::OnceLock;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use tollgate_core::{Image, UnixSeconds};
use tollgate_crypto::{Native, Portable};
use tollgate_token::{
    Algorithm, ClaimPath, ClaimRules, Claims, IssuerConfig, IssuerKind, Jwk, Limits, Provider,
    Secret, Verified, Verifier, base64url, jws,
};

use crate::{change, json, site};

const CORPUS: &[u8] = include_bytes!("../../fixtures/attack-corpus/attack_tokens.json");
const IMAGE: &[u8] = include_bytes!("../../fixtures/images/v2/sample.tgi");

/// The fixtures for verifying a token.
struct Asked {
    /// One per real provider, and one that accepts signatures consisting of `G`s.
    verifiers: [Verifier; 3],
    keys: Vec<Jwk>,
    image: Image<&'static [u8]>,
    now: UnixSeconds,
}

fn asked() -> &'static Asked {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    ASKED.get_or_init(|| {
        let corpus: Value = serde_json::from_slice(CORPUS).expect("the corpus");
        let issuers = issuers(&corpus);
        let verifier = |provider: &dyn Provider| {
            Verifier::new(&issuers, Limits::default(), provider).expect("valid keys")
        };
        let keys = corpus["jwks"]["keys"].as_array().expect("keys");
        Asked {
            verifiers: [
                verifier(&Portable),
                verifier(&Native),
                verifier(&site::Provider),
            ],
            keys: keys
                .iter()
                .filter_map(|key| Jwk::parse(key.to_string().as_bytes()).ok())
                .collect(),
            image: Image::from_bytes(IMAGE).expect("an image"),
            now: UnixSeconds(corpus["now"].as_i64().expect("a time")),
        }
    })
}

/// The three configurations of the corpus, together.
fn issuers(corpus: &Value) -> Vec<IssuerConfig> {
    let config = &corpus["config"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cognito = IssuerConfig {
        name: "cognito".to_owned(),
        issuers: vec![text(&config["cognito"]["iss"])],
        clients: vec![text(&config["cognito"]["client_id"])],
        kind: IssuerKind::Cognito {
            id: true,
            access: true,
        },
        algorithms: vec![
            Algorithm::RS256,
            Algorithm::PS256,
            Algorithm::ES256,
            Algorithm::EdDSA,
        ],
        claims: ClaimRules {
            groups: Some(ClaimPath::top("cognito:groups")),
            ..ClaimRules::default()
        },
        jwks: Some(corpus["jwks"].to_string()),
        secrets: Vec::new(),
        refresh: None,
    };
    let oidc = IssuerConfig {
        kind: IssuerKind::Oidc,
        ..cognito.clone()
    };
    let secret = config["hs"]["secret_b64u"].as_str().unwrap_or_default();
    let hs = IssuerConfig {
        algorithms: vec![Algorithm::HS256],
        jwks: None,
        secrets: vec![Secret {
            kid: text(&config["hs"]["kid"]),
            key: Base64UrlUnpadded::decode_vec(secret).expect("base64url"),
        }],
        ..cognito.clone()
    };
    vec![cognito, oidc, hs]
}

/// Uses the bytes as a token.
pub fn check(data: &[u8]) {
    let Asked {
        verifiers: [portable, native, open],
        keys,
        image,
        now,
    } = asked();
    let answer = portable.verify(data, *now);
    assert_eq!(answer, native.verify(data, *now), "two providers");
    if let Ok(verified) = &answer {
        good(data, verified, image, *now);
    }
    let answer = open.verify(data, *now);
    if let Ok(verified) = &answer {
        good(data, verified, image, *now);
    }
    _ = open.refresh_might_help(data);
    for key in keys {
        let payload = jws::verify(data, key, None, 8_192, &Portable);
        assert_eq!(
            payload,
            jws::verify(data, key, None, 8_192, &Native),
            "two providers"
        );
    }
    for part in data.split(|byte| *byte == b'.').take(2) {
        let text = base64url::decode(part);
        let other = core::str::from_utf8(part)
            .ok()
            .and_then(|part| Base64UrlUnpadded::decode_vec(part).ok());
        assert_eq!(text, other, "two base64url parsers");
        if let Some(text) = text {
            json::compare(&text);
            if let Ok(claims) = Claims::from_json(&text) {
                _ = claims.facts(image, &portable.issuers()[0], &[]);
            }
        }
    }
}

/// The properties of an accepted token, as another parser sees it.
fn good(token: &[u8], verified: &Verified, image: &Image<&[u8]>, now: UnixSeconds) {
    let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
    let [header, payload, _] = parts.as_slice() else {
        panic!("not three parts");
    };
    let read = |part: &[u8]| -> Value {
        let text = base64url::decode(part).expect("base64url");
        serde_json::from_slice(&text).unwrap_or(Value::Null)
    };
    let (header, claims) = (read(header), read(payload));
    assert!(
        ["crit", "b64", "zip"]
            .iter()
            .all(|name| header.get(name).is_none())
    );
    assert!(header["alg"].is_string());
    assert!(header["kid"].is_string() || header["kid"].is_null());
    // Claims with a number that the other parser does not support are accepted if no rule reads
    // them.
    if claims.is_null() {
        return;
    }
    // A fraction of a second makes a token expire earlier and become valid later.
    let exp = claims["exp"].as_f64().expect("a time").floor();
    assert!(exp > now.0 as f64 && verified.expires_at().0 as f64 == exp);
    let nbf = &claims["nbf"];
    assert!(nbf.is_null() || nbf.as_f64().expect("a time") <= (now.0 + 60) as f64);
    assert_eq!(claims["iss"].as_str(), Some(verified.issuer()));
    let issuer = &asked().verifiers[0].issuers()[verified.issuer_index()];
    let facts = verified
        .claims()
        .facts(image, issuer, &[])
        .expect("facts of a verified token");
    assert_eq!(
        facts.subject(),
        // `null` counts as absent.
        claims
            .get("sub")
            .filter(|sub| !sub.is_null())
            .map(|sub| sub.as_str().expect("a subject"))
    );
}

/// Mutates the decoded header, payload or signature, or occasionally the plain bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let token = data.get(..size).unwrap_or_default();
    let mut parts: Vec<Vec<u8>> = token
        .split(|byte| *byte == b'.')
        .map(|part| base64url::decode(part).unwrap_or_default())
        .collect();
    let (true, Some(part)) = (parts.len() == 3, parts.get_mut(seed as usize % 4)) else {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    };
    let room = max_size.saturating_sub(size) / 2;
    let inside = json::changed(part, room, seed / 8).filter(|_| seed & 4 != 0);
    *part = inside.unwrap_or_else(|| change::changed(part, room));
    if seed.is_multiple_of(5) {
        // A signature that the third verifier accepts.
        if let Some(signature) = parts.get_mut(2) {
            *signature = vec![b'G'; [32, 64, 256][seed as usize / 5 % 3]];
        }
    }
    let encoded: Vec<String> = parts
        .iter()
        .map(|part| Base64UrlUnpadded::encode_string(part))
        .collect();
    change::put(encoded.join(".").as_bytes(), data, size, max_size)
}
