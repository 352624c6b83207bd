//! The tables: complete for each shape, on the curve, and with the digits that they are for.

use fastrand::Rng;
use num_bigint::BigInt;

use super::{BLOCKS, Comb, GENERATOR, KeyComb, Shape};
use crate::big::{modulo, number, value};
use crate::field::{P, is_multiple, times, to_montgomery};
use crate::limbs::{bit, from_words, is_below, is_negative, sum};
use crate::point::Affine;
use crate::scalar::{N, Scalars};

/// No sum of the construction is exceptional, for G and therefore for every key.
#[test]
fn tables_of_the_generator() {
    for (shape, bytes) in [(&Shape::LARGE, 36_864), (&Shape::SMALL, 9_216)] {
        let comb = KeyComb::new(&Affine::G, shape).unwrap();
        assert_eq!(comb.bytes(), bytes);
        for Affine { x, y } in &comb.table {
            for coordinate in [x, y] {
                assert!(!is_negative(coordinate) && is_below(coordinate, &P));
            }
            let b = to_montgomery(&from_words([
                0x3bce_3c3e_27d2_604b,
                0x651d_06b0_cc53_b0f6,
                0xb3eb_bd55_7698_86bc,
                0x5ac6_35d8_aa3a_93e7,
            ]));
            let right = sum(&times(&times(x, x), x), &sum(&b, x, -3), 1);
            assert!(is_multiple(&sum(&times(y, y), &right, -1)));
        }
    }
}

/// The compiler computes the same table as the program.
#[test]
fn table_of_the_compiler() {
    let comb = KeyComb::new(&Affine::G, &Shape::LARGE).unwrap();
    for (ours, theirs) in comb.table.iter().zip(&GENERATOR) {
        assert_eq!((ours.x, ours.y), (theirs.x, theirs.y));
    }
    assert_eq!(comb.table.len(), GENERATOR.len());
}

#[test]
fn digits_are_the_scalar() {
    let mut rng = Rng::with_seed(4);
    let n = value(&N);
    let small = KeyComb::new(&Affine::G, &Shape::SMALL).unwrap();
    for _ in 0..2_000 {
        let digest = number(&mut rng);
        let mut bytes = [0; 32];
        let found = digest.to_bytes_be();
        bytes[32 - found.len()..].copy_from_slice(&found);
        // With r = s = 1, u₁ is the digest and u₂ is 1.
        let mut signature = [0; 64];
        (signature[31], signature[63]) = (1, 1);
        let scalars = Scalars::new(&bytes, &signature).unwrap();
        for comb in [Comb::G, small.comb()] {
            let words = comb.digits(&scalars.u1);
            let places = comb.shape.teeth * BLOCKS * comb.shape.columns;
            let weighted = |i| (2 * BigInt::from(bit(&words, i)) - 1) << i;
            let total: BigInt = (0..places).map(weighted).sum();
            assert_eq!(modulo(total, &n), modulo(BigInt::from(digest.clone()), &n));
        }
    }
}
