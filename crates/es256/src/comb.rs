//! Combs: tables of a point with which a multiple costs few doublings.
//!
//! Not here: the sum of two multiples ([`crate::verify`]), and how many keys get a table (the caller).
//!
//! # Method
//!
//! A comb has h teeth, v = 4 blocks and d columns with h·v·d ≥ 256. Bit ((t·v + b)·d + c) of a number
//! belongs to tooth t of block b in column c. A bit is a digit +1 or -1, not 1 or 0: no digit is zero,
//! so every column has exactly one point per block, and half of the table is enough, because the
//! other half is its negative.
//!
//! With P(t, b) = 2^((t·v + b)·d)·P, entry j of block b is P(h - 1, b) ± P(h - 2, b) ± … ± P(0, b), where
//! bit t of j chooses the sign of P(t, b). A multiple is the sum over the columns from the last to the
//! first: double, then add the entries of the blocks. Entries of the same j are adjacent in the
//! table, so a level of the construction is one slice added to another.
//!
//! The digits of u are the bits of k = (u + 2^(hvd) - 1) / 2 modulo n: the sum of (2·kᵢ - 1)·2ⁱ for i <
//! h·v·d is 2·k - (2^(hvd) - 1), which is u modulo n. k is below n < 2²⁵⁶, so it has enough digits.
//!
//! # Exceptional sums
//!
//! Whether a sum of the construction is exceptional depends on the multiples of P modulo n, not on P,
//! as every point has the order n. So if the table of G can be constructed with a shape, the table of
//! every key can. The compiler checks the large shape, a test the small one. Should it fail anyway,
//! the key gets no table.

use alloc::boxed::Box;
use alloc::vec;

use crate::field::P;
use crate::limbs::{Limbs, bit, canonical};
use crate::point::{Affine, Point, add_all, to_affine};
use crate::scalar::{Half, half_of_ones};

/// v: the same in all shapes, and even, so that the entries of a column can be added in pairs.
pub(crate) const BLOCKS: usize = 4;
/// h·v of the larger shape.
const MAX_TEETH: usize = 8 * BLOCKS;

/// The size of a comb.
pub(crate) struct Shape {
    /// h.
    teeth: usize,
    /// d.
    pub(crate) columns: usize,
    /// (2^(hvd) - 1) / 2 modulo n.
    offset: Limbs,
}

impl Shape {
    /// 256 bits in 512 entries: 36 KiB.
    pub(crate) const LARGE: Self = Self::new(8, 8);
    /// 264 bits in 128 entries: 9 KiB.
    pub(crate) const SMALL: Self = Self::new(6, 11);

    const fn new(teeth: usize, columns: usize) -> Self {
        let digits = teeth * BLOCKS * columns;
        assert!(digits >= 256 && teeth * BLOCKS <= MAX_TEETH);
        Self {
            teeth,
            columns,
            offset: half_of_ones(digits as u32),
        }
    }

    /// The number of entries of a table.
    const fn entries(&self) -> usize {
        BLOCKS << (self.teeth - 1)
    }
}

/// A comb of any point.
#[derive(Clone, Copy)]
pub(crate) struct Comb<'a> {
    pub(crate) shape: &'static Shape,
    table: &'a [Affine],
}

impl Comb<'static> {
    /// The comb of the generator. Its table is computed by the compiler.
    pub(crate) const G: Self = Self {
        shape: &Shape::LARGE,
        table: &GENERATOR,
    };
}

static GENERATOR: [Affine; Shape::LARGE.entries()] = {
    let mut table = [Affine::EMPTY; Shape::LARGE.entries()];
    assert!(construct(&Affine::G, &Shape::LARGE, &mut table));
    table
};

impl Comb<'_> {
    /// The digits of a scalar.
    pub(crate) fn digits(&self, scalar: &Half) -> [u64; 4] {
        scalar.words_plus(&self.shape.offset)
    }

    /// The entry of a block for the digits of a column. Its y is loose.
    #[inline(always)]
    pub(crate) fn entry(&self, digits: &[u64; 4], block: usize, column: usize) -> Affine {
        let Shape { teeth, columns, .. } = *self.shape;
        let (mut index, mut at) = (0, block * columns + column);
        for tooth in 0..teeth {
            index |= bit(digits, at) << tooth;
            at += BLOCKS * columns;
        }
        // The top digit of an entry is +1. If it is -1, all digits are negated, and the point, too.
        let sign = (index >> (teeth - 1)) as i32 - 1;
        let index = (index ^ sign as usize) & ((1 << (teeth - 1)) - 1);
        let entry = self.table.get(index * BLOCKS + block);
        entry.unwrap_or(&Affine::EMPTY).signed(sign)
    }
}

/// The comb of a key.
#[derive(Clone)]
pub(crate) struct KeyComb {
    shape: &'static Shape,
    table: Box<[Affine]>,
}

impl KeyComb {
    pub(crate) fn new(point: &Affine, shape: &'static Shape) -> Option<Self> {
        let mut table = vec![Affine::EMPTY; shape.entries()].into_boxed_slice();
        construct(point, shape, &mut table).then_some(Self { shape, table })
    }

    pub(crate) fn comb(&self) -> Comb<'_> {
        let Self { shape, table } = self;
        Comb { shape, table }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.table)
    }
}

/// Fills a table, with canonical coordinates; `false` if a sum was exceptional.
#[must_use]
const fn construct(base: &Affine, shape: &Shape, table: &mut [Affine]) -> bool {
    let teeth = shape.teeth * BLOCKS;
    let mut points = [Point::INFINITY; 2 * MAX_TEETH];
    let (points, _) = points.split_at_mut(2 * teeth);
    powers(base, shape.columns, points);
    let mut affine = [Affine::EMPTY; 2 * MAX_TEETH];
    let (affine, _) = affine.split_at_mut(2 * teeth);
    if !to_affine(points, affine) {
        return false;
    }
    let (singles, mut doubles) = affine.split_at(teeth);
    let (first, _) = table.split_at_mut(BLOCKS);
    if !first_entries(singles, first) {
        return false;
    }
    // Each level sets one bit of j: adding twice the point replaces its -1 by +1.
    let mut filled = BLOCKS;
    while filled < table.len() {
        let (level, levels) = doubles.split_at(BLOCKS);
        let (entries, empty) = table.split_at_mut(filled);
        let (sums, _) = empty.split_at_mut(filled);
        if !add_all(entries, level, sums) {
            return false;
        }
        let mut sums = sums;
        while let [sum, rest @ ..] = sums {
            sum.x = canonical(&sum.x, &P);
            sum.y = canonical(&sum.y, &P);
            sums = rest;
        }
        doubles = levels;
        filled *= 2;
    }
    true
}

/// 2^(i·columns)·P for all teeth i, and after them the doubles of these.
const fn powers(base: &Affine, columns: usize, points: &mut [Point]) {
    let (singles, doubles) = points.split_at_mut(points.len() / 2);
    let (mut singles, mut doubles) = (singles, doubles);
    let mut power = Point::new(base);
    while let ([single, singles_rest @ ..], [double, doubles_rest @ ..]) = (singles, doubles) {
        *single = power;
        single.double(double);
        power = *double;
        let mut doubled = 1;
        while doubled < columns && !singles_rest.is_empty() {
            let from = power;
            from.double(&mut power);
            doubled += 1;
        }
        (singles, doubles) = (singles_rest, doubles_rest);
    }
}

/// Entry 0 of each block: the top tooth minus all others.
const fn first_entries(singles: &[Affine], entries: &mut [Affine]) -> bool {
    let (mut others, top) = singles.split_at(singles.len() - BLOCKS);
    let mut sums = [Point::INFINITY; BLOCKS];
    let (mut sums_left, mut top_left): (&mut [Point], _) = (&mut sums, top);
    while let ([sum, sums_rest @ ..], [tooth, top_rest @ ..]) = (sums_left, top_left) {
        *sum = Point::new(tooth);
        (sums_left, top_left) = (sums_rest, top_rest);
    }
    while !others.is_empty() {
        let (mut level, rest) = others.split_at(BLOCKS);
        let mut sums_left: &mut [Point] = &mut sums;
        while let ([sum, sums_rest @ ..], [tooth, level_rest @ ..]) = (sums_left, level) {
            let from = *sum;
            from.add(&tooth.signed(-1), sum);
            (sums_left, level) = (sums_rest, level_rest);
        }
        others = rest;
    }
    to_affine(&sums, entries)
}

#[cfg(test)]
mod tests;
