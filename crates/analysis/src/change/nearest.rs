//! The paths nearest to one that no rule allows.

use std::rc::Rc;

use tollgate_core::{Effect, glob};
use tollgate_policy::spec::{Pattern, Segment};

use crate::policy::Policy;
use crate::walk::escaped;

/// Most paths that are proposed.
const MOST: usize = 3;

/// Paths that allow rules name, those first that share most with this one.
pub(super) fn paths(policy: &Policy, segments: &[Rc<str>], slash: bool) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let own = escaped(segments, slash);
    for rule in policy.rules() {
        if rule.effect != Effect::Allow {
            continue;
        }
        for pattern in &rule.patterns {
            let target = fitted(pattern, segments, slash);
            let distance = strsim::levenshtein(&own, &target);
            found.push((distance, target));
        }
    }
    found.sort();
    found.dedup();
    found.truncate(MOST);
    found.into_iter().map(|(_, target)| target).collect()
}

/// The pattern with this path's segments wherever it takes any.
fn fitted(pattern: &Pattern, segments: &[Rc<str>], slash: bool) -> String {
    let rest_at = |segment: &Segment| *segment == Segment::Rest;
    let first_rest = pattern.segments.iter().position(rest_at);
    let mut path: Vec<Rc<str>> = Vec::new();
    let mut ends_in_rest = false;
    for (at, part) in pattern.segments.iter().enumerate() {
        ends_in_rest = false;
        let here = segments.get(at);
        match part {
            Segment::Literal(text) => path.push(text.as_str().into()),
            Segment::Glob(glob) => {
                let fits = here.filter(|own| glob_fits(glob, own));
                path.push(
                    fits.cloned()
                        .unwrap_or_else(|| glob.replace('*', "x").into()),
                );
            }
            Segment::Capture(_) => path.push(here.cloned().unwrap_or_else(|| "x".into())),
            Segment::Rest => {
                ends_in_rest = true;
                if first_rest == Some(at) {
                    let after = pattern.segments.len() - at - 1;
                    let last = segments.len().saturating_sub(after);
                    path.extend(segments.get(at..last).unwrap_or_default().iter().cloned());
                }
            }
        }
    }
    let slash = if ends_in_rest && !pattern.trailing_slash {
        slash || path.len() < pattern.segments.len()
    } else {
        pattern.trailing_slash
    };
    escaped(&path, slash)
}

fn glob_fits(glob: &str, text: &str) -> bool {
    glob::matches(glob.as_bytes(), text.as_bytes())
}
