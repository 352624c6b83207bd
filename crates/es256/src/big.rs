//! Conversions for tests: limbs as big numbers, and numbers with extreme limbs.

use num_bigint::{BigInt, BigUint, Sign};

use crate::limbs::{LIMB_BITS, Limbs, from_be_bytes};

/// The value of limbs in any form.
pub(crate) fn value(limbs: &Limbs) -> BigInt {
    let of_limb = |(i, limb): (usize, &i32)| BigInt::from(*limb) << (i * LIMB_BITS as usize);
    limbs.iter().enumerate().map(of_limb).sum()
}

/// The limbs of a number below 2²⁵⁶.
pub(crate) fn limbs(number: &BigUint) -> Limbs {
    let bytes = number.to_bytes_be();
    let mut padded = [0; 32];
    padded[32 - bytes.len()..].copy_from_slice(&bytes);
    from_be_bytes(&padded)
}

/// The remainder that is at least 0.
pub(crate) fn modulo(number: BigInt, modulus: &BigInt) -> BigInt {
    ((number % modulus) + modulus) % modulus
}

/// A random number below 2²⁵⁶, in which runs of equal bits are frequent.
pub(crate) fn number(rng: &mut fastrand::Rng) -> BigUint {
    let mut bytes = [0_u8; 32];
    let mut run = None;
    for byte in &mut bytes {
        if rng.u8(..6) == 0 {
            run = [None, Some(0), Some(0xff)][rng.usize(..3)];
        }
        *byte = run.unwrap_or_else(|| rng.u8(..));
    }
    BigUint::from_bytes_be(&bytes)
}

/// The same, below a modulus.
pub(crate) fn below(modulus: &BigInt, rng: &mut fastrand::Rng) -> BigUint {
    let modulus = modulus.magnitude();
    match rng.u8(..8) {
        0 => modulus - 1_u8 - rng.u32(..4),
        1 => BigUint::from(rng.u32(..4)),
        _ => number(rng) % modulus,
    }
}

/// The signed form of a natural number.
pub(crate) fn signed(number: BigUint) -> BigInt {
    BigInt::from_biguint(Sign::Plus, number)
}
