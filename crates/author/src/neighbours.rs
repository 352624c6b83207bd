//! The rules and tests that one rule can affect, found by their paths.
//!
//! A rule is evaluated only for paths that one of its patterns matches. Two policies that differ in one rule
//! therefore decide identically for all other paths, and for these paths only the rules that match some of them
//! matter. The search compares patterns segment by segment and treats every wildcard as able to match: it can
//! return too much, which costs time, and never too little. Not here: exact overlaps, which the analysis finds.

use std::collections::{BTreeSet, HashMap};

use tollgate_core::{PathOptions, PathScratch};
use tollgate_policy::spec::{ImageSpec, Pattern, Segment};

/// Items by their pattern: numbers of rules, or of tests.
#[derive(Debug)]
pub(crate) struct PathIndex {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, usize>,
    /// The child for a segment with wildcards.
    wild: Option<usize>,
    /// Items whose pattern ends here.
    ends: Vec<usize>,
    /// Items whose pattern continues with `**`.
    rest: Vec<usize>,
}

impl PathIndex {
    fn new() -> Self {
        let nodes = vec![Node::default()];
        Self { nodes }
    }

    /// The rules of a policy, by their positions.
    pub(crate) fn of_rules(policy: &ImageSpec) -> Self {
        let mut index = Self::new();
        for (at, rule) in policy.rules.iter().enumerate() {
            for pattern in &rule.patterns {
                index.insert(&pattern.segments, at);
            }
        }
        index
    }

    /// Request targets, by their positions. Targets that the gate rejects are omitted: no rule is evaluated for
    /// them.
    pub(crate) fn of_targets<'t>(
        targets: impl IntoIterator<Item = &'t str>,
        options: PathOptions<'_>,
    ) -> Self {
        let mut index = Self::new();
        for (at, target) in targets.into_iter().enumerate() {
            if let Some(segments) = segments(target, options) {
                index.insert(&segments, at);
            }
        }
        index
    }

    fn insert(&mut self, segments: &[Segment], item: usize) {
        let mut at = 0;
        for segment in segments {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            let child = match segment {
                Segment::Rest => {
                    node.rest.push(item);
                    return;
                }
                Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(next),
                Segment::Glob(_) | Segment::Capture(_) => *node.wild.get_or_insert(next),
            };
            if child == next {
                self.nodes.push(Node::default());
            }
            at = child;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push(item);
        }
    }

    /// The items whose pattern may match a path that one of `patterns` matches, in increasing order.
    pub(crate) fn near<'p>(
        &self,
        patterns: impl IntoIterator<Item = &'p Pattern>,
    ) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for pattern in patterns {
            let mut open = vec![(0, pattern.segments.as_slice())];
            while let Some((at, segments)) = open.pop() {
                let Some(node) = self.nodes.get(at) else {
                    continue;
                };
                found.extend(&node.rest);
                match segments.split_first() {
                    None => found.extend(&node.ends),
                    Some((Segment::Rest, _)) => {
                        // Whatever follows, `**` may match all that is below.
                        found.extend(&node.ends);
                        let children = node.literals.values().chain(&node.wild);
                        open.extend(children.map(|child| (*child, segments)));
                    }
                    Some((Segment::Literal(text), after)) => {
                        let children = node.literals.get(text).into_iter().chain(&node.wild);
                        open.extend(children.map(|child| (*child, after)));
                    }
                    Some((Segment::Glob(_) | Segment::Capture(_), after)) => {
                        let children = node.literals.values().chain(&node.wild);
                        open.extend(children.map(|child| (*child, after)));
                    }
                }
            }
        }
        found
    }
}

/// The segments of a target's path; `None` if the gate rejects it.
fn segments(target: &str, options: PathOptions<'_>) -> Option<Vec<Segment>> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let mut scratch = PathScratch::new();
    let path = scratch.parse(path.as_bytes(), options).ok()?;
    let text = |segment: &[u8]| Segment::Literal(String::from_utf8_lossy(segment).into_owned());
    let segments = (0..path.segment_count()).filter_map(|at| path.segment(at));
    Some(segments.map(text).collect())
}

/// The policy with only these rules of it, in the order of their positions.
pub(crate) fn among(policy: &ImageSpec, rules: &BTreeSet<usize>) -> ImageSpec {
    let rules = rules.iter().filter_map(|at| policy.rules.get(*at));
    ImageSpec {
        ascii_only: policy.ascii_only,
        reader: policy.reader,
        index: policy.index.clone(),
        claims: policy.claims.clone(),
        rules: rules.cloned().collect(),
        gate: policy.gate.clone(),
    }
}

#[cfg(test)]
mod tests;
