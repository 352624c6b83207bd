//! Numbers of up to 261 bits, as nine signed limbs of 29 bits, lowest first.
//!
//! Addition, comparison, conversion, and reduction to the canonical form. Not here: multiplication
//! ([`crate::field`], [`crate::scalar`]).
//!
//! A limb is stored in 32 bits and multiplied in 64, the widest product that WASM has. Limbs are
//! signed, so that a difference needs no multiple of the modulus.
//!
//! # Forms
//!
//! * *Normal:* limbs 0 to 7 are in [0, 2²⁹). Limb 8 has the sign. If the number is between -31·2²⁵⁶
//!   and 31·2²⁵⁶, limb 8 is between -31·2²⁴ - 1 and 31·2²⁴, so its absolute value is below 2²⁹.
//! * *Loose:* all limbs are between -2³⁰ and 2³⁰, without these. The functions [`difference`],
//!   [`twice`] and [`negated`] return this form. Their results are used once, as a factor or as an
//!   addend; [`crate::field`] states where.
//! * *Canonical:* normal, and at least 0 and below the modulus. This form is unique.

/// Bits in a limb.
pub(crate) const LIMB_BITS: u32 = 29;
/// All bits of a limb.
pub(crate) const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;

/// A number; the comment of each value states its form.
pub(crate) type Limbs = [i32; 9];
/// Nine sums before their carries.
pub(crate) type Sums = [i64; 9];

/// Zero, the only canonical form of it.
pub(crate) const ZERO: Limbs = [0; 9];
/// One.
pub(crate) const UNIT: Limbs = [1, 0, 0, 0, 0, 0, 0, 0, 0];

/// Calls a macro with each index of a limb, and returns the array of the results.
///
/// Literal indices are checked by the compiler, and functions with loops that the compiler does not
/// unroll are several times slower.
macro_rules! each {
    ($limb:ident) => {
        [
            $limb!(0),
            $limb!(1),
            $limb!(2),
            $limb!(3),
            $limb!(4),
            $limb!(5),
            $limb!(6),
            $limb!(7),
            $limb!(8),
        ]
    };
}
pub(crate) use each;

/// Adds a row of a product: one limb times all limbs of a number.
macro_rules! row {
    ($t:ident, $i:literal, $limb:expr, $b:ident) => {
        let limb: i64 = $limb;
        $t[$i] += limb * $b[0] as i64;
        $t[$i + 1] += limb * $b[1] as i64;
        $t[$i + 2] += limb * $b[2] as i64;
        $t[$i + 3] += limb * $b[3] as i64;
        $t[$i + 4] += limb * $b[4] as i64;
        $t[$i + 5] += limb * $b[5] as i64;
        $t[$i + 6] += limb * $b[6] as i64;
        $t[$i + 7] += limb * $b[7] as i64;
        $t[$i + 8] += limb * $b[8] as i64;
    };
}
pub(crate) use row;

/// Carries, and returns the normal form.
///
/// Each sum must be below 2⁶² in absolute value. A carry is then below 2³³ + 1, and nothing
/// overflows. Limb 8 must fit, which the bound of the number ensures (see above).
#[inline(always)]
pub(crate) const fn normal(sums: &Sums) -> Limbs {
    let [s0, s1, s2, s3, s4, s5, s6, s7, s8] = *sums;
    let s1 = s1 + (s0 >> LIMB_BITS);
    let s2 = s2 + (s1 >> LIMB_BITS);
    let s3 = s3 + (s2 >> LIMB_BITS);
    let s4 = s4 + (s3 >> LIMB_BITS);
    let s5 = s5 + (s4 >> LIMB_BITS);
    let s6 = s6 + (s5 >> LIMB_BITS);
    let s7 = s7 + (s6 >> LIMB_BITS);
    let s8 = s8 + (s7 >> LIMB_BITS);
    [
        (s0 & LIMB_MASK) as i32,
        (s1 & LIMB_MASK) as i32,
        (s2 & LIMB_MASK) as i32,
        (s3 & LIMB_MASK) as i32,
        (s4 & LIMB_MASK) as i32,
        (s5 & LIMB_MASK) as i32,
        (s6 & LIMB_MASK) as i32,
        (s7 & LIMB_MASK) as i32,
        s8 as i32,
    ]
}

/// a + factor·b, normal. `a` and `b` are normal or loose, `factor` is small.
pub(crate) const fn sum(a: &Limbs, b: &Limbs, factor: i64) -> Limbs {
    macro_rules! limb {
        ($i:literal) => {
            a[$i] as i64 + factor * b[$i] as i64
        };
    }
    normal(&each!(limb))
}

/// a - b, loose. Both are normal and between -15·2²⁵⁶ and 15·2²⁵⁶: then all limbs of the result are
/// even below 2²⁹ in absolute value. If the limbs 0 to 7 of a or b are negated, they are below 2³⁰.
#[inline(always)]
pub(crate) const fn difference(a: &Limbs, b: &Limbs) -> Limbs {
    macro_rules! limb {
        ($i:literal) => {
            a[$i] - b[$i]
        };
    }
    each!(limb)
}

/// 2·a, loose, for a normal number.
#[inline(always)]
pub(crate) const fn twice(a: &Limbs) -> Limbs {
    macro_rules! limb {
        ($i:literal) => {
            2 * a[$i]
        };
    }
    each!(limb)
}

/// a if `sign` is 0, -a if it is -1. Loose, for a normal number.
#[inline(always)]
pub(crate) const fn negated(a: &Limbs, sign: i32) -> Limbs {
    macro_rules! limb {
        ($i:literal) => {
            (a[$i] ^ sign) - sign
        };
    }
    each!(limb)
}

/// Whether a normal number is negative: the other limbs are not.
pub(crate) const fn is_negative(a: &Limbs) -> bool {
    a[8] < 0
}

/// Whether a < b, for normal numbers.
pub(crate) const fn is_below(a: &Limbs, b: &Limbs) -> bool {
    is_negative(&sum(a, b, -1))
}

/// Whether a number in canonical form is zero.
pub(crate) const fn is_zero(a: &Limbs) -> bool {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = *a;
    (a0 | a1 | a2 | a3 | a4 | a5 | a6 | a7 | a8) == 0
}

/// The canonical form of a normal number. It takes one step per multiple of the modulus, of which
/// there are at most 16.
pub(crate) const fn canonical(a: &Limbs, modulus: &Limbs) -> Limbs {
    let mut number = *a;
    while is_negative(&number) {
        number = sum(&number, modulus, 1);
    }
    loop {
        let less = sum(&number, modulus, -1);
        if is_negative(&less) {
            return number;
        }
        number = less;
    }
}

/// a·2^exponent in canonical form, for a canonical number.
pub(crate) const fn shifted(a: &Limbs, exponent: u32, modulus: &Limbs) -> Limbs {
    let mut number = *a;
    let mut left = exponent;
    while left > 0 {
        number = canonical(&sum(&number, &number, 1), modulus);
        left -= 1;
    }
    number
}

/// The number with these words, lowest first. Normal, and below 2²⁵⁶.
pub(crate) const fn from_words(words: [u64; 4]) -> Limbs {
    let [w0, w1, w2, w3] = words;
    const fn limb(bits: u64) -> i32 {
        (bits & LIMB_MASK as u64) as i32
    }
    [
        limb(w0),
        limb(w0 >> 29),
        limb(w0 >> 58 | w1 << 6),
        limb(w1 >> 23),
        limb(w1 >> 52 | w2 << 12),
        limb(w2 >> 17),
        limb(w2 >> 46 | w3 << 18),
        limb(w3 >> 11),
        limb(w3 >> 40),
    ]
}

/// The words of a normal number that is at least 0 and below 2²⁵⁶, lowest first.
pub(crate) const fn to_words(a: &Limbs) -> [u64; 4] {
    macro_rules! limb {
        ($i:literal) => {
            a[$i] as u64
        };
    }
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = each!(limb);
    [
        a0 | a1 << 29 | a2 << 58,
        a2 >> 6 | a3 << 23 | a4 << 52,
        a4 >> 12 | a5 << 17 | a6 << 46,
        a6 >> 18 | a7 << 11 | a8 << 40,
    ]
}

/// Parses a big-endian number.
pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Limbs {
    let mut words = [0; 4];
    let (chunks, _) = bytes.as_chunks();
    for (word, chunk) in words.iter_mut().rev().zip(chunks) {
        *word = u64::from_be_bytes(*chunk);
    }
    from_words(words)
}

/// Bit `at` of words, 0 above them.
#[inline(always)]
pub(crate) fn bit(words: &[u64; 4], at: usize) -> usize {
    let word = words.get(at / 64).copied().unwrap_or(0);
    (word >> (at % 64)) as usize & 1
}
