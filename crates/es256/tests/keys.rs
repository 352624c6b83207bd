//! Accepted and rejected keys; the ranges of r and s; and no input makes the crate panic.

#![cfg(test)]

use fastrand::Rng;
use p256::EncodedPoint;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use tollgate_es256::{BadSignature, KeyError, PreparedKey, Table};

const TABLES: [Table; 3] = [Table::Large, Table::Small, Table::None];

/// The prime of the coordinates.
const P: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
/// The order of the group.
const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
/// y of the points with x = 0: the root of b, and its negative.
const ROOT: &str = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
const OTHER_ROOT: &str = "99b7a386f1d07c29dbcc42a27b5f9449abe3d50de25178e8d7407a95e8b06c0b";

fn bytes(hex: &str) -> [u8; 32] {
    let digit = |at: usize| char::from(hex.as_bytes()[at]).to_digit(16).unwrap();
    core::array::from_fn(|i| (digit(2 * i) << 4 | digit(2 * i + 1)) as u8)
}

/// A number of 32 bytes plus a small one, without a carry out of the last byte.
fn plus(number: [u8; 32], add: i8) -> [u8; 32] {
    let mut number = number;
    number[31] = number[31].checked_add_signed(add).unwrap();
    number
}

#[test]
fn points() {
    let zero = [0; 32];
    let (gx, gy) = generator();
    let mut off = gy;
    off[31] ^= 1;
    for (x, y, is_valid) in [
        (gx, gy, true),
        (gx, off, false),
        (gy, gx, false),
        (zero, zero, false),
        ([0xff; 32], [0xff; 32], false),
        (zero, bytes(ROOT), true),
        (zero, bytes(OTHER_ROOT), true),
        (zero, plus(bytes(ROOT), 1), false),
        // The same point with an x that is not reduced.
        (bytes(P), bytes(ROOT), false),
        (bytes(P), zero, false),
        (gx, bytes(P), false),
        (plus(bytes(P), -1), plus(bytes(P), -1), false),
    ] {
        let sec1 = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        let theirs = VerifyingKey::from_encoded_point(&sec1);
        assert_eq!(theirs.is_ok(), is_valid, "{x:x?} {y:x?}");
        for table in TABLES {
            let ours = PreparedKey::new(&x, &y, table);
            assert_eq!(ours.is_ok(), is_valid, "{x:x?} {y:x?}");
        }
    }
}

/// Random coordinates, valid points with one bit flipped, and coordinates near the prime.
#[test]
fn random_points() {
    let mut rng = Rng::with_seed(8);
    let (mut accepted, mut rejected) = (0, 0);
    for case in 0..3_000 {
        let mut random = || core::array::from_fn(|_| rng.u8(..));
        let (mut x, mut y): ([u8; 32], [u8; 32]) = (random(), random());
        if case % 3 == 0 {
            x[..31].copy_from_slice(&bytes(P)[..31]);
        } else if let Ok(key) = SigningKey::from_slice(&x) {
            let point = key.verifying_key().to_encoded_point(false);
            (x, y) = ((*point.x().unwrap()).into(), (*point.y().unwrap()).into());
            if case % 3 == 1 {
                let bit = rng.usize(..512);
                let byte = x.iter_mut().chain(&mut y).nth(bit / 8).unwrap();
                *byte ^= 1 << (bit % 8);
            }
        }
        let sec1 = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        let theirs = VerifyingKey::from_encoded_point(&sec1).is_ok();
        let ours = PreparedKey::new(&x, &y, Table::None);
        assert_eq!(ours.is_ok(), theirs, "{x:x?} {y:x?}");
        *(if theirs { &mut accepted } else { &mut rejected }) += 1;
    }
    assert!(accepted > 900 && rejected > 1_900, "{accepted} {rejected}");
}

/// r and s at the ends of their range, and lengths.
#[test]
fn ranges() {
    let mut rng = Rng::with_seed(9);
    let secret = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_encoded_point(false);
    let (x, y) = ((*point.x().unwrap()).into(), (*point.y().unwrap()).into());
    let digest: [u8; 32] = core::array::from_fn(|_| rng.u8(..));
    let (valid, _) = secret.sign_prehash_recoverable(&digest).unwrap();
    let high = Signature::from_scalars(valid.r().to_bytes(), (-*valid.s()).to_bytes()).unwrap();
    let [valid, high]: [[u8; 64]; 2] = [valid, high].map(|valid| valid.to_bytes().into());
    let n = bytes(N);
    for key in TABLES.map(|table| PreparedKey::new(&x, &y, table).unwrap()) {
        assert_eq!(key.verify(&digest, &valid), Ok(()));
        // Without normalization, both forms of s are valid.
        assert_eq!(key.verify(&digest, &high), Ok(()));
        for at in [0, 32] {
            for number in [
                [0; 32],
                plus([0; 32], 1),
                plus(n, -1),
                n,
                plus(n, 1),
                bytes(P),
                [0xff; 32],
            ] {
                let mut wrong = valid;
                wrong[at..at + 32].copy_from_slice(&number);
                assert_eq!(key.verify(&digest, &wrong), Err(BadSignature));
                let theirs = Signature::from_slice(&wrong);
                let theirs =
                    theirs.and_then(|wrong| secret.verifying_key().verify_prehash(&digest, &wrong));
                assert!(theirs.is_err());
            }
        }
        for wrong in [
            &valid[..63],
            &valid[1..],
            &[],
            &valid[..32],
            &[&valid[..], &[0]].concat(),
            &[&valid[..], &valid[..]].concat(),
            &[0; 64],
            &[0xff; 64],
        ] {
            assert_eq!(key.verify(&digest, wrong), Err(BadSignature));
        }
        for other in [[0; 32], [0xff; 32], n] {
            assert_eq!(key.verify(&other, &valid), Err(BadSignature));
        }
    }
}

/// Random bytes as key, digest and signature.
#[test]
fn nothing_panics() {
    let mut rng = Rng::with_seed(10);
    let (gx, gy) = generator();
    let keys = TABLES.map(|table| PreparedKey::new(&gx, &gy, table).unwrap());
    let mut number = || {
        let byte = match rng.u8(..6) {
            0 => Some(0),
            1 => Some(0xff),
            _ => None,
        };
        core::array::from_fn::<u8, 32, _>(|_| byte.unwrap_or_else(|| rng.u8(..)))
    };
    for _ in 0..3_000 {
        let (digest, signature) = (number(), [number(), number()].concat());
        assert_eq!(
            PreparedKey::new(&number(), &number(), Table::Large).err(),
            Some(KeyError)
        );
        let verified = keys.each_ref().map(|key| key.verify(&digest, &signature));
        assert_eq!(verified, [Err(BadSignature); 3]);
    }
}

fn generator() -> ([u8; 32], [u8; 32]) {
    let point = p256::AffinePoint::GENERATOR.to_encoded_point(false);
    ((*point.x().unwrap()).into(), (*point.y().unwrap()).into())
}
