//! Division modulo p or n, with the division steps of Bernstein and Yang.
//!
//! "Fast constant-time gcd computation and modular inversion" (2019), in the form of libsecp256k1
//! for public numbers: 29 steps at a time are computed from the low bits alone, and then applied to
//! the whole numbers as a matrix. Can be evaluated by the compiler.
//!
//! # Bounds
//!
//! 1. *Steps.* f = m and g = a are below 2²⁵⁶, and m is an odd prime. By theorem 11.2 of the paper g is
//!    0 after ⌊(49·256 + 57) / 17⌋ = 741 steps, and f is then ± the greatest common divisor, which is 1
//!    for 0 < a < m. 26 batches are 754 steps, so g is 0 when the loop ends.
//! 2. *Matrix.* After k steps |u| + |v| ≤ 2ᵏ and |q| + |r| ≤ 2ᵏ: a step doubles one row and adds the
//!    other or not. So |u| + |v| ≤ 2²⁹.
//! 3. *f and g.* They never exceed 2²⁵⁶ in absolute value, so they are normal with a limb 8 of at most
//!    24 bits and a sign.
//! 4. *d and e.* d' = (u·d + v·e + k·m) / 2²⁹ with |k| ≤ 2²⁸, so max(|d'|, |e'|) ≤ max(|d|, |e|) + m/2.
//!    They begin below m; after 26 batches they are below 14·m. Limb 8 is below 14·2²⁴ < 2²⁸, and
//!    [`canonical`] gets a number between -16·m and 16·m.
//! 5. *Columns.* A column of x·p + y·q + m·k is below 2²⁹·(2²⁹ + 2²⁸) = 1.5·2⁵⁸, and the carry below
//!    2³¹, so 64 bits never overflow.

use crate::limbs::{LIMB_BITS, LIMB_MASK, Limbs, Sums, canonical, each, is_zero, normal};

/// The matrix of 29 division steps: 2²⁹·f' = u·f + v·g and 2²⁹·g' = q·f + r·g.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// numerator / denominator modulo an odd prime, in canonical form; 0 if the denominator is 0.
///
/// Both are canonical. `inverse` is -m⁻¹ mod 2²⁹.
pub(crate) const fn divide(
    numerator: &Limbs,
    denominator: &Limbs,
    modulus: &Limbs,
    inverse: i64,
) -> Limbs {
    let m = wide(modulus);
    // Invariant: d·denominator = f·numerator and e·denominator = g·numerator, modulo m.
    let (mut f, mut g) = (m, wide(denominator));
    let (mut d, mut e) = ([0; 9], wide(numerator));
    let mut eta = -1;
    let mut batches = 0;
    while batches < 26 && !is_zero(&narrow(&g)) {
        let matrix = steps(&mut eta, low(&f), low(&g));
        let Matrix { u, v, q, r } = matrix;
        let (k_d, k_e) = (lift(&d, &e, u, v, inverse), lift(&d, &e, q, r, inverse));
        (d, e) = (
            combined(&d, &e, &m, (u, v, k_d)),
            combined(&d, &e, &m, (q, r, k_e)),
        );
        (f, g) = (
            combined(&f, &g, &m, (u, v, 0)),
            combined(&f, &g, &m, (q, r, 0)),
        );
        batches += 1;
    }
    // f is 1 or -1, or m if the denominator is 0; d is then still 0.
    let sign = if f[8] < 0 { -1 } else { 1 };
    macro_rules! limb {
        ($i:literal) => {
            sign * d[$i]
        };
    }
    canonical(&normal(&each!(limb)), modulus)
}

const fn wide(a: &Limbs) -> Sums {
    macro_rules! limb {
        ($i:literal) => {
            a[$i] as i64
        };
    }
    each!(limb)
}

const fn narrow(a: &Sums) -> Limbs {
    macro_rules! limb {
        ($i:literal) => {
            a[$i] as i32
        };
    }
    each!(limb)
}

/// The lowest 58 bits, of which 29 steps use 29.
const fn low(a: &Sums) -> u64 {
    (a[0] | a[1] << LIMB_BITS) as u64
}

/// The multiple of m, at most 2²⁸ in absolute value, that makes x·p + y·q divisible by 2²⁹.
const fn lift(x: &Sums, y: &Sums, p: i64, q: i64, inverse: i64) -> i64 {
    let column = (x[0] * p + y[0] * q) & LIMB_MASK;
    let multiple = (column * inverse) & LIMB_MASK;
    if multiple > LIMB_MASK >> 1 {
        multiple - LIMB_MASK - 1
    } else {
        multiple
    }
}

/// (x·p + y·q + m·k) / 2²⁹, normal. The division is exact.
#[inline(always)]
const fn combined(x: &Sums, y: &Sums, m: &Sums, factors: (i64, i64, i64)) -> Sums {
    let (p, q, k) = factors;
    macro_rules! column {
        ($i:literal) => {
            x[$i] * p + y[$i] * q + m[$i] * k
        };
    }
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8] = each!(column);
    let c1 = c1 + (c0 >> LIMB_BITS);
    let c2 = c2 + (c1 >> LIMB_BITS);
    let c3 = c3 + (c2 >> LIMB_BITS);
    let c4 = c4 + (c3 >> LIMB_BITS);
    let c5 = c5 + (c4 >> LIMB_BITS);
    let c6 = c6 + (c5 >> LIMB_BITS);
    let c7 = c7 + (c6 >> LIMB_BITS);
    let c8 = c8 + (c7 >> LIMB_BITS);
    [
        c1 & LIMB_MASK,
        c2 & LIMB_MASK,
        c3 & LIMB_MASK,
        c4 & LIMB_MASK,
        c5 & LIMB_MASK,
        c6 & LIMB_MASK,
        c7 & LIMB_MASK,
        c8 & LIMB_MASK,
        c8 >> LIMB_BITS,
    ]
}

/// 29 division steps on the low bits. `eta` is -δ of the paper.
const fn steps(eta: &mut i32, f: u64, g: u64) -> Matrix {
    let (mut f, mut g) = (f, g);
    let (mut u, mut v, mut q, mut r) = (1_i64, 0_i64, 0_i64, 1_i64);
    let mut left = LIMB_BITS;
    loop {
        // All steps with an even g at once. The bits above limit them to the steps that are left.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        *eta -= zeros as i32;
        left -= zeros;
        if left == 0 {
            return Matrix { u, v, q, r };
        }
        if *eta < 0 {
            *eta = -*eta;
            (f, g) = (g, f.wrapping_neg());
            (u, v, q, r) = (q, r, -u, -v);
        }
        // The next eta + 1 steps do not swap, so adding a multiple of f cancels as many bits of g,
        // at most six at once: f·(f² - 2) is -1/f modulo 2⁶, because f² is 1 modulo 8.
        let free = *eta as u32 + 1;
        let free = if free < left { free } else { left };
        let free = if free < 6 { free } else { 6 };
        let multiple = f
            .wrapping_mul(g)
            .wrapping_mul(f.wrapping_mul(f).wrapping_sub(2))
            & ((1 << free) - 1);
        g = g.wrapping_add(f.wrapping_mul(multiple));
        q += u * multiple as i64;
        r += v * multiple as i64;
    }
}

#[cfg(test)]
mod tests;
