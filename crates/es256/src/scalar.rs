//! Arithmetic modulo n, the order of the group, and the scalars of a verification.
//!
//! Not here: which points they multiply ([`crate::verify`]).
//!
//! # Bounds
//!
//! The Montgomery product of a and b is (a·b + q·n) / R with R = 2²⁶¹ and q < R. Both factors are at
//! least 0, so a column has at most 18 products of limbs below 2²⁹, one carry below 2³⁴, and is below
//! 18·2⁵⁸ + 2³⁴ < 2⁶³. For a < 2²⁵⁶ and b < 2²⁵⁷ the result is below 2²⁵² + n < 2²⁵⁷: normal, and a
//! valid factor again.

use crate::division::divide;
use crate::limbs::{
    LIMB_BITS, LIMB_MASK, Limbs, UNIT, ZERO, canonical, each, from_be_bytes, from_words, is_below,
    normal, row, shifted, sum, to_words,
};

/// The order n, a prime.
pub(crate) const N: Limbs = from_words([
    0xf3b9_cac2_fc63_2551,
    0xbce6_faad_a717_9e84,
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
]);

/// -n⁻¹ mod 2²⁹. Newton's iteration doubles the number of correct bits, 3 for n itself.
const NEGATED_INVERSE: i64 = {
    let n = N[0] as i64;
    let (mut inverse, mut bits) = (n, 3);
    while bits < LIMB_BITS {
        inverse = inverse.wrapping_mul(2_i64.wrapping_sub(n.wrapping_mul(inverse))) & LIMB_MASK;
        bits *= 2;
    }
    -inverse & LIMB_MASK
};

/// R²/2 mod n = 2⁵²¹ mod n.
const HALF_R_SQUARED: Limbs = shifted(&UNIT, 521, &N);

/// 1/2 mod n = (n + 1)/2 = n - (n - 1)/2.
const HALF: Limbs = {
    // (n - 1)/2: n is odd, so it is n shifted by a bit.
    let [w0, w1, w2, w3] = to_words(&N);
    let shifted = [
        w0 >> 1 | w1 << 63,
        w1 >> 1 | w2 << 63,
        w2 >> 1 | w3 << 63,
        w3 >> 1,
    ];
    sum(&N, &from_words(shifted), -1)
};

/// (2^bits - 1)/2 mod n, canonical.
pub(crate) const fn half_of_ones(bits: u32) -> Limbs {
    canonical(&sum(&shifted(&UNIT, bits - 1, &N), &HALF, -1), &N)
}

/// a·b/R mod n, below 2²⁵⁷, for 0 ≤ a < 2²⁵⁶ and 0 ≤ b < 2²⁵⁷.
#[inline(never)]
fn product(a: &Limbs, b: &Limbs) -> Limbs {
    let mut t = [0_i64; 18];
    macro_rules! step {
        ($i:literal) => {{
            row!(t, $i, i64::from(a[$i]), b);
            let q = (t[$i] & LIMB_MASK) * NEGATED_INVERSE & LIMB_MASK;
            row!(t, $i, q, N);
            t[$i + 1] += t[$i] >> LIMB_BITS;
        }};
    }
    let _: [(); 9] = each!(step);
    let [_, _, _, _, _, _, _, _, _, upper @ ..] = t;
    normal(&upper)
}

/// Half of a scalar, modulo n; at least 0 and below 2²⁵⁷. Combs begin with the half.
#[derive(Clone, Copy)]
pub(crate) struct Half(Limbs);

impl Half {
    /// The words of half the scalar plus a canonical number, modulo n.
    pub(crate) fn words_plus(&self, offset: &Limbs) -> [u64; 4] {
        to_words(&canonical(&sum(&self.0, offset, 1), &N))
    }

    /// The words of the scalar, below n.
    pub(crate) fn whole(&self) -> [u64; 4] {
        to_words(&canonical(&sum(&self.0, &self.0, 1), &N))
    }
}

/// The numbers of a verification: x(u₁·G + u₂·Q) must be r modulo n.
pub(crate) struct Scalars {
    /// As in the signature: at least 1 and below n.
    pub(crate) r: Limbs,
    /// Half of u₁ = digest / s.
    pub(crate) u1: Half,
    /// Half of u₂ = r / s. It is not zero, because r is not.
    pub(crate) u2: Half,
}

impl Scalars {
    /// Parses a signature, r and s as 32 bytes each; `None` unless both are at least 1 and below n.
    ///
    /// An s above n/2 is valid, as in RFC 7518: signers do not normalize it.
    pub(crate) fn new(digest: &[u8; 32], signature: &[u8]) -> Option<Self> {
        let ([r, s], []) = signature.as_chunks() else {
            return None;
        };
        let (r, s) = (from_be_bytes(r), from_be_bytes(s));
        let is_valid = |number: &Limbs| *number != ZERO && is_below(number, &N);
        if !is_valid(&r) || !is_valid(&s) {
            return None;
        }
        // R²/(2s), then R/(2s), so that a product with it is half of a quotient. The digest may be
        // above n; it is below 2²⁵⁶ as the product requires.
        let inverse = divide(&HALF_R_SQUARED, &s, &N, NEGATED_INVERSE);
        let inverse = product(&inverse, &UNIT);
        Some(Self {
            u1: Half(product(&from_be_bytes(digest), &inverse)),
            u2: Half(product(&r, &inverse)),
            r,
        })
    }
}
