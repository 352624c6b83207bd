//! Points of the curve y² = x³ - 3x + b, and their sums.
//!
//! Can be evaluated by the compiler, for the table of the generator. Not here: which points are
//! added ([`crate::comb`], [`crate::window`]), and sums that may be exceptional ([`crate::complete`]).
//!
//! # Exceptional sums
//!
//! The formulas for P + A are wrong if P = ±A or if one of them is the point at infinity. They do
//! not check this, but the error is visible at the end, because ZZ becomes 0 and stays 0:
//!
//! * If P = ±A, both have the same x, so x·ZZ - X = 0, and the new ZZ is a multiple of its square.
//! * If P is the point at infinity, its ZZ is 0, and the new ZZ is a multiple of ZZ.
//! * A doubling multiplies ZZ by 4Y². Y is never 0 for a point that is not infinity: such a point
//!   would have order 2, and the order of the group is an odd prime.
//!
//! Conversely ZZ is not 0 after sums that are not exceptional. A sum of two affine points divides by
//! x₂ - x₁, which is 0 exactly if the sum is exceptional; the product of all divisors shows it.
//!
//! # Bounds
//!
//! In units of p; see the third bound of [`crate::field`]. Coordinates of affine points: tables have
//! canonical ones, in [0, 1), and ±y of such a point is between -1 and 1. [`add_all`] returns x and y
//! between -2.2 and 2.2. Invariant of [`Point`]: |X| < 6.5, |Y| < 4, |ZZ| < 2, |ZZZ| < 2. The comments
//! below derive each from this invariant. The bounds are not tight.

use crate::division::divide;
use crate::field::{
    ONE, P, R_SQUARED, cross, is_multiple, mul, mul_sub, sqr, sqr_sub, times, to_montgomery,
};
use crate::limbs::{
    Limbs, ZERO, canonical, difference, from_be_bytes, from_words, is_below, is_zero, negated, sum,
    twice,
};

/// b of the curve's equation, in Montgomery form.
const B: Limbs = to_montgomery(&from_words([
    0x3bce_3c3e_27d2_604b,
    0x651d_06b0_cc53_b0f6,
    0xb3eb_bd55_7698_86bc,
    0x5ac6_35d8_aa3a_93e7,
]));

/// A point that is not infinity, with coordinates in Montgomery form.
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) x: Limbs,
    pub(crate) y: Limbs,
}

impl Affine {
    /// A value to be overwritten. It is not a point of the curve.
    pub(crate) const EMPTY: Self = Self { x: ZERO, y: ZERO };

    /// The generator G.
    pub(crate) const G: Self = Self {
        x: to_montgomery(&from_words([
            0xf4a1_3945_d898_c296,
            0x7703_7d81_2deb_33a0,
            0xf8bc_e6e5_63a4_40f2,
            0x6b17_d1f2_e12c_4247,
        ])),
        y: to_montgomery(&from_words([
            0xcbb6_4068_37bf_51f5,
            0x2bce_3357_6b31_5ece,
            0x8ee7_eb4a_7c0f_9e16,
            0x4fe3_42e2_fe1a_7f9b,
        ])),
    };

    /// Parses the coordinates of a point; `None` if one is not below p or the point is not on the
    /// curve. The group has prime order, so every point of the curve is in it, and infinity has no
    /// coordinates.
    pub(crate) fn parse(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (x, y) = (from_be_bytes(x), from_be_bytes(y));
        if !is_below(&x, &P) || !is_below(&y, &P) {
            return None;
        }
        let (x, y) = (to_montgomery(&x), to_montgomery(&y));
        // Products of canonical numbers are below 1.1, so the difference is between -4.1 and 5.2.
        let right = sum(&times(&times(&x, &x), &x), &sum(&B, &x, -3), 1);
        let difference = sum(&times(&y, &y), &right, -1);
        is_multiple(&difference).then_some(Self { x, y })
    }

    /// The point if `sign` is 0, its negative if it is -1. Its y is loose then.
    #[inline(always)]
    pub(crate) const fn signed(&self, sign: i32) -> Self {
        Self {
            x: self.x,
            y: negated(&self.y, sign),
        }
    }
}

/// A point in the coordinates XYZZ: x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ². Infinity has ZZ = 0.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: Limbs,
    pub(crate) y: Limbs,
    pub(crate) zz: Limbs,
    pub(crate) zzz: Limbs,
}

impl Point {
    /// The point at infinity.
    pub(crate) const INFINITY: Self = Self {
        x: ONE,
        y: ONE,
        zz: ZERO,
        zzz: ZERO,
    };

    /// The same point. A loose y becomes normal: it is a factor with loose numbers later.
    pub(crate) const fn new(affine: &Affine) -> Self {
        Self {
            x: affine.x,
            y: sum(&affine.y, &ZERO, 0),
            zz: ONE,
            zzz: ONE,
        }
    }

    /// Whether ZZ is 0: infinity, or the result of an exceptional sum.
    pub(crate) const fn is_infinity(&self) -> bool {
        is_multiple(&self.zz)
    }

    /// to = self + affine, unless the sum is exceptional; then ZZ becomes 0. y of `affine` may be
    /// loose.
    pub(crate) const fn add(&self, affine: &Affine, to: &mut Self) {
        let (mut p, mut r, mut pp, mut ppp, mut q) = (ZERO, ZERO, ZERO, ZERO, ZERO);
        // x·ZZ in (-0.2, 1.2), so |P| < 7.7.
        mul_sub(&mut p, &affine.x, &self.zz, &self.x);
        // y·ZZZ in (-0.2, 1.2), so |R| < 5.2.
        mul_sub(&mut r, &affine.y, &self.zzz, &self.y);
        // 7.7²/32 < 1.9: [0, 2.9).
        sqr(&mut pp, &p);
        // 7.7·2.9/32 < 0.7: (-0.7, 1.7).
        mul(&mut ppp, &p, &pp);
        // 6.5·2.9/32 < 0.6: (-0.6, 1.6).
        mul(&mut q, &self.x, &pp);
        // 2·2.9/32 < 0.2: (-0.2, 1.2).
        mul(&mut to.zz, &self.zz, &pp);
        // R² in [0, 1.9): above 0 - 1.7 - 3.2 = -4.9, below 1.9 + 0.7 + 1.2 = 3.8.
        sqr_sub(&mut to.x, &r, &ppp, &twice(&q));
        // 2·1.7/32 < 0.2: (-0.2, 1.2).
        mul(&mut to.zzz, &self.zzz, &ppp);
        // |Q - X| < 1.6 + 4.9 = 6.5. (5.2·6.5 + 4·1.7)/32 < 1.3: (-1.3, 2.3).
        cross(&mut to.y, &r, &q, &to.x, &self.y, &ppp);
    }

    /// to = 2·self. Infinity stays infinity.
    pub(crate) const fn double(&self, to: &mut Self) {
        let (mut yy, mut s, mut m, mut w) = (ZERO, ZERO, ZERO, ZERO);
        // 4²/32 = 0.5: [0, 1.5).
        sqr(&mut yy, &self.y);
        // 4Y² in [0, 6).
        let v = sum(&yy, &yy, 3);
        // 6.5·6/32 < 1.3: (-1.3, 2.3).
        mul(&mut s, &self.x, &v);
        // M = 3(X - ZZ)(X + ZZ), because a = -3. |X - ZZ| < 8.5, |3X + 3ZZ| < 25.5 and normal.
        // 8.5·25.5/32 < 6.8: (-6.8, 7.8).
        let triple = sum(&self.zz, &self.zz, 2);
        mul(
            &mut m,
            &difference(&self.x, &self.zz),
            &sum(&triple, &self.x, 3),
        );
        // M² in [0, 3): above 0 - 4.6 = -4.6, below 3 + 2.6 = 5.6.
        sqr_sub(&mut to.x, &m, &s, &s);
        // 6·2/32 < 0.4: (-0.4, 1.4).
        mul(&mut to.zz, &v, &self.zz);
        // W = 8Y³: 8·6/32 = 1.5: (-1.5, 2.5).
        mul(&mut w, &twice(&self.y), &v);
        // 2.5·2/32 < 0.2: (-0.2, 1.2).
        mul(&mut to.zzz, &w, &self.zzz);
        // M(S - X) - 8Y⁴ with 8Y⁴ = 2Y²·4Y². |S - X| < 6.9. (7.8·6.9 + 3·6)/32 < 2.3: (-2.3, 3.3).
        cross(&mut to.y, &m, &s, &to.x, &twice(&yy), &v);
    }

    /// Whether x of this point modulo n is r, for 1 ≤ r < n. Infinity has no x.
    ///
    /// x is below p < 2n, so it is r or r + n, the second only if that is below p.
    pub(crate) fn has_x(&self, r: &Limbs, n: &Limbs) -> bool {
        // x·ZZ = X, without an inversion. The product is in (-0.1, 1.1), the difference below 7.6.
        let is_x =
            |x: &Limbs| is_multiple(&sum(&times(&times(x, &R_SQUARED), &self.zz), &self.x, -1));
        let next = sum(r, n, 1);
        !self.is_infinity() && (is_x(r) || is_below(&next, &P) && is_x(&next))
    }
}

/// 1/a in Montgomery form: R²/(a·R) = a⁻¹·R. `None` for a multiple of p.
const fn inverse(a: &Limbs) -> Option<Limbs> {
    let a = canonical(a, &P);
    if is_zero(&a) {
        return None;
    }
    // -p⁻¹ is 1 modulo 2²⁹.
    Some(divide(&R_SQUARED, &a, &P, 1))
}

/// Writes the canonical affine form of all points, with one inversion. `false` if one is infinity;
/// the result is then incomplete. Both slices have the same length.
#[must_use]
pub(crate) const fn to_affine(points: &[Point], to: &mut [Affine]) -> bool {
    // The product of all ZZZ before each point is stored in its x.
    let (mut product, mut next) = (ONE, ZERO);
    let (mut points_left, mut to_left) = (points, &mut *to);
    while let ([point, points_rest @ ..], [affine, to_rest @ ..]) = (points_left, to_left) {
        affine.x = product;
        mul(&mut next, &product, &point.zzz);
        product = next;
        (points_left, to_left) = (points_rest, to_rest);
    }
    let Some(mut inverse) = inverse(&product) else {
        return false;
    };
    let (mut points_left, mut to_left) = (points, to);
    while let ([points_rest @ .., point], [to_rest @ .., affine]) = (points_left, to_left) {
        // All products here are of numbers below 2 in absolute value, so they are below 1.2.
        let over_zzz = times(&inverse, &affine.x);
        inverse = times(&inverse, &point.zzz);
        let over_z = times(&over_zzz, &point.zz);
        let over_zz = times(&over_z, &over_z);
        affine.x = canonical(&times(&point.x, &over_zz), &P);
        affine.y = canonical(&times(&point.y, &over_zzz), &P);
        (points_left, to_left) = (points_rest, to_rest);
    }
    true
}

/// sums[i] = left[i] + right[i], with one inversion; `right` is repeated if it is shorter. `false`
/// if one of the sums is exceptional; the result is then incomplete.
///
/// `left` and `right` have canonical coordinates, except that y may be negated. x and y of the sums
/// are normal and between -2.2 and 2.2.
#[must_use]
pub(crate) const fn add_all(left: &[Affine], right: &[Affine], sums: &mut [Affine]) -> bool {
    // The divisors are stored in x, the product of all divisors before in y.
    let (mut product, mut next) = (ONE, ZERO);
    let (mut lefts, mut rights, mut sums_left) = (left, right, &mut *sums);
    while let ([a, lefts_rest @ ..], [sum, sums_rest @ ..]) = (lefts, sums_left) {
        let [b, rights_rest @ ..] = rights else {
            return false;
        };
        // Limbs below 2²⁹, between -1 and 1. The products are below 1.1.
        sum.x = difference(&b.x, &a.x);
        sum.y = product;
        mul(&mut next, &product, &sum.x);
        product = next;
        rights = if rights_rest.is_empty() {
            right
        } else {
            rights_rest
        };
        (lefts, sums_left) = (lefts_rest, sums_rest);
    }
    let Some(mut inverse) = inverse(&product) else {
        return false;
    };
    // The lengths divide, so the last of `left` meets the last of `right`.
    let (mut lefts, mut rights, mut sums_left) = (left, right, sums);
    while let ([lefts_rest @ .., a], [sums_rest @ .., sum]) = (lefts, sums_left) {
        let [rights_rest @ .., b] = rights else {
            return false;
        };
        let (mut over, mut slope) = (ZERO, ZERO);
        mul(&mut over, &inverse, &sum.y);
        mul(&mut next, &inverse, &sum.x);
        inverse = next;
        // y₂ - y₁ is between -2 and 2, with limbs below 2³⁰. 2·1.1/32 < 0.1: (-0.1, 1.1).
        mul(&mut slope, &over, &difference(&b.y, &a.y));
        // 1.1²/32 < 0.1: above 0 - 2, below 1.1.
        sqr_sub(&mut sum.x, &slope, &a.x, &b.x);
        // x₁ - x in (-1.1, 3), with limbs below 2²⁹. 1.1·3/32 < 0.2: above -0.2 - 1, below 1.2 + 1.
        mul_sub(&mut sum.y, &slope, &difference(&a.x, &sum.x), &a.y);
        rights = if rights_rest.is_empty() {
            right
        } else {
            rights_rest
        };
        (lefts, sums_left) = (lefts_rest, sums_rest);
    }
    true
}
