//! u₁·G + u₂·Q for any scalars: slow, and correct for exceptional sums, too.
//!
//! Only a signature for which the fast sums are exceptional is verified here: about 256 doublings and
//! as many additions, two to three times as long as [`crate::window`]. For a key that an attacker does
//! not choose, finding such a signature is as hard as finding a relation between G and the key.

use crate::field::{is_multiple, mul_sub};
use crate::limbs::{ZERO, bit};
use crate::point::{Affine, Point};
use crate::scalar::Scalars;

/// u₁·G + u₂·Q.
pub(crate) fn sum(scalars: &Scalars, key: &Affine) -> Point {
    let (of_generator, of_key) = (scalars.u1.whole(), scalars.u2.whole());
    let mut point = Point::INFINITY;
    for place in (0..256).rev() {
        let from = point;
        from.double(&mut point);
        if bit(&of_generator, place) == 1 {
            add(&mut point, &Affine::G);
        }
        if bit(&of_key, place) == 1 {
            add(&mut point, key);
        }
    }
    point
}

/// Adds any point. `affine` has canonical coordinates.
fn add(point: &mut Point, affine: &Affine) {
    if point.is_infinity() {
        *point = Point::new(affine);
        return;
    }
    let from = *point;
    let (mut p, mut r) = (ZERO, ZERO);
    mul_sub(&mut p, &affine.x, &from.zz, &from.x);
    mul_sub(&mut r, &affine.y, &from.zzz, &from.y);
    if is_multiple(&p) && is_multiple(&r) {
        from.double(point);
    } else {
        // If the points are opposite, ZZ becomes 0, which is the correct result here.
        from.add(affine, point);
    }
}

#[cfg(test)]
mod tests;
