//! Tests where engines are known to differ: points, lengths, and the byte layer.

use serde_json::{Value, json};
use tollgate_crypto::{Native, Portable};
use tollgate_token::{
    Algorithm, Curve, Jwk, JwkError, KeyErrorKind, KeyMaterial, Provider, TokenError, base64url,
    jws,
};

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/attack-corpus/attack_tokens.json"
);

fn providers() -> [(&'static str, &'static dyn Provider); 2] {
    [("portable", &Portable), ("native", &Native)]
}

fn base64url_encode(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0, |n, byte| (n << 8) | u32::from(*byte));
        let number = number << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let value = (number >> (18 - 6 * place)) & 63;
            text.extend(
                alphabet
                    .get(value as usize)
                    .map(|letter| char::from(*letter)),
            );
        }
    }
    assert_eq!(base64url::decode(text.as_bytes()).as_deref(), Some(bytes));
    text
}

/// The token layer determines itself which encodings are points, so that no edge depends on a
/// library for it. The library must agree.
#[test]
fn ed25519_points() {
    let mut points = 0;
    for seed in 0..400_u32 {
        let mut x = [0; 32];
        for (place, byte) in x.iter_mut().enumerate() {
            *byte = (seed.wrapping_mul(2_654_435_761).rotate_left(place as u32) >> 7) as u8;
        }
        if seed < 100 {
            x = [0; 32];
            x[0] = seed as u8 + 2;
        }
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(&x)}).to_string();
        let judged = Jwk::parse(jwk.as_bytes());
        let prepared = Portable.prepare(Algorithm::EdDSA, &KeyMaterial::Ed25519 { x });
        assert_eq!(judged.is_ok(), prepared.is_ok(), "{x:?}");
        match judged {
            Ok(_) => points += 1,
            Err(error) => assert_eq!(error, JwkError::Bad(KeyErrorKind::BadEd25519)),
        }
    }
    assert!((150..250).contains(&points), "{points} of 400");
}

#[test]
fn points_off_the_curve_are_rejected() {
    for (curve, algorithm) in [
        (Curve::P256, Algorithm::ES256),
        (Curve::P384, Algorithm::ES384),
    ] {
        let len = curve.coordinate_len();
        for (x, y) in [(len, len), (len, len - 1), (0, 0), (len + 1, len)] {
            let key = KeyMaterial::Ec {
                curve,
                x: vec![1; x],
                y: vec![1; y],
            };
            for (name, provider) in providers() {
                assert!(
                    provider.prepare(algorithm, &key).is_err(),
                    "{algorithm} {x} {y} {name}"
                );
            }
        }
    }
}

#[test]
fn algorithms_reject_each_others_keys() {
    let keys = [
        KeyMaterial::Rsa {
            n: vec![0xff; 256],
            e: vec![1, 0, 1],
        },
        KeyMaterial::Ed25519 { x: [9; 32] },
        KeyMaterial::Hmac { k: vec![7; 64] },
    ];
    for key in &keys {
        for algorithm in Algorithm::ALL {
            for (name, provider) in providers() {
                let prepared = provider.prepare(algorithm, key);
                assert_eq!(
                    prepared.is_ok(),
                    key.fits(algorithm),
                    "{algorithm} {key:?} {name}"
                );
                // Every input is rejected without a panic.
                for len in [0, 1, 31, 32, 48, 63, 64, 65, 96, 255, 256, 257, 10_000] {
                    if let Ok(key) = &prepared {
                        assert!(key.verify(b"input", &vec![9; len]).is_err());
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_layer() {
    let corpus: Value = serde_json::from_slice(&std::fs::read(CORPUS).unwrap()).unwrap();
    let token = |id: u64| {
        let cases = corpus["tokens"].as_array().unwrap();
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        case["token"].as_str().unwrap().as_bytes().to_vec()
    };
    let key = |index: usize, change: &dyn Fn(&mut Value)| {
        let mut jwk = corpus["jwks"]["keys"][index].clone();
        change(&mut jwk);
        Jwk::parse(jwk.to_string().as_bytes())
    };
    let without = |member: &'static str| {
        move |jwk: &mut Value| {
            jwk.as_object_mut().unwrap().remove(member);
        }
    };
    let rsa = key(0, &|_| {}).unwrap();
    let bare_rsa = key(0, &without("alg")).unwrap();
    let nameless_rsa = key(0, &without("kid")).unwrap();
    let ec = key(2, &|_| {}).unwrap();
    let ed = key(3, &without("alg")).unwrap();
    let secret = json!({"kty": "oct", "k": corpus["config"]["hs"]["secret_b64u"]}).to_string();
    let secret = Jwk::parse(secret.as_bytes()).unwrap();
    assert!(key(4, &|_| {}).is_err(), "a key for encryption");

    use Algorithm::{PS256, RS256, RS384};
    for (name, provider) in providers() {
        let verify = |id, key: &Jwk, allowed: Option<&[Algorithm]>| {
            jws::verify(&token(id), key, allowed, 8192, provider).map(|_| ())
        };
        for (id, key, allowed, expected) in [
            (1, &rsa, None, Ok(())),
            (1, &nameless_rsa, None, Ok(())),
            (1, &bare_rsa, None, Ok(())),
            (1, &bare_rsa, Some(&[RS384, RS256][..]), Ok(())),
            (
                1,
                &bare_rsa,
                Some(&[PS256][..]),
                Err(TokenError::AlgNotAllowed),
            ),
            (1, &rsa, Some(&[][..]), Err(TokenError::AlgNotAllowed)),
            (1, &ec, None, Err(TokenError::AlgNotAllowed)),
            (1, &secret, None, Err(TokenError::AlgNotAllowed)),
            (4, &ec, None, Ok(())),
            (6, &ed, None, Ok(())),
            (7, &secret, None, Ok(())),
            // The payload, `kid`, `typ` and `cty` do not matter.
            (114, &rsa, None, Ok(())),
            (134, &rsa, None, Ok(())),
            (131, &rsa, None, Ok(())),
            (242, &rsa, None, Ok(())),
            (243, &rsa, None, Ok(())),
            // But members that change the meaning of the signature do.
            (119, &rsa, None, Err(TokenError::UnsupportedCrit)),
            (129, &rsa, None, Err(TokenError::UnsupportedCrit)),
            (132, &rsa, None, Err(TokenError::UnsupportedCrit)),
            (32, &rsa, None, Err(TokenError::BadEncoding)),
            (75, &bare_rsa, None, Err(TokenError::AlgNotAllowed)),
            (88, &rsa, None, Err(TokenError::AlgNotAllowed)),
            (88, &bare_rsa, None, Ok(())),
            (349, &rsa, None, Err(TokenError::BadSignature)),
            (306, &ec, None, Err(TokenError::TooLarge)),
            (11, &rsa, None, Err(TokenError::Malformed)),
        ] {
            assert_eq!(verify(id, key, allowed), expected, "{id} {name}");
        }
        let length = u32::try_from(token(1).len()).unwrap();
        let limited = |limit| jws::verify(&token(1), &rsa, None, limit, provider).map(|_| ());
        assert_eq!(limited(length), Ok(()), "{name}");
        assert_eq!(limited(length - 1), Err(TokenError::TooLarge), "{name}");
        let payload = jws::verify(&token(243), &rsa, None, 8192, provider);
        assert_eq!(payload.as_deref(), Ok(&b""[..]), "{name}");
    }
}

/// More keys at once than there are tables, so that some have each kind of table and some none.
#[test]
fn es256_with_any_table() {
    use p256::ecdsa::{Signature, SigningKey, signature::Signer};

    let mut kept = Vec::new();
    for number in 1..=40_u8 {
        let secret = SigningKey::from_slice(&[number; 32]).unwrap();
        let point = secret.verifying_key().to_encoded_point(false);
        let key = KeyMaterial::Ec {
            curve: Curve::P256,
            x: point.x().unwrap().to_vec(),
            y: point.y().unwrap().to_vec(),
        };
        let message = [number; 70];
        let valid: Signature = secret.sign(&message);
        let other_s = Signature::from_scalars(valid.r().to_bytes(), (-*valid.s()).to_bytes());
        let valid = valid.to_bytes().to_vec();
        let mut signatures = vec![valid.clone(), other_s.unwrap().to_bytes().to_vec()];
        for bit in (usize::from(number)..512).step_by(37) {
            let mut wrong = valid.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            signatures.push(wrong);
        }
        signatures.extend([vec![], valid[1..].to_vec(), [&valid[..], &[0]].concat()]);
        for (name, provider) in providers() {
            let key = provider.prepare(Algorithm::ES256, &key).unwrap();
            for (index, signature) in signatures.iter().enumerate() {
                let verified = key.verify(&message, signature).is_ok();
                assert_eq!(verified, index < 2, "{number} {index} {name}");
            }
            kept.push(key);
        }
    }
}
