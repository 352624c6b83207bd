//! Keys and signatures are reproducible, survive a round trip, and are valid according to an independent
//! verifier.

use jwt_compact::alg::{Ed25519, Es256, Hs256, Hs256Key, Rsa, RsaSignature};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};

use super::*;
use crate::{Claims, Minter};

/// The smallest size that `rsa` generates quickly; only the tests in this file use such keys.
const BITS: usize = 1024;

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::generate("tests", "k", algorithm, BITS).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_key_and_signature() {
    for algorithm in Algorithm::ALL {
        let (one, two) = (key(algorithm), key(algorithm));
        assert_eq!(one.to_private_jwk(), two.to_private_jwk(), "{algorithm:?}");
        if algorithm.hash_bytes() * 8 * 2 < BITS {
            assert_eq!(one.sign(b"x"), two.sign(b"x"), "{algorithm:?}");
            assert_ne!(one.sign(b"x"), one.sign(b"y"), "{algorithm:?}");
        }
    }
    let other = PrivateKey::generate("tests", "k2", Algorithm::ES256, BITS).unwrap();
    assert_ne!(
        other.to_private_jwk().d,
        key(Algorithm::ES256).to_private_jwk().d
    );
}

#[test]
fn keys_survive_a_json_round_trip() {
    for algorithm in Algorithm::ALL {
        let made = key(algorithm);
        let json = made.to_private_jwk().to_text();
        let read = PrivateKey::from_jwk(&json).unwrap();
        assert_eq!(read.to_private_jwk(), made.to_private_jwk(), "{json}");
        assert_eq!(read.to_public_jwk(), made.to_public_jwk());
    }
}

#[test]
fn public_keys_contain_no_private_members() {
    for algorithm in Algorithm::ALL {
        let made = key(algorithm);
        let Some(public) = made.to_public_jwk() else {
            assert_eq!(algorithm.family(), Family::Secret);
            continue;
        };
        let private = [
            public.d, public.p, public.q, public.dp, public.dq, public.qi, public.k,
        ];
        assert_eq!(private, [const { None }; 7], "{algorithm:?}");
    }
    assert_eq!(
        format!("{:?}", key(Algorithm::HS256)),
        r#"PrivateKey("k", HS256)"#
    );
}

#[test]
fn signatures_are_valid_for_jwt_compact() {
    let message = b"a message";
    let sign = |algorithm| key(algorithm).sign(message).unwrap();
    for (algorithm, rsa) in [
        (Algorithm::RS256, Rsa::rs256()),
        (Algorithm::RS384, Rsa::rs384()),
        (Algorithm::PS256, Rsa::ps256()),
    ] {
        let Material::Rsa(private) = key(algorithm).material else {
            panic!("not RSA")
        };
        let signature = RsaSignature::try_from_slice(&sign(algorithm)).unwrap();
        let public = private.to_public_key();
        assert!(
            rsa.verify_signature(&signature, &public, message),
            "{algorithm:?}"
        );
        assert!(
            !rsa.verify_signature(&signature, &public, b"another"),
            "{algorithm:?}"
        );
    }
    let Material::P256(private) = key(Algorithm::ES256).material else {
        panic!("not P-256")
    };
    let signature = p256::ecdsa::Signature::from_slice(&sign(Algorithm::ES256)).unwrap();
    assert!(Es256.verify_signature(&signature, private.verifying_key(), message));
    let Material::Ed25519(private) = key(Algorithm::EdDSA).material else {
        panic!("not Ed25519")
    };
    let signature = ed25519_dalek::Signature::from_slice(&sign(Algorithm::EdDSA)).unwrap();
    assert!(Ed25519.verify_signature(&signature, &private.verifying_key(), message));
    let secret = key(Algorithm::HS256).secret().unwrap().to_vec();
    let signature = Hs256.sign(&Hs256Key::new(secret), message);
    assert_eq!(signature.as_bytes(), sign(Algorithm::HS256));
    assert_eq!(sign(Algorithm::ES384).len(), 96);
}

#[test]
fn tokens_contain_the_given_header_and_claims() {
    let minter = Minter::new(PrivateKey::from_secret("k\"1", Algorithm::HS256, b"secret"));
    let claims = Claims::new().set("sub", "a").to_json();
    let token = minter.token(&claims).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts[0], base64url(br#"{"alg":"HS256","kid":"k\"1"}"#));
    assert_eq!(parts[1], base64url(br#"{"sub":"a"}"#));
    assert_eq!(
        minter.resign("odd text").unwrap().split('.').next(),
        Some("odd text")
    );
    let typed = minter.clone().typ("at+jwt");
    assert_eq!(
        typed.header(),
        r#"{"alg":"HS256","kid":"k\"1","typ":"at+jwt"}"#
    );
    let unnamed = Minter::new(PrivateKey::from_secret("", Algorithm::HS256, b"secret"));
    assert_eq!(unnamed.header(), r#"{"alg":"HS256"}"#);
    assert!(minter.token_as(Algorithm::HS512, "{}").is_ok());
    assert_eq!(
        minter.token_as(Algorithm::RS256, "{}"),
        Err(MintError::WrongKey("RS256"))
    );
}

#[test]
fn invalid_keys_are_rejected() {
    let rsa = key(Algorithm::RS256).to_private_jwk();
    let broken = Jwk {
        d: Some("AQ".into()),
        ..rsa.clone()
    };
    let unpaired = Jwk {
        p: None,
        ..rsa.clone()
    };
    let ec = key(Algorithm::ES256).to_private_jwk();
    let table = [
        ("7".to_string(), MintError::NotAnObject),
        ("{}".to_string(), MintError::NoAlgorithm),
        (
            r#"{"kty":"oct","k":"AAAA"}"#.to_string(),
            MintError::NoAlgorithm,
        ),
        (
            r#"{"kty":"oct","alg":"none"}"#.to_string(),
            MintError::UnknownAlgorithm("none".into()),
        ),
        (
            r#"{"kty":"oct","alg":"RS256","k":"AAAA"}"#.to_string(),
            MintError::WrongKey("RS256"),
        ),
        (
            r#"{"kty":"oct","alg":"HS256","k":"="}"#.to_string(),
            MintError::BadMember("k"),
        ),
        (broken.to_text(), MintError::BrokenKey),
        (unpaired.to_text(), MintError::BadMember("p")),
        (
            Jwk {
                d: Some("AQ".into()),
                ..ec.clone()
            }
            .to_text(),
            MintError::BadMember("d"),
        ),
        (
            Jwk {
                crv: Some("P-384".into()),
                ..ec
            }
            .to_text(),
            MintError::WrongKey("ES256"),
        ),
    ];
    for (json, expect) in table {
        assert_eq!(PrivateKey::from_jwk(&json).unwrap_err(), expect, "{json}");
    }
    let unnamed = Jwk {
        alg: None,
        kid: None,
        ..rsa
    };
    let read = PrivateKey::from_jwk(&unnamed.to_text()).unwrap();
    assert_eq!((read.kid(), read.algorithm()), ("", Algorithm::RS256));
}
