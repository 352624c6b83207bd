//! The same results as AWS-LC, for signatures that are valid, nearly valid, and random.
//!
//! `TOLLGATE_RSA_CASES` is the number of cases; a million take a few minutes in a release build.

#![cfg(test)]
// AWS-LC does not build for WASM, where the other tests also run.
#![cfg(not(target_family = "wasm"))]

mod case;
mod key;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use case::Kind;
use fastrand::Rng;
use key::TestKey;
use tollgate_rs256::{Hash, PublicKey};

/// A key in the forms of the test and of both libraries.
struct Keys {
    test: TestKey,
    ours: PublicKey,
    /// One per hash of [`HASHES`].
    theirs: [ParsedPublicKey; 3],
}

const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

impl Keys {
    fn new(bits: u64, e: u64, rng: &mut Rng) -> Self {
        let test = TestKey::generate(bits, e, rng);
        let (n, e) = (test.n.to_bytes_be(), test.e.to_bytes_be());
        let ours = PublicKey::new(&n, &e).unwrap();
        let components = RsaPublicKeyComponents { n, e };
        let theirs = [
            &RSA_PKCS1_2048_8192_SHA256,
            &RSA_PKCS1_2048_8192_SHA384,
            &RSA_PKCS1_2048_8192_SHA512,
        ]
        .map(|parameters| components.to_parsed_public_key(parameters).unwrap());
        Self { test, ours, theirs }
    }
}

#[test]
fn same_answer() {
    let asked = std::env::var("TOLLGATE_RSA_CASES").ok();
    let cases: usize = asked.map_or(6000, |cases| cases.parse().expect("a number of cases"));
    let mut rng = Rng::with_seed(6);
    // Most have the usual form, including the usual sizes; the others have odd lengths and other
    // exponents, up to the largest that AWS-LC accepts.
    let mut keys = Vec::new();
    for bits in [
        2048, 2048, 2048, 2048, 3072, 4096, 2049, 2050, 2051, 2056, 2159, 4095,
    ] {
        keys.push(Keys::new(bits, 65537, &mut rng));
    }
    for (bits, e) in [(2048, 65539), (2048, 0x1_ffff_ffff), (3072, 0x1_0000_0001)] {
        keys.push(Keys::new(bits, e, &mut rng));
    }
    for _ in 0..3 {
        let (bits, e) = (rng.u64(2048..=4096), rng.u64(65537..1 << 33) | 1);
        keys.push(Keys::new(bits, e, &mut rng));
    }

    for case in 0..cases {
        let keys = rng.choice(&keys).unwrap();
        // Valid and invalid ones alternate; each invalid kind is equally frequent.
        let kind = match case % 2 {
            0 => Kind::Good,
            _ => Kind::WRONG[case / 2 % Kind::WRONG.len()],
        };
        let which = rng.usize(..HASHES.len());
        let hash = HASHES[which];
        let message: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
        let signature = kind.signature(&keys.test, hash, &message, &mut rng);
        let ours = keys.ours.verify(hash, &message, &signature).is_ok();
        let theirs = keys.theirs[which].verify_sig(&message, &signature).is_ok();
        let what = || {
            format!(
                "{kind:?} {hash:?} {message:x?} {signature:x?} {:x}",
                keys.test.n
            )
        };
        assert_eq!(ours, theirs, "{}", what());
        assert_eq!(ours, kind == Kind::Good, "{}", what());
    }
    println!(
        "{cases} cases with {} keys, every other one good",
        keys.len()
    );
}
