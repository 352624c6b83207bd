//! Sets of request paths, one per path pattern of the policy language.
//!
//! A [`Shape`] is the set of paths that one pattern matches. Intersections are exact or too large,
//! never too small, so a denial that is based on one is complete. Not here: patterns of other tools
//! ([`sequence`](super::sequence)).

use std::collections::VecDeque;

use tollgate_compiler::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_SEGMENTS, MAX_STARS_PER_SEGMENT};
use tollgate_core::path::{PathOptions, check_literal_chars, check_segment};

/// Intersections with more parts are replaced by one of the two sets.
const MAX_MEETINGS: usize = 64;

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// One segment: text in which `*` matches any run of characters, including none.
    Text(String),
    /// `**`: any number of segments, including none.
    Rest,
}

/// The end of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The path ends here, without a slash.
    File,
    /// The path ends here, with a slash.
    Slash,
    /// `/**`: the slash, and everything below.
    Below,
}

/// The paths that one pattern matches. A path is a list of non-empty segments and possibly a
/// trailing slash.
///
/// INVARIANT: two [`Part::Rest`] are never adjacent, and none precedes [`End::File`] or [`End::Below`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) parts: Vec<Part>,
    pub(super) end: End,
}

/// An intersection, and whether it is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) shapes: Vec<Shape>,
    pub(super) is_exact: bool,
}

impl Shape {
    /// Creates a shape that satisfies the invariant.
    pub(super) fn new(parts: Vec<Part>, end: End) -> Self {
        let mut kept: Vec<Part> = Vec::new();
        for part in parts {
            if !(part == Part::Rest && kept.last() == Some(&Part::Rest)) {
                kept.push(part);
            }
        }
        if end == End::Below && kept.last() == Some(&Part::Rest) {
            kept.pop();
        }
        Self { parts: kept, end }
    }

    /// Every path.
    pub(super) fn everything() -> Self {
        Self::new(Vec::new(), End::Below)
    }

    /// The path `/`.
    pub(super) fn root() -> Self {
        Self::new(Vec::new(), End::Slash)
    }

    /// The pattern as a policy author writes it.
    pub(super) fn pattern(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            text.push('/');
            text.push_str(match part {
                Part::Text(text) => text,
                Part::Rest => "**",
            });
        }
        match self.end {
            End::File => {}
            End::Slash => text.push('/'),
            End::Below => text.push_str("/**"),
        }
        text
    }

    /// Whether the compiler accepts the pattern.
    pub(super) fn is_pattern(&self) -> bool {
        let mut bytes = 0;
        let is_sound = self.parts.iter().all(|part| match part {
            Part::Rest => true,
            Part::Text(text) => {
                bytes += text.len() + 1;
                is_segment(text) && text.matches('*').count() <= MAX_STARS_PER_SEGMENT
            }
        });
        let has_path = !self.parts.is_empty() || self.end != End::File;
        is_sound
            && has_path
            && bytes <= MAX_PATTERN_BYTES
            && self.parts.len() < MAX_PATTERN_SEGMENTS
    }

    /// The only path that it matches, if there is exactly one.
    pub(super) fn literal(&self) -> Option<String> {
        let is_literal = |part: &Part| matches!(part, Part::Text(text) if !text.contains('*'));
        let is_one = self.end != End::Below && self.parts.iter().all(is_literal);
        is_one.then(|| self.pattern())
    }

    /// Whether it contains every path of `other`. `false` may also mean unknown.
    pub(super) fn covers(&self, other: &Self) -> bool {
        !self.is_elsewhere(other) && covers((&self.parts, self.end), (&other.parts, other.end))
    }

    /// Whether the first segments differ, so that no path matches both.
    fn is_elsewhere(&self, other: &Self) -> bool {
        match (self.parts.first(), other.parts.first()) {
            (Some(Part::Text(x)), Some(Part::Text(y))) => {
                x != y && !x.contains('*') && !y.contains('*')
            }
            _ => false,
        }
    }

    /// The paths that both match.
    pub(super) fn meet(&self, other: &Self) -> Meeting {
        if self.is_elsewhere(other) {
            return Meeting {
                shapes: Vec::new(),
                is_exact: true,
            };
        }
        let mut meeting = Meeting {
            shapes: Vec::new(),
            is_exact: true,
        };
        let mut open = VecDeque::from([Open {
            done: Vec::new(),
            left: &self.parts,
            right: &other.parts,
        }]);
        while let Some(next) = open.pop_front() {
            if open.len() + meeting.shapes.len() > MAX_MEETINGS {
                let smaller = if other.covers(self) { self } else { other };
                return Meeting {
                    shapes: vec![smaller.clone()],
                    is_exact: false,
                };
            }
            step(next, (self.end, other.end), &mut open, &mut meeting);
        }
        meeting.shapes = simplified(meeting.shapes);
        meeting
    }

    /// Whether some path may match both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        !self.meet(other).shapes.is_empty()
    }
}

/// The same set, without shapes that others cover.
pub(super) fn simplified(mut shapes: Vec<Shape>) -> Vec<Shape> {
    shapes.sort();
    shapes.dedup();
    let mut at = 0;
    while let Some(shape) = shapes.get(at) {
        let is_covered = shapes
            .iter()
            .enumerate()
            .any(|(other, outer)| other != at && outer.covers(shape));
        if is_covered {
            shapes.remove(at);
        } else {
            at += 1;
        }
    }
    shapes
}

/// Whether `outer` covers every shape of `inner`.
pub(super) fn covers_all(outer: &[Shape], inner: &[Shape]) -> bool {
    inner
        .iter()
        .all(|inner| outer.iter().any(|outer| outer.covers(inner)))
}

/// Whether some path may be in both sets.
pub(super) fn overlap(left: &[Shape], right: &[Shape]) -> bool {
    left.iter()
        .any(|left| right.iter().any(|right| left.overlaps(right)))
}

/// Whether the text, with `*` for any run, is valid as a segment of a pattern.
pub(super) fn is_segment(text: &str) -> bool {
    check_segment(&text.replace('*', "x"), PathOptions::default()).is_ok()
        && !text.contains(['{', '}', '%', '/'])
        && !text.contains("**")
}

/// Whether the character represents itself in a pattern.
pub(super) fn is_literal(c: char) -> bool {
    check_literal_chars(c.encode_utf8(&mut [0; 4]), PathOptions::default()).is_ok()
        && !"{}%*/".contains(c)
}

/// Whether `text` is `pattern` with every `*` replaced by some run of characters. A `*` in `text`
/// represents any run, so the result holds for every text that it represents.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // The prefixes of the pattern that match the characters read so far.
    let skip_stars = |reached: &mut Vec<bool>| {
        for at in 0..pattern.len() {
            if reached.get(at) == Some(&true)
                && pattern.get(at) == Some(&'*')
                && let Some(next) = reached.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    let mut reached = vec![false; pattern.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    skip_stars(&mut reached);
    for c in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, wanted) in pattern.iter().enumerate() {
            if reached.get(at) != Some(&true) {
                continue;
            }
            let to = match wanted {
                '*' => at,
                wanted if *wanted == c => at + 1,
                _ => continue,
            };
            if let Some(slot) = next.get_mut(to) {
                *slot = true;
            }
        }
        skip_stars(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

fn covers(outer: (&[Part], End), inner: (&[Part], End)) -> bool {
    // Whether the rest of `outer` covers the rest of `inner`, computed from the ends to the
    // beginnings.
    let (own, other) = (outer.0, inner.0);
    let mut below: Vec<bool> = Vec::new();
    for at in (0..=own.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for from in (0..=other.len()).rev() {
            let next = |row: &[bool], from: usize| row.get(from) == Some(&true);
            let covers = match (own.get(at), other.get(from)) {
                (None, None) => match outer.1 {
                    End::Below => inner.1 != End::File,
                    end => end == inner.1,
                },
                // The rest of `inner` has a segment or a slash: a path never ends in `**` without
                // one.
                (None, Some(_)) => outer.1 == End::Below,
                (Some(Part::Rest), part) => {
                    next(&below, from) || (part.is_some() && next(&row, from + 1))
                }
                (Some(Part::Text(x)), Some(Part::Text(y))) => {
                    next(&below, from + 1) && matches(x, y)
                }
                (Some(Part::Text(_)), _) => false,
            };
            if let Some(slot) = row.get_mut(from) {
                *slot = covers;
            }
        }
        below = row;
    }
    below.first() == Some(&true)
}

/// An intersection being computed: the parts found, and the rests of both sides.
struct Open<'a> {
    done: Vec<Part>,
    left: &'a [Part],
    right: &'a [Part],
}

fn step<'a>(
    open: Open<'a>,
    ends: (End, End),
    later: &mut VecDeque<Open<'a>>,
    meeting: &mut Meeting,
) {
    let Open { done, left, right } = open;
    let mut go_on = |part: Option<&Part>, left: &'a [Part], right: &'a [Part]| {
        let mut done = done.clone();
        done.extend(part.cloned());
        later.push_back(Open { done, left, right });
    };
    match (left.split_first(), right.split_first()) {
        (Some((Part::Text(x), left)), Some((Part::Text(y), right))) => {
            let (texts, is_exact) = meet_texts(x, y);
            meeting.is_exact &= is_exact;
            for text in texts {
                go_on(Some(&Part::Text(text)), left, right);
            }
        }
        (Some((Part::Rest, after)), Some((Part::Rest, rest))) => {
            go_on(Some(&Part::Rest), after, right);
            go_on(Some(&Part::Rest), left, rest);
        }
        (Some((Part::Rest, after)), Some((text, rest))) => {
            go_on(None, after, right);
            go_on(Some(text), left, rest);
        }
        (Some((text, after)), Some((Part::Rest, rest))) => {
            go_on(None, left, rest);
            go_on(Some(text), after, right);
        }
        (None, _) => meeting.shapes.extend(last(done, ends.0, right, ends.1)),
        (_, None) => meeting.shapes.extend(last(done, ends.1, left, ends.0)),
    }
}

/// The intersection if one side has only its end left.
fn last(mut done: Vec<Part>, end: End, parts: &[Part], other: End) -> Option<Shape> {
    let has_text = parts.iter().any(|part| *part != Part::Rest);
    let end = match (end, other) {
        (End::Below, _) if has_text => {
            done.extend_from_slice(parts);
            other
        }
        (_, _) if has_text => return None,
        // Only `**` can be left: with `/**` on this side it keeps its meaning.
        (End::Below, End::Slash) => {
            done.extend_from_slice(parts);
            End::Slash
        }
        (End::Below, End::Below) => End::Below,
        (End::Slash, End::Slash | End::Below) => End::Slash,
        (End::File, End::File) => End::File,
        _ => return None,
    };
    Some(Shape::new(done, end))
}

/// The strings that match both, and whether these are all.
fn meet_texts(x: &str, y: &str) -> (Vec<String>, bool) {
    if matches(x, y) {
        return (vec![y.to_owned()], true);
    }
    if matches(y, x) {
        return (vec![x.to_owned()], true);
    }
    let (Some((x_start, x_end)), Some((y_start, y_end))) = (ends(x), ends(y)) else {
        return (Vec::new(), true);
    };
    let (Some(start), Some(end)) = (
        longer(x_start, y_start, |long, short| long.starts_with(short)),
        longer(x_end, y_end, |long, short| long.ends_with(short)),
    ) else {
        return (Vec::new(), true);
    };
    let mut texts = vec![format!("{start}*{end}")];
    texts.extend(overlapping(start, end).filter(|text| matches(x, text) && matches(y, text)));
    let is_simple = |text: &str| text.matches('*').count() == 1;
    (texts, is_simple(x) && is_simple(y))
}

/// The strings that start with `start` and end with `end` and are shorter than both together.
pub(super) fn overlapping<'a>(start: &'a str, end: &'a str) -> impl Iterator<Item = String> + 'a {
    let cuts = (1..=end.len()).filter(|cut| end.is_char_boundary(*cut));
    cuts.filter_map(move |cut| {
        let (shared, rest) = end.split_at_checked(cut)?;
        // All of `end` may be within `start`, and `start` within `end`.
        (start.ends_with(shared)).then(|| format!("{start}{rest}"))
    })
}

/// The text before the first `*` and after the last.
fn ends(text: &str) -> Option<(&str, &str)> {
    let (start, _) = text.split_once('*')?;
    let (_, end) = text.rsplit_once('*')?;
    Some((start, end))
}

fn longer<'a>(x: &'a str, y: &'a str, fits: impl Fn(&str, &str) -> bool) -> Option<&'a str> {
    let (long, short) = if x.len() < y.len() { (y, x) } else { (x, y) };
    fits(long, short).then_some(long)
}

#[cfg(test)]
mod tests;
