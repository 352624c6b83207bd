//! u₁·G + u₂·Q for a key without a table.
//!
//! The comb of the generator for u₁, and signed windows of five bits for u₂: about 256 doublings and
//! 43 additions of an odd multiple of Q, up to 15·Q. These eight points are computed every time.

use core::mem::swap;

use crate::comb::{BLOCKS, Comb};
use crate::limbs::bit;
use crate::point::{Affine, Point, to_affine};
use crate::scalar::Scalars;

/// Bits in a window. A digit is 0, or odd and between -15 and 15.
const WINDOW: usize = 5;
/// One more than the scalars have: the last window may carry.
const DIGITS: usize = 257;

/// u₁·G + u₂·Q; `None` if a sum was exceptional, or if the result is infinity.
pub(crate) fn sum(scalars: &Scalars, key: &Affine) -> Option<Point> {
    let odd = odd_multiples(key)?;
    let of_key = digits(&scalars.u2.whole());
    let of_generator = Comb::G.digits(&scalars.u1);
    let (mut first, mut second) = (Point::INFINITY, Point::INFINITY);
    let (mut point, mut other) = (&mut first, &mut second);
    // Adding to infinity would be exceptional, so the first point is copied.
    let mut is_empty = true;
    for (place, digit) in of_key.iter().enumerate().rev() {
        if !is_empty {
            point.double(other);
            swap(&mut point, &mut other);
        }
        let blocks = if place < Comb::G.shape.columns {
            BLOCKS
        } else {
            0
        };
        let multiple = odd.get(usize::from(digit.unsigned_abs() / 2));
        let multiple = multiple.filter(|_| *digit != 0);
        let multiple = multiple.map(|multiple| multiple.signed(if *digit < 0 { -1 } else { 0 }));
        let entries = (0..blocks).map(|block| Comb::G.entry(&of_generator, block, place));
        for affine in multiple.into_iter().chain(entries) {
            if is_empty {
                *point = Point::new(&affine);
                is_empty = false;
            } else {
                point.add(&affine, other);
                swap(&mut point, &mut other);
            }
        }
    }
    (!point.is_infinity()).then_some(*point)
}

/// Q, 3·Q, … 15·Q. No sum is exceptional: i·Q = ±2·Q with odd i below 15 would require that n divides
/// i ± 2, which is odd and below 17.
fn odd_multiples(key: &Affine) -> Option<[Affine; 8]> {
    let mut last = Point::new(key);
    let mut double = [Point::INFINITY];
    let mut affine_double = [Affine::EMPTY];
    for to in &mut double {
        last.double(to);
    }
    let is_complete = to_affine(&double, &mut affine_double);
    let [affine_double] = affine_double;
    let mut multiples = [last; 8];
    for multiple in multiples.iter_mut().skip(1) {
        last.add(&affine_double, multiple);
        last = *multiple;
    }
    let mut affine = [Affine::EMPTY; 8];
    (is_complete && to_affine(&multiples, &mut affine)).then_some(affine)
}

/// The digits of a number below 2²⁵⁶, lowest first: their sum with the weights 2ⁱ is the number.
fn digits(number: &[u64; 4]) -> [i8; DIGITS] {
    let mut digits = [0; DIGITS];
    // The places before `next` are decided. The number is the digits so far, plus the bits from
    // `next` with the carry as one more 1 at `next`.
    let (mut next, mut carry) = (0, 0);
    for (place, digit) in digits.iter_mut().enumerate() {
        if place < next || bit(number, place) == carry {
            continue;
        }
        // The bit differs from the carry, so the sum is odd, and at most 2⁵ - 1 because with a
        // carry the lowest bit is 0.
        let bits = (0..WINDOW).map(|i| bit(number, place + i) << i);
        let window = bits.sum::<usize>() + carry;
        carry = window >> (WINDOW - 1);
        *digit = window as i8 - ((carry as i8) << WINDOW);
        next = place + WINDOW;
    }
    digits
}

#[cfg(test)]
mod tests;
