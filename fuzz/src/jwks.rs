//! Key sets: an accepted key has a unique name and a listed algorithm, and works with both
//! providers.

use std::collections::BTreeSet;

use tollgate_crypto::{Native, Portable};
use tollgate_token::{
    Algorithm, ClaimRules, IssuerConfig, IssuerKind, Jwk, Jwks, Limits, Provider, Secret, Verifier,
};

use crate::{change, json};

/// Uses the bytes as a key set, and as a single key.
pub fn check(data: &[u8]) {
    json::compare(data);
    let some = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    for allowed in [&Algorithm::ALL[..], &some, &[Algorithm::ES384], &[]] {
        let strict = Jwks::parse(data, allowed);
        let lenient = Jwks::parse_lenient(data, allowed);
        match (&strict, &lenient) {
            (Ok(strict), Ok(lenient)) => assert_eq!(strict, lenient),
            // Invalid keys are errors here and notes in the lenient parser.
            (Err(errors), Ok(_)) => assert!(errors.iter().all(|error| error.index.is_some())),
            (_, Err(_)) => assert!(strict.is_err()),
        }
        let Ok(set) = lenient else {
            continue;
        };
        let mut names = BTreeSet::new();
        for key in set.keys() {
            assert!(names.insert(&key.kid), "`kid` twice");
            assert!(allowed.contains(&key.algorithm) && key.material.fits(key.algorithm));
            for provider in [&Portable as &dyn Provider, &Native] {
                let prepared = provider.prepare(key.algorithm, &key.material);
                let signature = [7; 512];
                assert!(
                    prepared
                        .expect("a validated key")
                        .verify(b"x", &signature)
                        .is_err()
                );
            }
        }
    }
    if let Ok(key) = Jwk::parse(data) {
        let fits = |algorithm: &Algorithm| key.material().fits(*algorithm);
        for algorithm in Algorithm::ALL.into_iter().filter(fits) {
            let prepared = [
                Portable.prepare(algorithm, key.material()),
                Native.prepare(algorithm, key.material()),
            ];
            let [portable, native] = prepared.map(|prepared| prepared.is_ok());
            assert_eq!(portable, native, "{algorithm}");
        }
    }
    refresh(data);
}

/// Uses the bytes as a refreshed key set: the keys are replaced, or they stay.
fn refresh(data: &[u8]) {
    let issuer = IssuerConfig {
        name: "learners".to_owned(),
        issuers: vec!["https://issuer.example".to_owned()],
        clients: vec!["web".to_owned()],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA],
        claims: ClaimRules::default(),
        jwks: None,
        secrets: vec![Secret {
            kid: "s".to_owned(),
            key: vec![7; 32],
        }],
        refresh: None,
    };
    let mut verifier = Verifier::new(&[issuer], Limits::default(), &Portable).expect("a secret");
    _ = verifier.refresh(0, data, &Portable);
    assert!(
        verifier.mac(0, "s", Algorithm::HS256, b"x").is_some(),
        "the secret stays"
    );
}

/// Mutates one value, or occasionally the plain bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let room = max_size.saturating_sub(size);
    let text = data.get(..size).unwrap_or_default();
    match json::changed(text, room, seed / 4).filter(|_| seed & 3 != 0) {
        Some(made) => change::put(&made, data, size, max_size),
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
}
