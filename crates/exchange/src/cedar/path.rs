//! Path matching in Cedar.

use tollgate_policy::spec::{Pattern, Segment};

use super::limit::Limit;
use super::shape::Shape;
use super::text::{escaped, quoted};

/// The condition under which a path matches.
pub(super) fn fits(pattern: &Pattern, shape: &mut Shape) -> Result<String, Limit> {
    let rests: Vec<usize> = pattern
        .segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| matches!(segment, Segment::Rest))
        .map(|(at, _)| at)
        .collect();
    let count = pattern.segments.len();
    let slash = if pattern.trailing_slash {
        "resource.slash"
    } else {
        "!resource.slash"
    };
    let mut all = Vec::new();
    match rests.as_slice() {
        [] => {
            all.push(format!("resource.depth == {count} && {slash}"));
            all.extend(starts(&pattern.segments, shape));
        }
        [rest] if rest + 1 == count => {
            all.push(if pattern.trailing_slash {
                format!("resource.depth >= {rest} && {slash}")
            } else {
                format!("(resource.depth > {rest} || (resource.depth == {rest} && resource.slash))")
            });
            all.extend(starts(
                pattern.segments.get(..*rest).unwrap_or_default(),
                shape,
            ));
        }
        [rest] => {
            all.push(format!("resource.depth >= {} && {slash}", count - 1));
            all.extend(starts(
                pattern.segments.get(..*rest).unwrap_or_default(),
                shape,
            ));
            let ends = pattern.segments.get(rest + 1..).unwrap_or_default();
            for (at, segment) in ends.iter().rev().enumerate() {
                if let Some(test) = test(segment) {
                    let place = from_end(at, shape);
                    all.push(format!("resource has {place} && resource.{place} {test}"));
                }
            }
        }
        [first, last] if last + 1 == count => {
            all.extend(starts(
                pattern.segments.get(..*first).unwrap_or_default(),
                shape,
            ));
            let middle = pattern.segments.get(first + 1..*last).unwrap_or_default();
            let mut like = String::from("*/");
            for segment in middle {
                let Segment::Literal(text) = segment else {
                    return Err(Limit::OpenMiddle);
                };
                like.push_str(&escaped(text, true));
                like.push('/');
            }
            like.push('*');
            shape.rests.insert(*first);
            let place = format!("from{first}");
            all.push(format!(
                "resource has {place} && resource.{place} like \"{like}\""
            ));
            if pattern.trailing_slash {
                all.push(slash.to_owned());
            }
        }
        _ => return Err(Limit::ManyRests),
    }
    Ok(all.join(" && "))
}

fn starts(segments: &[Segment], shape: &mut Shape) -> Vec<String> {
    let mut all = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        if let Some(test) = test(segment) {
            let place = from_start(at, shape);
            all.push(format!("resource has {place} && resource.{place} {test}"));
        }
    }
    all
}

/// The condition for a segment; `None` for a capture, which matches any segment.
fn test(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Literal(text) => Some(format!("== {}", quoted(text))),
        Segment::Glob(glob) => {
            let parts: Vec<String> = glob.split('*').map(|part| escaped(part, true)).collect();
            Some(format!("like \"{}\"", parts.join("*")))
        }
        Segment::Capture(_) | Segment::Rest => None,
    }
}

/// The attribute of a segment counted from the start.
pub(super) fn from_start(at: usize, shape: &mut Shape) -> String {
    shape.starts.insert(at);
    format!("s{at}")
}

/// The attribute of a segment counted from the end.
pub(super) fn from_end(at: usize, shape: &mut Shape) -> String {
    shape.ends.insert(at);
    format!("e{at}")
}
