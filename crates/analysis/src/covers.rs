//! Whether one pattern covers another.

use tollgate_core::glob;
use tollgate_policy::spec::{Pattern, Segment};

/// Whether every path that matches `inner` certainly matches `outer`. Also `false` if it is not
/// obvious.
pub fn covers(outer: &Pattern, inner: &Pattern) -> bool {
    let mut mine = outer.segments.iter();
    let mut theirs = inner.segments.iter();
    loop {
        match (mine.next(), theirs.next()) {
            (Some(Segment::Rest), rest) => {
                // A final `/**` matches everything below, with or without a trailing slash; `/**/` only with one.
                return mine.next().is_none()
                    && (rest.is_some() || inner.trailing_slash)
                    && (inner.trailing_slash || !outer.trailing_slash);
            }
            (None, None) => return outer.trailing_slash == inner.trailing_slash,
            (Some(mine), Some(theirs)) if holds(mine, theirs) => {}
            _ => return false,
        }
    }
}

fn holds(outer: &Segment, inner: &Segment) -> bool {
    match (outer, inner) {
        (_, Segment::Rest) => false,
        (Segment::Capture(_), _) => true,
        (Segment::Glob(glob), _) if glob == "*" => true,
        (Segment::Glob(glob), Segment::Literal(text)) => {
            glob::matches(glob.as_bytes(), text.as_bytes())
        }
        (outer, inner) => outer == inner,
    }
}
