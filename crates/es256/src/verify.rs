//! u₁·G + u₂·Q with two combs.
//!
//! Not here: the sum for a key without a table ([`crate::window`]).

use alloc::vec;
use alloc::vec::Vec;
use core::mem::swap;

use crate::comb::{BLOCKS, Comb};
use crate::point::{Affine, Point, add_all};
use crate::scalar::Scalars;

/// u₁·G + u₂·Q; `None` if a sum was exceptional, or if the result is infinity.
pub(crate) fn sum(scalars: &Scalars, key: Comb<'_>) -> Option<Point> {
    let combs = [
        (key, key.digits(&scalars.u2)),
        (Comb::G, Comb::G.digits(&scalars.u1)),
    ];
    let columns = key.shape.columns.max(Comb::G.shape.columns);
    // The entries of a column are first added in pairs, in affine form and all with one inversion:
    // 7 products a sum instead of 10, and half as many points remain.
    let pairs = columns * combs.len() * BLOCKS / 2;
    let (mut left, mut right) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
    for column in (0..columns).rev() {
        for (comb, digits) in &combs {
            if column < comb.shape.columns {
                for block in (0..BLOCKS).step_by(2) {
                    left.push(comb.entry(digits, block, column));
                    right.push(comb.entry(digits, block + 1, column));
                }
            }
        }
    }
    let mut sums = vec![Affine::EMPTY; left.len()];
    if !add_all(&left, &right, &mut sums) {
        return None;
    }

    let mut sums = sums.iter();
    let (mut first, mut second) = (Point::new(sums.next()?), Point::INFINITY);
    let (mut point, mut other) = (&mut first, &mut second);
    for column in (0..columns).rev() {
        let of_column = |(comb, _): &&(Comb<'_>, _)| column < comb.shape.columns;
        let mut pairs = combs.iter().filter(of_column).count() * BLOCKS / 2;
        if column == columns - 1 {
            // The first point is already there.
            pairs -= 1;
        } else {
            point.double(other);
            swap(&mut point, &mut other);
        }
        for sum in sums.by_ref().take(pairs) {
            point.add(sum, other);
            swap(&mut point, &mut other);
        }
    }
    (!point.is_infinity()).then_some(*point)
}
