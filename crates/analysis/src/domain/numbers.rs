//! Integers and times worth trying: where some comparison changes its mind.
//!
//! Every expression in one unknown is a polynomial cut off where it overflows. Between neighbouring seeds
//! a change is found by halving.

use std::collections::BTreeSet;

/// The last second that policy text can name, and as late as any request will be.
const LATEST: i64 = 253_402_300_800;

/// Seeds for an integer claim.
pub(super) fn integers(constants: &BTreeSet<i64>) -> Vec<i64> {
    // The square root of the greatest integer: products overflow around it.
    const ROOT: i64 = 3_037_000_499;
    let mut seeds: BTreeSet<i64> = (0..63).flat_map(|bit| [1 << bit, -(1 << bit)]).collect();
    seeds.extend([0, 3, -3, 10, 100, i64::MAX, i64::MAX - 1, i64::MAX / 2]);
    seeds.extend([i64::MIN, i64::MIN + 1, ROOT, ROOT + 1, -ROOT, -ROOT - 1]);
    for constant in constants {
        for near in [-1, 0, 1] {
            let near = constant.saturating_add(near);
            seeds.extend([near, near.saturating_neg()]);
        }
    }
    for left in constants.iter().take(12) {
        for right in constants.iter().take(12) {
            seeds.insert(left.saturating_add(*right));
            seeds.insert(left.saturating_sub(*right));
            seeds.extend(left.checked_div(*right));
        }
    }
    seeds.into_iter().collect()
}

/// Seeds for the time of a request, which is never before 1970.
pub(super) fn times(now: i64, constants: &BTreeSet<i64>) -> Vec<i64> {
    let mut seeds = BTreeSet::from([now, 0, LATEST]);
    for left in constants {
        seeds.extend([-1, 0, 1].map(|near| left.saturating_add(near)));
        for right in constants {
            seeds.extend([left.saturating_add(*right), left.saturating_sub(*right)]);
        }
    }
    seeds.retain(|seed| (0..=LATEST).contains(seed));
    seeds.into_iter().collect()
}

/// At least one number of every stretch in which the marks are the same, its ends among them.
pub(super) fn where_it_changes(
    seeds: &[i64],
    marks: &mut impl FnMut(i64) -> Vec<u8>,
) -> BTreeSet<i64> {
    let mut kept = BTreeSet::new();
    let mut before: Option<(i64, Vec<u8>)> = None;
    for seed in seeds {
        let here = marks(*seed);
        // What is compared with another unknown keeps every number that may matter, and no more.
        if here.contains(&super::LOOSE) && is_plain(*seed) {
            kept.insert(*seed);
        }
        match &before {
            Some((last, there)) if *there != here => {
                between((*last, there), (*seed, &here), marks, &mut kept);
            }
            Some(_) => {}
            None => drop(kept.insert(*seed)),
        }
        before = Some((*seed, here));
    }
    kept.extend(seeds.iter().filter(|seed| is_plain(**seed)));
    kept
}

fn between(
    low: (i64, &Vec<u8>),
    high: (i64, &Vec<u8>),
    marks: &mut impl FnMut(i64) -> Vec<u8>,
    kept: &mut BTreeSet<i64>,
) {
    if low.1 == high.1 {
        return;
    }
    let gap = low.0.abs_diff(high.0);
    if gap <= 1 {
        kept.extend([low.0, high.0]);
        return;
    }
    let middle = low.0.saturating_add_unsigned(gap / 2);
    let here = marks(middle);
    between(low, (middle, &here), marks, kept);
    between((middle, &here), high, marks, kept);
}

/// Whether it is not one of the seeds that exist only for halving.
fn is_plain(seed: i64) -> bool {
    let magnitude = seed.unsigned_abs();
    magnitude <= 2 || !magnitude.is_power_of_two() || magnitude == 1 << 53
}
