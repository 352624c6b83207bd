//! Random patterns.

use super::Random;
use super::names::{CAPTURES, GLOBS, ONCE, SEGMENTS};
use crate::model::Origin;

/// A pattern, relative to a base, that captures every name in `needed`.
pub(super) fn pattern(random: &mut Random, origin: Origin, needed: &[&str]) -> String {
    let mut captures = needed.to_vec();
    let spare = random.pick(CAPTURES);
    if random.percent(15) && !captures.contains(&spare) {
        captures.push(spare);
    }
    let shape = random.below(100);
    let mut pieces = match shape {
        // No `**`.
        0..40 => piece_list(random, origin, 0, 4, &captures),
        // One, at the end.
        40..65 => {
            let mut pieces = piece_list(random, origin, 0, 3, &captures);
            pieces.push("**".to_owned());
            pieces
        }
        // One, at the front or in the middle, with captures on one side or both.
        65..85 => {
            let (front, back) = split(random, &captures);
            let mut pieces = piece_list(random, origin, 0, 2, &front);
            pieces.push("**".to_owned());
            pieces.extend(piece_list(random, origin, 1, 2, &back));
            pieces
        }
        // Two, the second one at the end or not.
        _ => {
            let at_end = shape < 92;
            let (front, back) = if at_end {
                (captures, Vec::new())
            } else {
                split(random, &captures)
            };
            let mut pieces = piece_list(random, origin, 0, 2, &front);
            pieces.push("**".to_owned());
            pieces.extend(piece_list(random, origin, 1, 2, &[]));
            pieces.push("**".to_owned());
            if !at_end {
                pieces.extend(piece_list(random, origin, 1, 2, &back));
            }
            pieces
        }
    };
    // A trailing slash; after `**` it matches directories only.
    let ends_in_rest = pieces.last().is_some_and(|last| last == "**");
    if pieces.is_empty() || random.percent(if ends_in_rest { 8 } else { 20 }) {
        pieces.push(String::new());
    }
    format!("/{}", pieces.join("/"))
}

fn split<'a>(random: &mut Random, captures: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    captures.iter().partition(|_| random.percent(50))
}

/// Pieces without `**`, in addition to the captures.
fn piece_list(
    random: &mut Random,
    origin: Origin,
    min: usize,
    max: usize,
    captures: &[&str],
) -> Vec<String> {
    let count = min + random.below(max - min + 1);
    let mut pieces: Vec<String> = (0..count)
        .map(|_| {
            let from = random.either(30, GLOBS, SEGMENTS);
            let from = if origin == Origin::Strict {
                from
            } else {
                random.either(12, ONCE, from)
            };
            random.pick(from).to_owned()
        })
        .collect();
    for capture in captures {
        let at = random.below(pieces.len() + 1);
        pieces.insert(at, format!("{{{capture}}}"));
    }
    pieces
}
