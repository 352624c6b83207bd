//! Powers and products compared with a big number library.

use core::iter::repeat_with;

extern crate std;
use std::vec::Vec;

use fastrand::Rng;
use num_bigint::BigUint;

use super::{Modulus, Work};
use crate::exponent::Exponent;
use crate::number::{BLOCK_BITS, Number};

/// Lengths around every change in the number of bytes, limbs or blocks, and the usual ones.
const BITS: [u64; 16] = [
    2048, 2049, 2050, 2051, 2055, 2056, 2057, 2077, 2158, 2159, 3072, 3100, 4071, 4090, 4095, 4096,
];

/// An odd number of exactly `bits` bits: random, the smallest, the largest, or with long runs.
fn modulus(bits: u64, shape: u64, rng: &mut Rng) -> BigUint {
    let top = BigUint::from(1_u8) << (bits - 1);
    match shape {
        0 => top + 1_u8,
        1 => (top << 1) - 1_u8,
        // The lowest limbs are zero except for the 1, so q is the negated column.
        2 => top + (random(bits - 200, rng) << 160) + 1_u8,
        3 => (top << 1) - (BigUint::from(1_u8) << rng.u64(1..bits - 1)) - 1_u8,
        _ => {
            let mut n = random(bits, rng);
            n.set_bit(0, true);
            n.set_bit(bits - 1, true);
            n
        }
    }
}

/// A number below 2 to the power of `bits`.
fn random(bits: u64, rng: &mut Rng) -> BigUint {
    let bytes: Vec<u8> = repeat_with(|| rng.u8(..))
        .take(bits as usize / 8 + 1)
        .collect();
    BigUint::from_bytes_be(&bytes) % (BigUint::from(1_u8) << bits)
}

/// A base below n: the smallest, the largest, long runs, the half, or random. (The half is for 2n:
/// n times 1 maximizes all limbs of q.)
fn base(n: &BigUint, shape: u64, rng: &mut Rng) -> BigUint {
    match shape {
        0 => BigUint::ZERO,
        1 => BigUint::from(1_u8),
        2 => BigUint::from(2_u8),
        3 => n - 1_u8,
        4 => n - 2_u8,
        5 => BigUint::from(1_u8) << (n.bits() - 2),
        6 => (BigUint::from(1_u8) << (n.bits() - 1)) - 1_u8,
        7 => n >> 1,
        _ => random(n.bits() + 64, rng) % n,
    }
}

fn number(big: &BigUint) -> Number {
    Number::from_be_bytes(&big.to_bytes_be())
}

fn big(number: &Number) -> BigUint {
    let mut bytes = [0; 513];
    number.write_be_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes)
}

fn prepared(n: &BigUint) -> Modulus {
    Modulus::new(number(n), n.bits() as usize)
}

#[test]
fn numbers_are_parsed_and_written() {
    let mut rng = Rng::with_seed(1);
    for bits in (1..=4096).step_by(7) {
        let expected = random(bits, &mut rng);
        assert_eq!(big(&number(&expected)), expected);
    }
    for exponent in 0..4104 {
        let expected = BigUint::from(1_u8) << exponent;
        assert_eq!(big(&Number::power_of_two(exponent)), expected);
    }
}

#[test]
fn numbers_are_compared_subtracted_and_doubled() {
    let mut rng = Rng::with_seed(2);
    for _ in 0..2000 {
        let bits = rng.u64(1..4096);
        let (a, mut b) = (random(bits, &mut rng), random(bits, &mut rng));
        if rng.u8(..4) == 0 {
            b = a.clone() + rng.u8(..2);
        }
        assert_eq!(number(&a).is_at_least(&number(&b)), a >= b);
        let mut difference = number(&a);
        difference.subtract_if_at_least(&number(&b));
        assert_eq!(big(&difference), if a >= b { &a - &b } else { a.clone() });
        let mut double = number(&a);
        double.double();
        assert_eq!(big(&double), a << 1);
    }
}

/// Every product of factors below 2n is correct and again below 2n: point 2 of the bounds. Tests
/// are built with overflow checks.
#[test]
fn products_of_unreduced_factors() {
    let mut rng = Rng::with_seed(3);
    let mut work = Work::new();
    for case in 0..4000 {
        let bits = BITS[case % BITS.len()];
        let n = modulus(bits, rng.u64(..8), &mut rng);
        let double = &n << 1;
        let modulus = prepared(&n);
        let r = BigUint::from(1_u8) << (modulus.blocks * BLOCK_BITS);
        assert!(r > &n << 2);
        assert_eq!(big(&modulus.r_squared), &r * &r % &n);
        let a = base(&double, rng.u64(..10), &mut rng);
        let b = base(&double, rng.u64(..10), &mut rng);

        let mut product = number(&a);
        modulus.multiply(&mut product, &number(&b), &mut work);
        let product = big(&product);
        assert!(product < double);
        assert_eq!(product * &r % &n, &a * &b % &n, "{n:x} {a:x} {b:x}");

        let mut square = number(&a);
        modulus.square(&mut square, &mut work);
        let square = big(&square);
        assert!(square < double);
        assert_eq!(square * &r % &n, &a * &a % &n, "{n:x} {a:x}");
    }
}

/// `TOLLGATE_RSA_CASES` is the number of cases of the comparison with AWS-LC. A tenth as many are run here, because they take ten times as long.
#[test]
fn powers() {
    let asked = std::env::var("TOLLGATE_RSA_CASES").ok();
    let cases = asked.map_or(1500, |cases| cases.parse::<u64>().unwrap() / 10);
    let mut rng = Rng::with_seed(4);
    for case in 0..cases {
        let bits = match case % 3 {
            0 => rng.u64(2048..=4096),
            _ => BITS[case as usize % BITS.len()],
        };
        let n = modulus(bits, rng.u64(..12), &mut rng);
        let s = base(&n, rng.u64(..12), &mut rng);
        let e = match rng.u8(..8) {
            0 => random(81, &mut rng),
            1 => random(192, &mut rng),
            2 => random(32 + rng.u64(..225), &mut rng),
            3 => (BigUint::from(1_u8) << rng.u64(17..=256)) - 1_u8,
            4 => random(33, &mut rng),
            _ => BigUint::from(65537_u32),
        } | BigUint::from(65537_u32);
        let exponent = Exponent::from_be_bytes(&e.to_bytes_be()).unwrap();
        let power = big(&prepared(&n).power(&number(&s), &exponent));
        assert_eq!(power, s.modpow(&e, &n), "{n:x} {s:x} {e:x}");
    }
}
