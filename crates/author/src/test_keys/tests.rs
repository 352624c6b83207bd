use tollgate_token::{Algorithm, ClaimRules, IssuerKind, Secret};

use super::*;

/// The example of RFC 7638, section 3.1.
const RFC: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

fn issuer(keys: &str, secret: &[u8]) -> IssuerConfig {
    IssuerConfig {
        name: "i".to_owned(),
        issuers: Vec::new(),
        clients: Vec::new(),
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::RS256],
        claims: ClaimRules::default(),
        jwks: Some(keys.to_owned()),
        secrets: vec![Secret {
            kid: "s".to_owned(),
            key: secret.to_vec(),
        }],
        refresh: None,
    }
}

#[test]
fn a_print_is_the_thumbprint_of_rfc_7638() {
    let key: Value = serde_json::from_str(RFC).unwrap();
    let print = "3736cbb1787cb8309c77ee8c3705c5e16ffb9e859715901f1e4c59b11182f57b";
    assert_eq!(hex(&key_print(&key).unwrap()), print);
    for key in [
        json!({ "kty": "oct", "k": "AA" }),
        json!({ "kty": "RSA", "n": "AA" }),
        json!({ "kty": 1 }),
        json!([]),
    ] {
        assert_eq!(key_print(&key), None, "{key}");
    }
}

#[test]
fn marked_keys_are_test_keys() {
    let mut key: Value = serde_json::from_str(RFC).unwrap();
    let set = |key: &Value| json!({ "keys": [key] }).to_string();
    let found = |set: &str| -> Vec<String> {
        let found = of_issuer(&issuer(set, b"a new secret"));
        found.iter().map(TestKey::to_string).collect()
    };
    assert_eq!(found(&set(&key)), [""; 0]);
    mark(&mut key);
    let marked = ["the keys of issuer `i` include the test key `2011-04-29`"];
    assert_eq!(found(&set(&key)), marked);
    assert_eq!(found(&format!("\u{feff}{}", set(&key))), marked);
    assert_eq!(found("not JSON"), [""; 0]);
}
