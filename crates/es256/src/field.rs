//! Arithmetic modulo p = 2²⁵⁶ - 2²²⁴ + 2¹⁹² + 2⁹⁶ - 1, the prime of the coordinates.
//!
//! Products with Montgomery's method. Everything can be evaluated by the compiler, for the table of
//! the generator. Not here: what the numbers mean ([`crate::point`]), and inversion
//! ([`crate::division`]).
//!
//! # Method
//!
//! β = 2²⁹ is the base of a limb and R = β⁹ = 2²⁶¹. A number x is stored as x·R mod p. The
//! Montgomery product of a and b is (a·b + q·p) / R with q < R. Column c of a product is the sum of
//! all aᵢ·bⱼ with i + j = c, before any carry. p is -1 modulo β, so the quotient limb qᵢ that makes
//! column i divisible by β is the column itself modulo β, without a multiplication; and qᵢ·p is
//! -qᵢ in column i and four shifts: 2⁹⁶ = β³·2⁹, 2¹⁹² = β⁶·2¹⁸, 2²²⁴ = β⁷·2²¹, 2²⁵⁶ = β⁸·2²⁴.
//! Subtracting qᵢ leaves column i with the bits above the lowest 29, which are carried.
//!
//! Row i of a product adds to the columns i to i + 8 and thereby completes column i, so each row is
//! followed by the reduction of one column. Two products can share a reduction ([`cross`]), and
//! numbers that are added to the result join the upper columns before their carries.
//!
//! # Bounds
//!
//! 1. *Columns.* A column has at most nine products of limbs. With one normal and one loose factor
//!    each is below 2²⁹·2³⁰ = 2⁵⁹ in absolute value, so the column is below 9·2⁵⁹ < 2⁶²·². In
//!    [`cross`], a·(b - c) has limbs below 2²⁹ in both factors ([`difference`]) and d·e may have a
//!    loose d: 9·2⁵⁸ + 9·2⁵⁹ < 2⁶²·⁸. A square has normal factors: 9·2⁵⁸, some of the terms doubled
//!    instead of added twice.
//! 2. *Quotients and carries.* A column gets at most one term of each of the four shifts, together
//!    below 2²⁹·(2⁹ + 2¹⁸ + 2²¹ + 2²⁴) < 2⁵³·³, one carry below 2⁶³⁻²⁹ = 2³⁴, and addends, each below
//!    2³⁰ (at most two). So a column is below 2⁶²·⁸ + 2⁵⁴ < 2⁶³ at any time, whatever the order. The
//!    carries of the result are as small.
//! 3. *Values.* In units of p, with R/p > 32: for |a| < α and |b| < β the result of the reduction is
//!    (a·b + q·p) / R with 0 ≤ q < R, so it is above -αβ/32 and below αβ/32 + 1. This is the rule with
//!    which [`crate::point`] bounds its values; they all stay between -31 and 31, as the normal form
//!    requires.

use crate::limbs::{
    LIMB_BITS, LIMB_MASK, Limbs, Sums, UNIT, canonical, each, from_words, is_zero, normal, row,
    shifted,
};

/// The prime p.
pub(crate) const P: Limbs = from_words([
    0xffff_ffff_ffff_ffff,
    0x0000_0000_ffff_ffff,
    0,
    0xffff_ffff_0000_0001,
]);

/// 1 in Montgomery form: R mod p.
pub(crate) const ONE: Limbs = shifted(&UNIT, 261, &P);

/// R² mod p: the product with it converts a number to Montgomery form.
pub(crate) const R_SQUARED: Limbs = shifted(&UNIT, 522, &P);

/// Adds row i of a square: each product of two different limbs once and doubled. It begins in
/// column 2i; earlier rows have the other products of the columns before.
macro_rules! square_row {
    ($t:ident, $a:ident, $i:literal: $($j:literal)*) => {
        let limb = $a[$i] as i64;
        $t[2 * $i] += limb * limb;
        $( $t[$i + $j] += 2 * limb * $a[$j] as i64; )*
    };
}

/// Makes column i zero: adds qᵢ·p and carries.
macro_rules! reduce {
    ($t:ident, $i:literal) => {
        let q = $t[$i] & LIMB_MASK;
        $t[$i + 1] += $t[$i] >> LIMB_BITS;
        $t[$i + 3] += q << 9;
        $t[$i + 6] += q << 18;
        $t[$i + 7] -= q << 21;
        $t[$i + 8] += q << 24;
    };
}

/// The columns of the result.
#[inline(always)]
const fn upper(columns: &[i64; 18]) -> Sums {
    let [_, _, _, _, _, _, _, _, _, upper @ ..] = *columns;
    upper
}

/// Subtracts a number from the columns of the result.
#[inline(always)]
const fn less(columns: &Sums, b: &Limbs) -> Sums {
    macro_rules! limb {
        ($i:literal) => {
            columns[$i] - b[$i] as i64
        };
    }
    each!(limb)
}

/// The columns of a·b after the reduction.
#[inline(always)]
const fn product(a: &Limbs, b: &Limbs) -> Sums {
    let mut t = [0; 18];
    macro_rules! step {
        ($i:literal) => {{
            row!(t, $i, a[$i] as i64, b);
            reduce!(t, $i);
        }};
    }
    let _: [(); 9] = each!(step);
    upper(&t)
}

/// The columns of a² after the reduction.
#[inline(always)]
const fn square(a: &Limbs) -> Sums {
    let mut t = [0; 18];
    square_row!(t, a, 0: 1 2 3 4 5 6 7 8);
    reduce!(t, 0);
    square_row!(t, a, 1: 2 3 4 5 6 7 8);
    reduce!(t, 1);
    square_row!(t, a, 2: 3 4 5 6 7 8);
    reduce!(t, 2);
    square_row!(t, a, 3: 4 5 6 7 8);
    reduce!(t, 3);
    square_row!(t, a, 4: 5 6 7 8);
    reduce!(t, 4);
    square_row!(t, a, 5: 6 7 8);
    reduce!(t, 5);
    square_row!(t, a, 6: 7 8);
    reduce!(t, 6);
    square_row!(t, a, 7: 8);
    reduce!(t, 7);
    square_row!(t, a, 8:);
    reduce!(t, 8);
    upper(&t)
}

// These five are all that points use. They write their result through a reference and are not
// inlined: in V8, results by value stall, inlined products get bad registers, and more functions
// exceed the instruction cache. Each of these costs a quarter to a half of the speed.

/// out = a·b. One factor may be loose. Normal.
#[inline(never)]
pub(crate) const fn mul(out: &mut Limbs, a: &Limbs, b: &Limbs) {
    *out = normal(&product(a, b));
}

/// out = a·b - c. One factor and `c` may be loose. Normal.
#[inline(never)]
pub(crate) const fn mul_sub(out: &mut Limbs, a: &Limbs, b: &Limbs, c: &Limbs) {
    *out = normal(&less(&product(a, b), c));
}

/// out = a². Normal, as `a` must be.
#[inline(never)]
pub(crate) const fn sqr(out: &mut Limbs, a: &Limbs) {
    *out = normal(&square(a));
}

/// out = a² - b - c. `b` and `c` may be loose. Normal.
#[inline(never)]
pub(crate) const fn sqr_sub(out: &mut Limbs, a: &Limbs, b: &Limbs, c: &Limbs) {
    *out = normal(&less(&less(&square(a), b), c));
}

/// out = a·(b - c) - d·e. Only `d` may be loose; `b` and `c` are between -15 and 15. Normal.
#[inline(never)]
pub(crate) const fn cross(out: &mut Limbs, a: &Limbs, b: &Limbs, c: &Limbs, d: &Limbs, e: &Limbs) {
    let mut t = [0; 18];
    macro_rules! step {
        ($i:literal) => {{
            row!(t, $i, b[$i] as i64 - c[$i] as i64, a);
            row!(t, $i, -(d[$i] as i64), e);
            reduce!(t, $i);
        }};
    }
    let _: [(); 9] = each!(step);
    *out = normal(&upper(&t));
}

/// a·b by value, where speed does not matter.
pub(crate) const fn times(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = [0; 9];
    mul(&mut out, a, b);
    out
}

/// The canonical Montgomery form of a number below p.
pub(crate) const fn to_montgomery(a: &Limbs) -> Limbs {
    canonical(&times(a, &R_SQUARED), &P)
}

/// Whether a normal number is a multiple of p. It must be between -16 and 16.
pub(crate) const fn is_multiple(a: &Limbs) -> bool {
    is_zero(&canonical(a, &P))
}

#[cfg(test)]
mod tests;
