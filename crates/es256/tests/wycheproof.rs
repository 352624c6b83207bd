//! Project Wycheproof's vectors for P-256 with SHA-256 and signatures of fixed length, with every
//! table.

#![cfg(test)]

use sha2::{Digest, Sha256};
use tollgate_es256::{PreparedKey, Table};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

#[test]
fn all_vectors() {
    let (mut valid, mut invalid) = (0, 0);
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256P1363)
        .unwrap()
        .test_groups
    {
        let point = group.key.key.strip_prefix(&[4]).unwrap();
        let ([x, y], []) = point.as_chunks() else {
            panic!("{} bytes", point.len());
        };
        for table in [Table::Large, Table::Small, Table::None] {
            let key = PreparedKey::new(x, y, table).unwrap();
            for test in &group.tests {
                // `Acceptable` counts as invalid.
                let good = test.result == TestResult::Valid;
                let digest = Sha256::digest(&test.msg).into();
                let verified = key.verify(&digest, &test.sig);
                assert_eq!(
                    verified.is_ok(),
                    good,
                    "{table:?} test {}: {}",
                    test.tc_id,
                    test.comment
                );
                *(if good { &mut valid } else { &mut invalid }) += 1;
            }
        }
    }
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 450 && invalid > 250, "{valid} {invalid}");
}
