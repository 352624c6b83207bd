//! Whether two patterns have a path in common, and whether one takes in all of the other.

use tollgate_compiler::spec::{Pattern, Segment};

/// Whether some path fits both patterns.
pub fn overlap(left: &Pattern, right: &Pattern) -> bool {
    readings(left).iter().any(|(left, slash)| {
        let mut right = readings(right).into_iter();
        right.any(|(right, other)| *slash == other && meet(left, &right))
    })
}

/// A pattern as segments and a slash at the end. One that ends in `/**` has two readings: with a slash, or
/// with at least one segment in place of the `**`.
fn readings(pattern: &Pattern) -> Vec<(Vec<Segment>, bool)> {
    let segments = pattern.segments.clone();
    if !matches!(segments.last(), Some(Segment::Rest)) {
        return vec![(segments, pattern.trailing_slash)];
    }
    let mut longer = segments.clone();
    longer.push(Segment::Glob("*".to_owned()));
    vec![(segments, true), (longer, false)]
}

fn meet(left: &[Segment], right: &[Segment]) -> bool {
    // Which ends of `right` can be left over once the same count of segments of `left` is used up.
    let mut reachable: Vec<bool> = (0..=right.len()).map(|_| false).collect();
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    close(&mut reachable, right);
    for segment in left {
        let at = |list: &[bool], place: usize| list.get(place).copied().unwrap_or(false);
        let mut next: Vec<bool> = reachable.iter().map(|_| false).collect();
        if matches!(segment, Segment::Rest) {
            // Any number of segments: every later end can be reached.
            let mut seen = false;
            for (place, slot) in next.iter_mut().enumerate() {
                seen |= at(&reachable, place);
                *slot = seen;
            }
        } else {
            for (place, other) in right.iter().enumerate() {
                if !at(&reachable, place) {
                    continue;
                }
                let lands = match other {
                    Segment::Rest => place,
                    other if fit(segment, other) => place + 1,
                    _ => continue,
                };
                if let Some(slot) = next.get_mut(lands) {
                    *slot = true;
                }
            }
        }
        close(&mut next, right);
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// A `**` of `right` can also stand for nothing.
fn close(reachable: &mut [bool], right: &[Segment]) {
    for (place, segment) in right.iter().enumerate() {
        if matches!(segment, Segment::Rest)
            && reachable.get(place) == Some(&true)
            && let Some(after) = reachable.get_mut(place + 1)
        {
            *after = true;
        }
    }
}

/// Whether some segment fits both.
fn fit(left: &Segment, right: &Segment) -> bool {
    match (text(left), text(right)) {
        (Some(left), Some(right)) => globs_meet(left, right),
        _ => true,
    }
}

fn text(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Literal(text) | Segment::Glob(text) => Some(text),
        Segment::Capture(_) | Segment::Rest => None,
    }
}

/// Whether some text fits both globs: beginnings and ends must agree, and a glob without `*` is a text.
fn globs_meet(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // The same walk as over segments, one character at a time.
    let mut reachable: Vec<bool> = (0..=right.len()).map(|at| at == 0).collect();
    let close = |reachable: &mut Vec<bool>| {
        for (place, c) in right.iter().enumerate() {
            if *c == '*'
                && reachable.get(place) == Some(&true)
                && let Some(after) = reachable.get_mut(place + 1)
            {
                *after = true;
            }
        }
    };
    close(&mut reachable);
    for c in &left {
        let mut next: Vec<bool> = reachable.iter().map(|_| false).collect();
        let mut seen = false;
        for (place, slot) in reachable.iter().enumerate() {
            if *c == '*' {
                seen |= slot;
                if let Some(next) = next.get_mut(place) {
                    *next = seen;
                }
            } else if *slot {
                let lands = match right.get(place) {
                    Some('*') => place,
                    Some(other) if other == c => place + 1,
                    _ => continue,
                };
                if let Some(next) = next.get_mut(lands) {
                    *next = true;
                }
            }
        }
        close(&mut next);
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// Whether every path that fits `inner` surely fits `outer`. `false` may also mean that it is not plain to
/// see.
pub fn covers(outer: &Pattern, inner: &Pattern) -> bool {
    let mut mine = outer.segments.iter();
    let mut theirs = inner.segments.iter();
    loop {
        match (mine.next(), theirs.next()) {
            (Some(Segment::Rest), rest) => {
                // A final `/**` fits what lies below, with or without a slash at the end.
                return mine.next().is_none() && (rest.is_some() || inner.trailing_slash);
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
        (Segment::Glob(glob), Segment::Literal(text)) => globs_meet(glob, text),
        (outer, inner) => outer == inner,
    }
}
