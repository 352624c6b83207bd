//! Tokens, claims and key sets, without the gate's limits upstream.

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Portable;
use tollgate_token::{
    Algorithm, ClaimPath, ClaimRules, Claims, IssuerConfig, IssuerKind, Jwk, JwkError, Jwks,
    Limits, Secret, TokenError, Verifier, jws,
};

use crate::{Case, MEGABYTE, case};

/// The maximum JSON length that the token layer reads.
const LONGEST_JSON: usize = 256 * 1_024;

/// A verifier that accepts tokens of any length.
fn verifier() -> Verifier {
    let issuer = IssuerConfig {
        name: "learners".to_owned(),
        issuers: vec!["https://issuer.example".to_owned()],
        clients: vec!["web".to_owned()],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::HS256],
        claims: ClaimRules {
            groups: Some(ClaimPath::top("groups")),
            ..ClaimRules::default()
        },
        jwks: None,
        secrets: vec![Secret {
            kid: "s".to_owned(),
            key: vec![7; 32],
        }],
        refresh: None,
    };
    let limits = Limits {
        max_token_bytes: u32::MAX,
        leeway_secs: 60,
    };
    Verifier::new(&[issuer], limits, &Portable).expect("a secret")
}

/// A token with these claims and a valid signature.
fn signed(claims: &str) -> Vec<u8> {
    let part = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let input = format!(
        "{}.{}",
        part(br#"{"alg":"HS256","kid":"s"}"#),
        part(claims.as_bytes())
    );
    let tag = verifier()
        .mac(0, "s", Algorithm::HS256, input.as_bytes())
        .expect("a MAC");
    format!("{input}.{}", part(&tag)).into_bytes()
}

/// A token with this header.
fn headed(header: &[u8]) -> Vec<u8> {
    format!("{}.e30.AAAA", Base64UrlUnpadded::encode_string(header)).into_bytes()
}

/// Returns JSON of the maximum length.
fn longest(start: &str, part: &str, end: &str) -> String {
    let count = (LONGEST_JSON - start.len() - end.len()) / part.len();
    [start, &part.repeat(count), end].concat()
}

/// Returns members `"0":0,"1":0,…` in an object of about this length.
fn many_members(bytes: usize) -> String {
    let members: Vec<String> = (0..bytes / 11)
        .map(|number| format!("\"{number:06}\":0"))
        .collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) fn cases() -> Vec<Case> {
    let token = |name, token: Vec<u8>, expected| {
        case(name, token.len(), expected, move || {
            let verified = verifier().verify(&token, UnixSeconds(1_800_000_000));
            verified
                .map_or_else(|rejected| rejected.error.code(), |_| "verified")
                .to_owned()
        })
        // Decoded, a list of values of 16 bytes each, and references to strings in an array.
        .factor(14)
    };
    let nested = |count: usize| "[".repeat(count);
    let usual = r#""iss":"https://issuer.example","aud":"web","exp":1800000600"#;
    let mut cases = vec![
        token("token: 1,000,000 dots", vec![b'.'; MEGABYTE], "malformed"),
        token("token: no dots", vec![b'a'; MEGABYTE], "malformed"),
        token(
            "token: a header of no base64url",
            [vec![b'='; MEGABYTE], b".e30.AAAA".to_vec()].concat(),
            "bad_encoding",
        ),
        token(
            "token: a header nested 180,000 deep",
            headed(nested(180_000).as_bytes()),
            "bad_header",
        ),
        token(
            "token: a header of 750 kB",
            headed(&vec![b'{'; 750_000]),
            "bad_header",
        ),
        token(
            "token: `kid` of 250 kB",
            headed(longest("{\"alg\":\"HS256\",\"kid\":\"", "k", "\"}").as_bytes()),
            "bad_header",
        ),
        token(
            "token: 20,000 members in the header",
            headed(many_members(220_000).as_bytes()),
            "bad_header",
        ),
        token(
            "signed: nested 180,000 deep",
            signed(&format!("{{\"a\":{}", nested(180_000))),
            "bad_json",
        ),
        token(
            "signed: 750 kB of claims",
            signed(&format!("{{\"a\":\"{}\"}}", "a".repeat(750_000))),
            "bad_json",
        ),
        token(
            "signed: 20,000 claims",
            signed(&format!(
                "{},{usual}}}",
                many_members(220_000).trim_end_matches('}')
            )),
            "verified",
        ),
        token(
            "signed: a claim twice, 20,000 others",
            signed(&format!(
                "{},\"000000\":1}}",
                many_members(220_000).trim_end_matches('}')
            )),
            "duplicate_name",
        ),
        token(
            "signed: 60,000 groups",
            signed(&longest(
                &format!("{{{usual},\"groups\":[\"\""),
                ",\"\"",
                "]}",
            )),
            "too_many_groups",
        ),
        token(
            "signed: 100,000 scopes",
            signed(&longest(&format!("{{{usual},\"scope\":\""), "a ", "\"}")),
            "too_many_groups",
        ),
        token(
            "signed: 80,000 audiences",
            signed(&longest(
                "{\"iss\":\"https://issuer.example\",\"exp\":1800000600,\"aud\":[\"\"",
                ",\"\"",
                "]}",
            )),
            "wrong_audience",
        ),
        token(
            "signed: `exp` of 250,000 digits",
            signed(&longest(
                "{\"iss\":\"https://issuer.example\",\"aud\":\"web\",\"exp\":1",
                "0",
                "}",
            )),
            "bad_claim",
        ),
        token(
            "signed: 40,000 escapes",
            signed(&longest(&format!("{{{usual},\"sub\":\""), "\\u0000", "\"}")),
            "verified",
        ),
    ];
    cases.extend(claims());
    cases.extend(keys());
    cases
}

fn claims() -> Vec<Case> {
    let claims = |name, text: String, expected| {
        case(name, text.len(), expected, move || {
            let read = Claims::from_json(text.as_bytes());
            read.map_or_else(TokenError::code, |_| "read").to_owned()
        })
        .factor(12)
    };
    vec![
        claims(
            "claims: nested 1,000,000 deep",
            "[".repeat(MEGABYTE),
            "bad_json",
        ),
        claims(
            "claims: objects 40,000 deep",
            "{\"a\":".repeat(40_000),
            "bad_json",
        ),
        claims(
            "claims: nested 33 deep",
            format!("{{\"a\":{}{}}}", "[".repeat(32), "]".repeat(32)),
            "bad_json",
        ),
        claims(
            "claims: nested 32 deep",
            format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31)),
            "read",
        ),
        claims(
            "claims: 87,000 empty arrays",
            longest("{\"a\":[[]", ",[]", "]}"),
            "read",
        ),
        claims(
            "claims: 130,000 digits",
            longest("{\"a\":[1", ",1", "]}"),
            "read",
        ),
        claims(
            "claims: one name, 40,000 times",
            longest("{\"a\":0", ",\"a\":0", "}"),
            "duplicate_name",
        ),
        claims("claims: quotes", "\"".repeat(LONGEST_JSON), "bad_json"),
        claims("claims: spaces", " ".repeat(LONGEST_JSON), "bad_json"),
        claims(
            "claims: half an escape",
            longest("{\"a\":\"", "\\uD800", "\"}"),
            "bad_json",
        ),
    ]
}

fn keys() -> Vec<Case> {
    let set = |name, text: String, expected| {
        case(
            name,
            text.len(),
            expected,
            move || match Jwks::parse_lenient(text.as_bytes(), &Algorithm::ALL) {
                Ok(set) => format!("{} keys, {} not", set.keys().len(), set.skipped().len()),
                Err(errors) => errors
                    .first()
                    .map_or("none", |error| error.fault.code())
                    .to_owned(),
            },
        )
        .factor(64)
    };
    let rsa = |kid: &str, n: &str| {
        format!(r#"{{"kty":"RSA","alg":"RS256","kid":"{kid}","e":"AQAB","n":"{n}"}}"#)
    };
    let modulus = format!("{}qw", "q6ur".repeat(85));
    let keys = |keys: Vec<String>| format!("{{\"keys\":[{}]}}", keys.join(","));
    let key = |name, text: String, expected| {
        case(name, text.len(), expected, move || {
            match Jwk::parse(text.as_bytes()) {
                Ok(_) => "read".to_owned(),
                Err(JwkError::Bad(fault)) => fault.code().to_owned(),
                Err(JwkError::Skipped(_)) => "skipped".to_owned(),
            }
        })
        .factor(12)
    };
    let jwk = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let secret = Jwk::parse(jwk.as_bytes()).expect("a key");
    let dots = vec![b'.'; MEGABYTE];
    vec![
        set("key set: 1 MB", "[".repeat(MEGABYTE), "not_json"),
        set("key set: nested", "[".repeat(LONGEST_JSON), "not_json"),
        set(
            "key set: 87,000 empty keys",
            longest("{\"keys\":[{}", ",{}", "]}"),
            "0 keys, 87378 not",
        ),
        set(
            "key set: 600 keys",
            keys(
                (0..600)
                    .map(|number| rsa(&format!("k{number}"), &modulus))
                    .collect(),
            ),
            "600 keys, 0 not",
        ),
        set(
            "key set: 600 keys of one name",
            keys((0..600).map(|_| rsa("k", &modulus)).collect()),
            "1 keys, 599 not",
        ),
        set(
            "key set: a modulus of 200 kB",
            keys(vec![rsa("k", &"q6ur".repeat(50_000))]),
            "0 keys, 1 not",
        ),
        key(
            "key: an exponent of 200 kB",
            format!(
                r#"{{"kty":"RSA","n":"{modulus}","e":"{}"}}"#,
                "AQAB".repeat(50_000)
            ),
            "rsa_exponent",
        ),
        key(
            "key: a coordinate of 200 kB",
            format!(
                r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"AA"}}"#,
                "AAAA".repeat(50_000)
            ),
            "coordinate_length",
        ),
        case("JWS: 1,000,000 dots", dots.len(), "malformed", move || {
            let verified = jws::verify(&dots, &secret, None, u32::MAX, &Portable);
            verified
                .map_or_else(TokenError::code, |_| "verified")
                .to_owned()
        }),
    ]
}
