//! Patterns that are slightly broader or narrower.

use tollgate_policy::spec::{Pattern, Segment};

use crate::syntax;

/// Every changed pattern. The first `base` segments are the file's base and do not change.
pub(super) fn changes(pattern: &Pattern, base: usize) -> Vec<Pattern> {
    let mut all = Vec::new();
    let mut add = |segments: Vec<Segment>, trailing_slash: bool| {
        let mut changed = Pattern {
            trailing_slash: trailing_slash || segments.is_empty(),
            segments,
            source: String::new(),
        };
        changed.source = syntax::pattern(&changed);
        if is_sound(&changed) && changed.source != pattern.source && !all.contains(&changed) {
            all.push(changed);
        }
    };
    let own = pattern.segments.get(base..).unwrap_or_default();
    let replaced = |at: usize, by: Option<Segment>| {
        let mut segments = pattern.segments.clone();
        segments.splice(base + at..=base + at, by);
        segments
    };
    let slash = pattern.trailing_slash;
    for (at, segment) in own.iter().enumerate() {
        let is_last = at + 1 == own.len();
        let star = || Some(Segment::Glob("*".to_owned()));
        match segment {
            Segment::Rest => {
                add(replaced(at, star()), slash);
                add(replaced(at, None), slash || is_last);
            }
            Segment::Literal(_) => {
                add(replaced(at, star()), slash);
                if is_last {
                    add(replaced(at, Some(Segment::Rest)), false);
                }
                // `/a/b/**` without its `b`.
                if matches!(own.get(at + 1), Some(Segment::Rest)) {
                    add(replaced(at, None), slash);
                }
            }
            Segment::Glob(glob) => {
                add(replaced(at, star()), slash);
                if is_last {
                    add(replaced(at, Some(Segment::Rest)), false);
                }
                for (star, _) in glob.match_indices('*') {
                    add(replaced(at, without_star(glob, star)), slash);
                }
            }
            // The capture is used; otherwise it is equivalent to `*`.
            Segment::Capture(_) => {}
        }
    }
    if !own.is_empty() && !matches!(own.last(), Some(Segment::Rest)) {
        add(pattern.segments.clone(), !slash);
    }
    all
}

fn without_star(glob: &str, at: usize) -> Option<Segment> {
    let text: String = glob
        .char_indices()
        .filter(|(place, _)| *place != at)
        .map(|(_, c)| c)
        .collect();
    if text.is_empty() {
        return None;
    }
    Some(if text.contains('*') {
        Segment::Glob(text)
    } else {
        Segment::Literal(text)
    })
}

/// Whether the compiler would accept it.
fn is_sound(pattern: &Pattern) -> bool {
    let segments = &pattern.segments;
    let is_rest = |segment: &Segment| matches!(segment, Segment::Rest);
    let first = segments.iter().position(is_rest);
    let last = segments.iter().rposition(is_rest);
    let ends_in_rest = segments.last().is_some_and(is_rest);
    let twice = segments.windows(2).any(|pair| pair.iter().all(is_rest));
    let unclear = segments.iter().enumerate().any(|(at, segment)| {
        let between = first.is_some_and(|first| at > first) && last.is_some_and(|last| at < last);
        matches!(segment, Segment::Capture(_)) && between
    });
    !(twice || unclear || (ends_in_rest && pattern.trailing_slash))
}
