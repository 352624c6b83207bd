//! Multiplication and powers modulo an odd number, with Montgomery's method.
//!
//! For public numbers only: the time depends on them. Not here: the meaning of the numbers.
//!
//! # Method
//!
//! β = 2²⁷ is the base of a limb, L = 4·N the number of limbs for this modulus n, and R = βᴸ. The
//! Montgomery product of a and b is (a·b + q·n) / R, where q < R is the only number that makes the
//! division exact. It is computed from the lowest limb up: qᵢ = -n₀⁻¹·(the current sum of column i)
//! mod β makes column i of a·b + q·n divisible by β. Column c of a product is the sum of all xᵢ·yⱼ
//! with i + j = c, before any carry.
//!
//! Four columns are summed at once, in [`Sums`]: block k of columns is 4k … 4k + 3. Block m of one
//! factor is its limbs 4m … 4m + 3. In column 4k + c they are multiplied by the limbs 4(k - m) + c
//! and the three below it of the other factor. Copies of the other factor contain these limbs as
//! vectors ([`Backwards`]), so that the sum consists of inner products.
//!
//! A limb has 27 bits and not 28, because then 2048 + 2 bits still fit into 19 blocks, and all sums
//! stay below 2⁶³ up to 4096 bits. This saves carries: one per column instead of one per product.
//!
//! # Bounds
//!
//! Let w be the bit length of n, 2048 ≤ w ≤ 4096, and N = ⌈(w + 2) / 108⌉.
//!
//! 1. *Room.* R = 2¹⁰⁸ᴺ ≥ 2ʷ⁺² > 4n. N ≤ ⌈4098 / 108⌉ = 38, so L ≤ 152.
//! 2. *Factors.* If a < 2n and b < 2n then (a·b + q·n) / R < (4n² + R·n) / R = n·(4n/R + 1) < 2n by 1.
//!    So products can be factors again without a subtraction. 2n < R, so L limbs are sufficient.
//! 3. *Limbs.* Every limb is at most β - 1: of a, b and n by [`Number`]'s invariant, of q and the
//!    result because each is masked when it is computed.
//! 4. *Column sums.* A column of a·b has at most L terms, each at most (β - 1)² < 2⁵⁴; so has a column
//!    of q·n. Together they are below 304·2⁵⁴ < 2⁶²·³. A square has the same terms, some of them
//!    doubled instead of added twice. All terms are positive, so partial sums are below that, too.
//! 5. *Carry.* The carry into column 0 is 0. If the carry into a column is below 2³⁷, then column and
//!    carry are together below 2⁶²·³ + 2³⁷ < 2⁶³, and the carry out of it is below 2⁶³⁻²⁷ = 2³⁶. So all
//!    carries are below 2³⁷, all totals below 2⁶³, and 64 bits never overflow.
//!    carries are below 2³⁷, all totals are below 2⁶³, and 64 bits never overflow.
//! 6. *Columns.* i + j ≤ 2L - 2, so the 2N blocks of columns contain all products, and the last column
//!    contains only a carry. The lower L columns end as zero, which is the division by R. The upper L are
//! 7. *Last step.* With a < 2n and b < n the result is below n·(2n/R + 1) < 2n, so one subtraction,
//!    if any, brings it below n.

use core::ops::Range;

use crate::exponent::Exponent;
use crate::lanes::{Quad, Sums};
use crate::number::{BLOCK_BITS, LIMB_BITS, LIMB_MASK, MAX_BLOCKS, Number};

/// An odd modulus with precomputed values.
#[derive(Clone)]
pub(crate) struct Modulus {
    n: Number,
    backwards: Backwards,
    /// N in the module documentation.
    blocks: usize,
    /// -n₀⁻¹ mod 2³², of which the lower 27 bits are used.
    negated_inverse: u32,
    /// R² mod n: the Montgomery product with it converts a number to Montgomery form.
    r_squared: Number,
}

impl Modulus {
    /// Prepares an odd modulus of exactly `bits` bits, from 2048 to 4096.
    pub(crate) fn new(n: Number, bits: usize) -> Self {
        let blocks = (bits + 2).div_ceil(BLOCK_BITS).min(MAX_BLOCKS);
        let [[lowest, ..], ..] = n.blocks;
        // Newton's iteration doubles the number of correct bits. An odd number is its own inverse
        // mod 8, so the number of bits is 3, then 6, 12, 24, 48.
        let inverse = (0..4).fold(lowest, |inverse, _| {
            inverse.wrapping_mul(2_u32.wrapping_sub(lowest.wrapping_mul(inverse)))
        });
        let mut modulus = Self {
            backwards: Backwards::new(&n),
            n,
            blocks,
            negated_inverse: inverse.wrapping_neg(),
            r_squared: Number::ZERO,
        };
        modulus.r_squared = modulus.square_of_r(bits);
        modulus
    }

    /// The modulus itself.
    pub(crate) fn number(&self) -> &Number {
        &self.n
    }

    /// `base` to the power of `exponent`, modulo n, below n. `base` must be below n.
    pub(crate) fn power(&self, base: &Number, exponent: &Exponent) -> Number {
        let mut work = Work::new();
        let mut base_in_form = base.clone();
        self.multiply(&mut base_in_form, &self.r_squared, &mut work);
        let mut power = base_in_form.clone();
        // Square and multiply for the second to the last but one bit. The last bit is 1, and its
        // factor is the unconverted `base`: that product also leaves Montgomery form.
        for bit in exponent.inner_bits() {
            self.square(&mut power, &mut work);
            if bit {
                self.multiply(&mut power, &base_in_form, &mut work);
            }
        }
        self.square(&mut power, &mut work);
        self.multiply(&mut power, base, &mut work);
        power.subtract_if_at_least(&self.n);
        power
    }

    /// R² mod n.
    fn square_of_r(&self, bits: usize) -> Number {
        let r_bits = self.blocks * BLOCK_BITS;
        // n has exactly `bits` bits and is odd, so this is below n; so is each double after a
        // subtraction. After the loop it is R mod n.
        let mut power = Number::power_of_two(bits - 1);
        for _ in bits - 1..r_bits {
            self.double(&mut power);
        }
        // Now `power` is 2ˣ·R mod n with x = 0. x becomes `r_bits`, bit by bit from the highest: a
        // Montgomery square doubles x, a doubling adds 1.
        let mut work = Work::new();
        for shift in (0..=r_bits.ilog2()).rev() {
            self.square(&mut power, &mut work);
            power.subtract_if_at_least(&self.n);
            if r_bits >> shift & 1 == 1 {
                self.double(&mut power);
            }
        }
        power
    }

    /// Doubles a number below n, modulo n.
    fn double(&self, number: &mut Number) {
        number.double();
        number.subtract_if_at_least(&self.n);
    }

    /// Replaces `a` by the Montgomery product of `a` and `b`.
    fn multiply(&self, a: &mut Number, b: &Number, work: &mut Work) {
        work.set(a, b, self.blocks);
        self.reduce(a, work, |work, k| {
            let mut sums = Sums::ZERO;
            let blocks = k.saturating_sub(self.blocks)..self.blocks.min(k + 1);
            add_products(&mut sums, &work.left, &work.right.0, blocks, k);
            sums.to_array()
        });
    }

    /// Replaces `a` by its Montgomery square.
    fn square(&self, a: &mut Number, work: &mut Work) {
        work.set(a, a, self.blocks);
        self.reduce(a, work, |work, k| square_columns(work, k, self.blocks));
    }

    /// Montgomery reduction of a product whose blocks of columns are computed on demand.
    #[inline(always)]
    fn reduce(
        &self,
        result: &mut Number,
        work: &mut Work,
        product: impl Fn(&Work, usize) -> [u64; 4],
    ) {
        let [[n0, n1, n2, n3], ..] = self.n.blocks;
        let [n0, n1, n2, n3] = [n0, n1, n2, n3].map(u64::from);
        let blocks = self.blocks;
        let mut carry = 0_u64;
        for k in 0..blocks {
            let [p0, p1, p2, p3] = product(work, k);
            let mut sums = Sums::ZERO;
            // The known blocks of q. The limbs of block k are added one by one, multiplied by the
            // lowest four of n, the only ones in these columns.
            add_products(&mut sums, &work.quotient, &self.backwards.0, 0..k, k);
            let [s0, s1, s2, s3] = sums.to_array();

            let s0 = s0 + p0 + carry;
            let q0 = self.quotient_limb(s0);
            let s1 = s1 + p1 + q0 * n1 + ((s0 + q0 * n0) >> LIMB_BITS);
            let q1 = self.quotient_limb(s1);
            let s2 = s2 + p2 + q0 * n2 + q1 * n1 + ((s1 + q1 * n0) >> LIMB_BITS);
            let q2 = self.quotient_limb(s2);
            let s3 = s3 + p3 + q0 * n3 + q1 * n2 + q2 * n1 + ((s2 + q2 * n0) >> LIMB_BITS);
            let q3 = self.quotient_limb(s3);
            carry = (s3 + q3 * n0) >> LIMB_BITS;
            if let Some(block) = work.quotient.get_mut(k) {
                *block = Quad::new([q0, q1, q2, q3].map(|limb| limb as u32));
            }
        }
        for k in blocks..2 * blocks {
            let product = product(work, k);
            let mut sums = Sums::ZERO;
            add_products(
                &mut sums,
                &work.quotient,
                &self.backwards.0,
                k - blocks..blocks,
                k,
            );
            if let Some(block) = result.blocks.get_mut(k - blocks) {
                for ((limb, sum), product) in block.iter_mut().zip(sums.to_array()).zip(product) {
                    let sum = sum + product + carry;
                    *limb = sum as u32 & LIMB_MASK;
                    carry = sum >> LIMB_BITS;
                }
            }
        }
    }

    /// The limb of q that makes this column zero mod β.
    #[inline(always)]
    fn quotient_limb(&self, sum: u64) -> u64 {
        u64::from((sum as u32).wrapping_mul(self.negated_inverse) & LIMB_MASK)
    }
}

/// Adds to block k of columns the products of some blocks of `x` and the matching blocks of `y`.
#[inline(always)]
fn add_products(sums: &mut Sums, x: &[Quad], y: &[[Quad; 4]], blocks: Range<usize>, k: usize) {
    // Block m is multiplied by block k - m of the copies. All callers have 0 ≤ m < N and 0 ≤ k - m
    // ≤ N, so both ranges are in bounds.
    let met = k + 1 - blocks.end..k + 1 - blocks.start;
    let x = x.get(blocks).unwrap_or_default();
    let y = y.get(met).unwrap_or_default();
    for (x, y) in x.iter().zip(y.iter().rev()) {
        sums.add_products(*x, y);
    }
}

/// Block k of columns of the square of the left factor: each product of two different limbs is
/// computed once and doubled.
#[inline(always)]
fn square_columns(work: &Work, k: usize, blocks: usize) -> [u64; 4] {
    // First aᵢ·aⱼ with i < 2k. In all four columns i + j ≥ 4k, so i < j.
    let mut sums = Sums::ZERO;
    let half = k / 2;
    add_products(
        &mut sums,
        &work.left,
        &work.right.0,
        k.saturating_sub(blocks)..half,
        k,
    );
    let left = work.left.get(half).copied().unwrap_or(Quad::ZERO);
    let met = work.right.0.get(k - half).unwrap_or(&NONE);
    let [u0, u1, u2, u3] = if k.is_multiple_of(2) {
        left.to_array()
    } else {
        // 2k is in the middle of a block.
        sums.add_products(left.lower_half(), met);
        let [_, from_2k, ..] = met;
        let [u3, u2, u1, u0] = from_2k.to_array();
        [u0, u1, u2, u3]
    };
    // The rest is i = 2k and i = 2k + 1 with j ≥ i, four limbs in all: 4k + 3 is the last column.
    let [u0, u1, u2, u3] = [u0, u1, u2, u3].map(u64::from);
    let [s0, s1, s2, s3] = sums.to_array();
    [
        2 * s0 + u0 * u0,
        2 * (s1 + u0 * u1),
        2 * (s2 + u0 * u2) + u1 * u1,
        2 * (s3 + u0 * u3 + u1 * u2),
    ]
}

/// Buffers for a multiplication. Each is written before it is read, so previous contents do not
/// matter.
struct Work {
    left: [Quad; MAX_BLOCKS],
    right: Backwards,
    quotient: [Quad; MAX_BLOCKS],
}

impl Work {
    fn new() -> Self {
        let zero = [Quad::ZERO; MAX_BLOCKS];
        Self {
            left: zero,
            right: Backwards::ZERO,
            quotient: zero,
        }
    }

    fn set(&mut self, left: &Number, right: &Number, blocks: usize) {
        for (quad, block) in self.left.iter_mut().zip(&left.blocks).take(blocks) {
            *quad = Quad::new(*block);
        }
        self.right.set(right, blocks);
    }
}

/// A number in four reversed copies: vector c of block m has the limbs 4m + c, 4m + c - 1, 4m + c -
/// 2 and 4m + c - 3, with zeros below and above the number. The copies have one more block, for the
/// top limbs.
#[derive(Clone)]
struct Backwards([[Quad; 4]; MAX_BLOCKS + 1]);

impl Backwards {
    const ZERO: Self = Self([NONE; MAX_BLOCKS + 1]);

    fn new(number: &Number) -> Self {
        let mut backwards = Self::ZERO;
        backwards.set(number, MAX_BLOCKS);
        backwards
    }

    fn set(&mut self, number: &Number, blocks: usize) {
        let above = core::iter::once(&[0; 4]);
        let limbs = number.blocks.iter().chain(above);
        let mut below = [0; 4];
        for (copies, block) in self.0.iter_mut().zip(limbs).take(blocks + 1) {
            let [_, p1, p2, p3] = below;
            let [b0, b1, b2, b3] = *block;
            // Limb by limb: under V8 this is faster than shuffles of vectors.
            *copies = [
                Quad::new([b0, p3, p2, p1]),
                Quad::new([b1, b0, p3, p2]),
                Quad::new([b2, b1, b0, p3]),
                Quad::new([b3, b2, b1, b0]),
            ];
            below = *block;
        }
    }
}

/// Points 1, 4 and 5 of the bounds, as constants.
const _: () = {
    assert!(MAX_BLOCKS * BLOCK_BITS >= 4096 + 2);
    let terms = 2 * 4 * MAX_BLOCKS as u64;
    let greatest = (LIMB_MASK as u64).pow(2);
    assert!(terms * greatest + (1 << 37) < 1 << 63);
};

/// Four zero limbs.
const NONE: [Quad; 4] = [Quad::ZERO; 4];

#[cfg(test)]
mod tests;
