//! Whether some path may fit two patterns.
//!
//! Not here: which path (`walk`). Two globs count as fitting a segment together unless their ends rule that out.

use tollgate_core::glob;
use tollgate_policy::spec::{Pattern, Segment};

/// Whether some path may fit both patterns; never `false` if one does.
pub(super) fn meet(a: &Pattern, b: &Pattern) -> bool {
    let has_rest = |pattern: &Pattern| pattern.segments.contains(&Segment::Rest);
    if !has_rest(a) && !has_rest(b) && a.trailing_slash != b.trailing_slash {
        return false;
    }
    // The numbers of segments of `b` that may be matched when those of `a` so far are.
    let mut row = vec![false; b.segments.len() + 1];
    if let Some(start) = row.first_mut() {
        *start = true;
    }
    pass_rests(&mut row, b);
    for segment in &a.segments {
        row = match segment {
            // It takes any of what `b` takes from any of these places.
            Segment::Rest => {
                let first = row.iter().position(|reached| *reached);
                (0..row.len())
                    .map(|at| first.is_some_and(|first| first <= at))
                    .collect()
            }
            segment => {
                let mut next = vec![false; row.len()];
                let places = row.iter().zip(&b.segments).zip(0..);
                for ((_, other), at) in places.filter(|((reached, _), _)| **reached) {
                    let to = match other {
                        Segment::Rest => at,
                        other if fit(segment, other) => at + 1,
                        _ => continue,
                    };
                    if let Some(place) = next.get_mut(to) {
                        *place = true;
                    }
                }
                next
            }
        };
        pass_rests(&mut row, b);
    }
    row.last() == Some(&true)
}

/// A `**` may take nothing.
fn pass_rests(row: &mut [bool], b: &Pattern) {
    for (at, segment) in b.segments.iter().enumerate() {
        if *segment == Segment::Rest
            && row.get(at) == Some(&true)
            && let Some(after) = row.get_mut(at + 1)
        {
            *after = true;
        }
    }
}

fn fit(a: &Segment, b: &Segment) -> bool {
    match (a, b) {
        (Segment::Literal(a), Segment::Literal(b)) => a == b,
        (Segment::Literal(text), Segment::Glob(glob))
        | (Segment::Glob(glob), Segment::Literal(text)) => {
            glob::matches(glob.as_bytes(), text.as_bytes())
        }
        (Segment::Glob(a), Segment::Glob(b)) => {
            let ends = |glob: &str| {
                let start = glob.split('*').next().unwrap_or_default().to_owned();
                let end = glob.rsplit('*').next().unwrap_or_default().to_owned();
                (start, end)
            };
            let ((a_start, a_end), (b_start, b_end)) = (ends(a), ends(b));
            (a_start.starts_with(&b_start) || b_start.starts_with(&a_start))
                && (a_end.ends_with(&b_end) || b_end.ends_with(&a_end))
        }
        (Segment::Capture(_) | Segment::Rest, _) | (_, Segment::Capture(_) | Segment::Rest) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut segments: Vec<&str> = text.split('/').skip(1).collect();
        let trailing_slash = segments.last() == Some(&"");
        if trailing_slash {
            segments.pop();
        }
        let segment = |text: &&str| match *text {
            "**" => Segment::Rest,
            text if text.starts_with('{') => Segment::Capture(text.to_owned()),
            text if text.contains('*') => Segment::Glob(text.to_owned()),
            text => Segment::Literal(text.to_owned()),
        };
        Pattern {
            segments: segments.iter().map(segment).collect(),
            trailing_slash,
            source: text.to_owned(),
        }
    }

    #[test]
    fn table() {
        for (a, b, expect) in [
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/a", "/a/", false),
            ("/a", "/a/b", false),
            ("/a/b", "/*/b", true),
            ("/{x}/b", "/a/{y}", true),
            ("/{x}/b", "/a/c", false),
            ("/**", "/a/b/", true),
            ("/a/**", "/a/exams/**", true),
            ("/a/**", "/b/exams/**", false),
            ("/**/exams/*", "/a/**", true),
            ("/**/exams/*", "/a/b", false),
            ("/**/exams/*", "/a/b/**/x.pdf", true),
            ("/a/**/b/**/c", "/a/b/c", true),
            ("/a/**/b/**/c", "/a/c", false),
            ("/**/a", "/**/b", false),
            ("/**/a/**", "/**/b", true),
            ("/*.pdf", "/x.pdf", true),
            ("/*.pdf", "/x.png", false),
            ("/*.pdf", "/a*", true),
            ("/*.pdf", "/*.png", false),
            ("/a*", "/b*", false),
        ] {
            for (a, b) in [(a, b), (b, a)] {
                assert_eq!(meet(&pattern(a), &pattern(b)), expect, "{a} {b}");
            }
        }
    }
}
