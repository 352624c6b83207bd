//! Ed25519 speccheck: twelve signatures for which libraries are known to differ. Our providers must
//! not.

use std::fs;

use serde_json::{Value, json};
use tollgate_crypto::{Native, Portable};
use tollgate_token::{
    Algorithm, BadSignature, Jwk, KeyMaterial, KeyRefused, PreparedKey, Provider, base64url, jws,
};

use crate::{Ledger, suite};

/// The strict results, those of libsodium: no keys or points of small order, canonical numbers
/// only, and the equation without the cofactor.
const STRICT: [&str; 12] = [
    "no", "no", "no", "yes", "no", "no", "no", "no", "no", "no", "no", "no",
];

#[test]
fn ed25519_speccheck() {
    let Some(folder) = suite("ed25519-speccheck") else {
        return;
    };
    let cases: Value =
        serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut ledger = Ledger::new("ed25519-speccheck");
    for (number, (case, strict)) in cases.as_array().unwrap().iter().zip(STRICT).enumerate() {
        let bytes = |name: &str| bytes(case[name].as_str().unwrap());
        let (message, signature) = (bytes("message"), bytes("signature"));
        let x = encoded(&bytes("pub_key"));
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x }).to_string();
        let ours = Jwk::parse(jwk.as_bytes()).map(|key| {
            let asked = is_asked(&key, &signature);
            [&Portable as &dyn Provider, &Native].map(|provider| {
                let prepared = provider.prepare(Algorithm::EdDSA, key.material());
                asked && prepared.is_ok_and(|key| key.verify(&message, &signature).is_ok())
            })
        });
        let ours = match ours {
            Ok([true, true]) => "yes",
            Ok([false, false]) | Err(_) => "no",
            Ok(_) => "providers differ",
        };
        ledger.note(&number.to_string(), strict, ours);
    }
    ledger.close(12);
}

/// Accepts every signature.
struct Gullible;

impl Provider for Gullible {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(Self))
    }
}

impl PreparedKey for Gullible {
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Ok(())
    }
}

/// Whether a signature passes the checks before every provider. They read only the signature, so
/// the message, which is not a JWS here, does not matter.
fn is_asked(key: &Jwk, signature: &[u8]) -> bool {
    let token = format!(
        "{}.e30.{}",
        encoded(br#"{"alg":"EdDSA"}"#),
        encoded(signature)
    );
    jws::verify(token.as_bytes(), key, None, 8_192, &Gullible).is_ok()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Encodes bytes as base64url without padding.
fn encoded(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        .collect();
    let text: String = bits
        .chunks(6)
        .map(|six| {
            let value = (0..6).fold(0, |value, at| {
                value << 1 | usize::from(six.get(at).copied().unwrap_or(0))
            });
            char::from(letters[value])
        })
        .collect();
    assert_eq!(base64url::decode(text.as_bytes()).as_deref(), Some(bytes));
    text
}
