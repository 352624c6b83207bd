//! Products compared with a big number library, up to the limits of the module documentation. Tests
//! are built with overflow checks.

use fastrand::Rng;
use num_bigint::BigInt;

use super::{P, R_SQUARED, cross, is_multiple, mul, mul_sub, sqr, sqr_sub, to_montgomery};
use crate::big::{below, limbs, modulo, signed, value};
use crate::limbs::{LIMB_MASK, Limbs, ZERO, canonical, from_words, is_below, normal, to_words};

/// A normal number between -`most` and `most` in units of p: random, or with extreme limbs.
fn normal_number(most: i32, rng: &mut Rng) -> Limbs {
    let full = LIMB_MASK as i32;
    let mut number: Limbs = core::array::from_fn(|_| match rng.u8(..4) {
        0 => 0,
        1 => full,
        _ => rng.i32(0..=full),
    });
    let top = most << 24;
    number[8] = match rng.u8(..4) {
        0 => top - 1,
        1 => -top,
        _ => rng.i32(-top..top),
    };
    number
}

/// All limbs extreme with the same or alternating signs, or random, below 2³⁰.
fn loose_number(most: i32, rng: &mut Rng) -> Limbs {
    let full = (1 << 30) - 1;
    let shape = rng.u8(..4);
    let mut number: Limbs = core::array::from_fn(|i| match shape {
        0 => full,
        1 => -full,
        2 if i % 2 == 0 => full,
        2 => -full,
        _ => rng.i32(-full..=full),
    });
    number[8] = rng.i32(-(most << 24)..most << 24);
    number
}

/// The result times R is the expected number modulo p, and the result is normal and within the third
/// bound: `least` and `most` are what is added to the products.
fn check(result: &Limbs, product: &BigInt, added: &BigInt) {
    let (p, r) = (value(&P), BigInt::from(1) << 261);
    let expected = modulo(product + added * &r, &p);
    assert_eq!(modulo(value(result) * &r, &p), expected);
    let [lower @ .., _] = result;
    assert!(lower.iter().all(|limb| (0..1 << 29).contains(limb)));
    let exact = value(result) - added;
    assert!(&exact * &r >= *product && &exact * &r < product + &p * &r);
}

#[test]
fn products() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..20_000 {
        let a = normal_number(15, &mut rng);
        let b = loose_number(31, &mut rng);
        let c = loose_number(31, &mut rng);
        let d = loose_number(31, &mut rng);
        let mut out = ZERO;
        mul(&mut out, &a, &b);
        check(&out, &(value(&a) * value(&b)), &BigInt::ZERO);
        mul(&mut out, &b, &a);
        check(&out, &(value(&a) * value(&b)), &BigInt::ZERO);
        mul_sub(&mut out, &a, &b, &c);
        check(&out, &(value(&a) * value(&b)), &-value(&c));
        sqr(&mut out, &a);
        check(&out, &(value(&a) * value(&a)), &BigInt::ZERO);
        sqr_sub(&mut out, &a, &c, &d);
        check(&out, &(value(&a) * value(&a)), &-(value(&c) + value(&d)));

        let (b, c) = (normal_number(15, &mut rng), normal_number(15, &mut rng));
        let e = normal_number(15, &mut rng);
        cross(&mut out, &a, &b, &c, &d, &e);
        let product = value(&a) * (value(&b) - value(&c)) - value(&d) * value(&e);
        check(&out, &product, &BigInt::ZERO);
    }
}

/// The largest columns that the bounds allow, with every combination of signs.
#[test]
fn largest_columns() {
    let full = LIMB_MASK as i32;
    let mut out = ZERO;
    for sign in [1, -1] {
        for other in [1, -1] {
            let a = [full; 9];
            let d = [sign * ((1 << 30) - 1); 9];
            mul(&mut out, &a, &d);
            mul_sub(&mut out, &d, &a, &d.map(|limb| other * limb));
            // b - c is ± full.
            let (b, c) = if other == 1 { (a, ZERO) } else { (ZERO, a) };
            cross(&mut out, &a, &b, &c, &d, &a);
        }
    }
}

#[test]
fn conversions() {
    let mut rng = Rng::with_seed(2);
    let p = value(&P);
    assert_eq!(value(&R_SQUARED), modulo(BigInt::from(1) << 522, &p));
    for _ in 0..5_000 {
        let a = below(&p, &mut rng);
        let form = to_montgomery(&limbs(&a));
        assert_eq!(value(&form), modulo(signed(a.clone()) << 261, &p));
        assert_eq!(from_words(to_words(&limbs(&a))), limbs(&a));
        let b = below(&p, &mut rng);
        assert_eq!(is_below(&limbs(&a), &limbs(&b)), a < b);

        let number = normal_number(15, &mut rng);
        let expected = modulo(value(&number), &p);
        assert_eq!(value(&canonical(&number, &P)), expected);
        assert_eq!(is_multiple(&number), expected == BigInt::ZERO);
    }
    for factor in -15_i64..=15 {
        let multiple = normal(&P.map(|limb| i64::from(limb) * factor));
        assert!(is_multiple(&multiple));
        assert_eq!(canonical(&multiple, &P), ZERO);
    }
}
