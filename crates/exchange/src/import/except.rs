//! Patterns with exceptions: rules with captures and `unless`.
//!
//! Paths are divided into classes by their number of segments and their trailing slash. Within a
//! class, every pattern is a list of comparisons of single segments from either end, so "matches
//! this one and none of those" is a condition. Not here: which exceptions are wanted.

use super::condition::{compare, pieces};
use super::shape::{End, Part, Shape, matches};
use tollgate_compiler::limits::{
    MAX_CAPTURES_PER_PATTERN, MAX_CONDITION_BYTES, MAX_PATTERNS_PER_RULE,
};

/// More classes would produce more rules than an author wants to read.
const MAX_LENGTH: usize = 6;
/// The maximum number of comparisons in one condition; the compiler counts three parts for each.
const MAX_COMPARISONS: usize = 30;

/// Patterns that share a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excepted {
    pub(super) patterns: Vec<String>,
    pub(super) unless: Option<String>,
}

/// Whether a condition can express the exception.
pub(super) fn can_be_excepted(shape: &Shape) -> bool {
    let is_comparable = |part: &Part| match part {
        Part::Text(text) => compare("x", &pieces(text)).is_some(),
        Part::Rest => true,
    };
    Ends::of(shape).is_some() && shape.parts.iter().all(is_comparable)
}

/// Returns rules for the paths that `shape` matches and no exception does, or `None` if no
/// condition is exact.
pub(super) fn except(shape: &Shape, exceptions: &[Shape]) -> Option<Vec<Excepted>> {
    let shape = Ends::of(shape)?;
    let exceptions: Vec<Ends<'_>> = exceptions.iter().map(Ends::of).collect::<Option<_>>()?;
    let all = || core::iter::once(&shape).chain(&exceptions);
    let starts = all().map(|ends| ends.start.len()).max()?;
    // The last segment is always significant, so that a path without a trailing slash has a
    // pattern.
    let tails = all().map(|ends| ends.tail.len()).max()?.max(1);
    let fixed = all().filter(|ends| !ends.has_rest);
    let fixed = fixed.map(|ends| ends.start.len()).max().unwrap_or(0);
    // Longer paths differ only in segments that no pattern reads.
    let longest = fixed.max((starts + tails).saturating_sub(1));
    if longest > MAX_LENGTH {
        return None;
    }
    let mut found: Vec<Excepted> = Vec::new();
    for count in 0..=longest + 1 {
        for has_slash in [false, true] {
            let class = Class {
                count,
                is_open: count > longest,
                tails,
                has_slash,
            };
            let Some(rule) = class.rule(&shape, &exceptions)? else {
                continue;
            };
            let same = found.iter_mut().find(|other| {
                other.unless == rule.unless && other.patterns.len() < MAX_PATTERNS_PER_RULE
            });
            match same {
                Some(other) => other.patterns.extend(rule.patterns),
                None => found.push(rule),
            }
        }
    }
    Some(found)
}

/// A pattern with at most one `**`, as its requirements for segments from the left and from the
/// right.
struct Ends<'a> {
    start: Vec<&'a str>,
    tail: Vec<&'a str>,
    has_rest: bool,
    end: End,
}

impl<'a> Ends<'a> {
    fn of(shape: &'a Shape) -> Option<Self> {
        let texts = |parts: &'a [Part]| -> Option<Vec<&'a str>> {
            let text = |part: &'a Part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Rest => None,
            };
            parts.iter().map(text).collect()
        };
        let rest = shape.parts.iter().position(|part| *part == Part::Rest);
        let (start, tail) = match rest {
            None => (shape.parts.as_slice(), &[] as &[Part]),
            Some(_) if shape.end == End::Below => return None,
            Some(at) => {
                let (start, tail) = shape.parts.split_at_checked(at)?;
                (start, tail.get(1..)?)
            }
        };
        Some(Self {
            start: texts(start)?,
            tail: texts(tail)?,
            has_rest: rest.is_some() || shape.end == End::Below,
            end: shape.end,
        })
    }
}

/// The paths with this number of segments, or more, with or without a trailing slash.
struct Class {
    count: usize,
    /// Whether it includes longer paths.
    is_open: bool,
    tails: usize,
    has_slash: bool,
}

/// A segment of the paths of a class, counted from the left in its shortest paths.
type Place = usize;

impl Class {
    /// The rule for this class: `Some(None)` if nothing in it is matched.
    fn rule(&self, shape: &Ends<'_>, exceptions: &[Ends<'_>]) -> Option<Option<Excepted>> {
        if self.count == 0 && !self.has_slash {
            return Some(None);
        }
        let Some(own) = self.requires(shape) else {
            return Some(None);
        };
        let mut alternatives: Vec<Vec<(Place, &str)>> = Vec::new();
        for exception in exceptions {
            let Some(required) = self.requires(exception) else {
                continue;
            };
            let mut left = Vec::new();
            let mut is_possible = true;
            for (place, text) in required {
                match own.iter().find(|(at, _)| *at == place) {
                    // The pattern itself decides this segment.
                    Some((_, own)) if matches(text, own) => {}
                    Some((_, own)) if !own.contains('*') => is_possible = false,
                    _ => left.push((place, text)),
                }
            }
            if is_possible && left.is_empty() {
                return Some(None);
            }
            if is_possible && !alternatives.contains(&left) {
                alternatives.push(left);
            }
        }
        let captured: Vec<Place> = alternatives
            .iter()
            .flatten()
            .map(|(place, _)| *place)
            .collect();
        let mut captures = 0;
        let mut pattern = String::new();
        let mut tests: Vec<String> = Vec::new();
        for place in 0..self.count {
            if self.is_open && place == self.count - self.tails {
                pattern.push_str("/**");
            }
            let own = own
                .iter()
                .find(|(at, _)| *at == place)
                .map(|(_, text)| *text);
            if captured.contains(&place) {
                captures += 1;
                pattern.push_str(&format!("/{{{}}}", name(place)));
                if let Some(own) = own {
                    tests.extend(compare(&name(place), &pieces(own))?);
                }
            } else {
                pattern.push_str(&format!("/{}", own.unwrap_or("*")));
            }
        }
        if self.has_slash {
            pattern.push('/');
        }
        self.written(pattern, &tests, &alternatives, captures)
    }

    /// Writes the rule.
    fn written(
        &self,
        pattern: String,
        own: &[String],
        alternatives: &[Vec<(Place, &str)>],
        captures: usize,
    ) -> Option<Option<Excepted>> {
        let mut comparisons = own.len();
        let mut unless: Vec<String> = Vec::new();
        for alternative in alternatives {
            let mut tests = Vec::new();
            for (place, text) in alternative {
                tests.extend(compare(&name(*place), &pieces(text))?);
            }
            comparisons += tests.len();
            // Without a comparison the exception covers the whole class.
            if tests.is_empty() {
                return Some(None);
            }
            unless.push(tests.join(" && "));
        }
        let is_single = unless.len() == 1 && own.is_empty();
        let mut parts: Vec<String> = own.iter().map(|test| format!("!({test})")).collect();
        parts.extend(unless.into_iter().map(|tests| {
            if is_single || !tests.contains(" && ") {
                tests
            } else {
                format!("({tests})")
            }
        }));
        let unless = parts.join(" || ");
        let is_small = captures <= MAX_CAPTURES_PER_PATTERN
            && comparisons <= MAX_COMPARISONS
            && unless.len() <= MAX_CONDITION_BYTES;
        is_small.then(|| {
            Some(Excepted {
                patterns: vec![pattern],
                unless: (!unless.is_empty()).then_some(unless),
            })
        })
    }

    /// Returns the requirements of a pattern for this class, or `None` if it matches none of it.
    fn requires<'a>(&self, ends: &Ends<'a>) -> Option<Vec<(Place, &'a str)>> {
        let is_end = match ends.end {
            End::File => !self.has_slash,
            End::Slash => self.has_slash,
            End::Below => true,
        };
        let own = ends.start.len() + ends.tail.len();
        let is_long_enough = match (ends.has_rest, ends.end) {
            (false, _) => !self.is_open && self.count == own,
            (true, End::Below) => self.count > own || (self.count == own && self.has_slash),
            (true, _) => self.count >= own,
        };
        if !is_end || !is_long_enough {
            return None;
        }
        let start = ends.start.iter().enumerate();
        let start = start.map(|(at, text)| (at, *text));
        let from = self.count - ends.tail.len();
        let tail = ends.tail.iter().enumerate();
        let tail = tail.map(|(at, text)| (from + at, *text));
        // A segment is never empty, so `*` requires nothing.
        Some(start.chain(tail).filter(|(_, text)| *text != "*").collect())
    }
}

/// The name of a capture.
fn name(place: Place) -> String {
    format!("s{}", place + 1)
}

#[cfg(test)]
mod tests;
