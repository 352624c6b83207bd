//! The trie of patterns, and the table of its literal edges.

use tollgate_core::ImageError;
use tollgate_core::image::format::{MAX_STARS, NONE, Section, WIDE};

use super::kit::*;
use super::parts::Parts;

const WIDE_CANDIDATES: usize = 0;
const WIDE_GLOBS: usize = 4;
const WIDE_CAPTURE_CHILD: usize = 8;
const WIDE_FIRST_CHILD: usize = 12;
const WIDE_CHILD_COUNT: usize = 16;
const WIDE_CANDIDATE_COUNT: usize = 20;
const WIDE_GLOB_COUNT: usize = 22;

/// The first wide node that has something there, and its record.
fn wide(parts: &Parts, at: usize, is_it: fn(u32) -> bool) -> (u32, u32) {
    let nodes = parts.count(Section::Nodes);
    (0..nodes)
        .filter(|node| parts.get(Section::Nodes, *node, 7) == [WIDE])
        .map(|node| {
            let [a, b, c] = parts.get(Section::Nodes, node, 4);
            (node, u32::from_le_bytes([a, b, c, 0]))
        })
        .find(|(_, wide)| {
            let bytes = parts.get::<4>(Section::Wides, *wide, at);
            is_it(u32::from_le_bytes(bytes))
        })
        .unwrap()
}

/// A leaf whose only rule is this.
fn leaf(parts: &Parts, rule: u32) -> u32 {
    let [a, b, c, _] = rule.to_le_bytes();
    let nodes = parts.count(Section::Nodes);
    (0..nodes)
        .find(|node| {
            let [x, y, z, end] = parts.get(Section::Nodes, *node, 4);
            end != WIDE && [x, y, z] == [a, b, c]
        })
        .unwrap()
}

#[test]
fn candidates() {
    each(
        Section::Candidates,
        &[
            valid("the last rule", |parts| {
                parts.put(Section::Candidates, 0, 0, &[2, 0, 0])
            }),
            invalid("a rule that does not exist", |parts| {
                parts.put(Section::Candidates, 0, 0, &[3, 0, 0])
            }),
            invalid("an end that does not exist", |parts| {
                let [a, b, c, _] = last(parts, Section::Ends, 1);
                parts.put(Section::Candidates, 0, 3, &[a, b, c]);
            }),
            invalid("an end without the rule's capture", |parts| {
                let end = parts.push(Section::Ends, &[0; 16]);
                let [a, b, c, _] = end.to_le_bytes();
                let candidate = parts.find(Section::Candidates, 0, 0);
                parts.put(Section::Candidates, candidate, 3, &[a, b, c]);
            }),
        ],
    );
}

#[test]
fn the_trie() {
    each(
        Section::Globs,
        &[
            valid("many stars", |parts| {
                let text = stars(parts, MAX_STARS);
                parts.put(Section::Globs, 0, 0, &text);
            }),
            invalid("too many stars", |parts| {
                let text = stars(parts, MAX_STARS + 1);
                parts.put(Section::Globs, 0, 0, &text);
            }),
            invalid("a node that does not exist", |parts| {
                let beyond = last(parts, Section::Nodes, 1);
                parts.put(Section::Globs, 0, 4, &beyond);
            }),
        ],
    );
    each(
        Section::Nodes,
        &[
            invalid("a label that does not exist", |parts| {
                let offset = nowhere(parts);
                parts.put(Section::Nodes, 1, 0, &offset);
            }),
            invalid("a wide node that does not exist", |parts| {
                let [a, b, c, _] = last(parts, Section::Wides, 1);
                parts.put(Section::Nodes, 0, 4, &[a, b, c]);
            }),
            invalid("a leaf's rule that does not exist", |parts| {
                let leaf = leaf(parts, OPEN);
                parts.put(Section::Nodes, leaf, 4, &[3, 0, 0]);
            }),
            invalid("a leaf's rule with a capture", |parts| {
                let leaf = leaf(parts, OPEN);
                parts.put(Section::Nodes, leaf, 4, &[0, 0, 0]);
            }),
            invalid("a leaf's end that does not exist", |parts| {
                let (leaf, [end, ..]) = (leaf(parts, OPEN), last(parts, Section::Ends, 1));
                parts.put(Section::Nodes, leaf, 7, &[end]);
            }),
            valid("the last node for a capture", |parts| {
                capture_child(parts, |_, nodes| nodes - 1)
            }),
            invalid("a node that does not exist", |parts| {
                capture_child(parts, |_, nodes| nodes)
            }),
            invalid("itself", |parts| capture_child(parts, |node, _| node)),
            valid("the last candidates", |parts| {
                candidates_of_root(parts, 1, 1)
            }),
            invalid("candidates that do not exist", |parts| {
                candidates_of_root(parts, 1, 2)
            }),
            valid("none after the last", |parts| {
                candidates_of_root(parts, 0, 0)
            }),
            invalid("globs that do not exist", |parts| {
                let (_, wide) = wide(parts, WIDE_CANDIDATE_COUNT, |counts| counts >> 16 > 0);
                let beyond = last(parts, Section::Globs, 1);
                parts.put(Section::Wides, wide, WIDE_GLOBS, &beyond);
            }),
            invalid("more globs than are there", |parts| {
                let (_, wide) = wide(parts, WIDE_CANDIDATE_COUNT, |counts| counts >> 16 > 0);
                parts.put(Section::Wides, wide, WIDE_GLOB_COUNT, &[200]);
            }),
            invalid("a glob that leads back", |parts| {
                let (node, wide) = wide(parts, WIDE_CANDIDATE_COUNT, |counts| counts >> 16 > 0);
                let glob = u32::from_le_bytes(parts.get(Section::Wides, wide, WIDE_GLOBS));
                parts.put(Section::Globs, glob, 4, &node.to_le_bytes());
            }),
            invalid("children that lead back", |parts| {
                let (node, wide) = wide(parts, WIDE_CHILD_COUNT, |count| count > 0);
                parts.put(Section::Wides, wide, WIDE_FIRST_CHILD, &node.to_le_bytes());
            }),
            invalid("children that do not exist", |parts| {
                let (_, wide) = wide(parts, WIDE_CHILD_COUNT, |count| count > 0);
                let nodes = parts.count(Section::Nodes).to_le_bytes();
                parts.put(Section::Wides, wide, WIDE_CHILD_COUNT, &nodes);
            }),
            valid("no children, wherever they are", |parts| {
                let (_, wide) = wide(parts, WIDE_CHILD_COUNT, |count| count == 0);
                parts.put(Section::Wides, wide, WIDE_FIRST_CHILD, &[0; 4]);
            }),
        ],
    );
}

fn capture_child(parts: &mut Parts, child: fn(u32, u32) -> u32) {
    let (node, wide) = wide(parts, WIDE_CAPTURE_CHILD, |child| child != NONE);
    let child = child(node, parts.count(Section::Nodes));
    parts.put(
        Section::Wides,
        wide,
        WIDE_CAPTURE_CHILD,
        &child.to_le_bytes(),
    );
}

/// So many candidates, from so many before the last one's end.
fn candidates_of_root(parts: &mut Parts, before_end: u32, count: u16) {
    let first = parts.count(Section::Candidates) - before_end;
    let (_, wide) = wide(parts, WIDE_CHILD_COUNT, |count| count > 0);
    parts.put(Section::Wides, wide, WIDE_CANDIDATES, &first.to_le_bytes());
    parts.put(
        Section::Wides,
        wide,
        WIDE_CANDIDATE_COUNT,
        &count.to_le_bytes(),
    );
}

#[test]
fn slots() {
    fn slot(parts: &Parts, is_used: bool) -> u32 {
        let slots = parts.count(Section::Slots);
        (0..slots)
            .find(|slot| (parts.get(Section::Slots, *slot, 0) != [0; 4]) == is_used)
            .unwrap()
    }
    each(
        Section::Slots,
        &[
            invalid("no nodes", |parts| {
                parts.section(Section::Nodes).clear();
                parts.section(Section::Globs).clear();
            }),
            invalid("a child that is not found", |parts| {
                let slot = slot(parts, true);
                parts.put(Section::Slots, slot, 0, &[0; 4]);
            }),
            invalid("another fingerprint", |parts| {
                let slot = slot(parts, true);
                let [byte] = parts.get(Section::Slots, slot, 0);
                parts.put(Section::Slots, slot, 0, &[byte ^ 1]);
            }),
            invalid("another child", |parts| {
                let slot = slot(parts, true);
                let [byte] = parts.get(Section::Slots, slot, 1);
                parts.put(Section::Slots, slot, 1, &[byte ^ 1]);
            }),
            invalid("a slot too many", |parts| {
                let slot = slot(parts, false);
                parts.put(Section::Slots, slot, 0, &[1]);
            }),
        ],
    );
}

/// Without literal edges the table is empty, so its longest probe must be 0.
#[test]
fn an_empty_table() {
    let refused = Err(ImageError::BadSection(Section::Slots));
    let policy = r#"
schema = 1
[site]
name = "all"
[[rule]]
id = "all"
allow = ["/**"]
anyone = true
"#;
    for (slots, probe, expected) in [
        (0, 0, Ok(())),
        (1, 1, refused),
        (0, 1, refused),
        (1, 0, Ok(())),
    ] {
        let mut parts = Parts::of(policy);
        assert_eq!(parts.count(Section::Slots), 0);
        parts.push(Section::Slots, &[0; 4].repeat(slots));
        parts.header[40] = probe;
        assert_eq!(parts.validate(), expected, "{slots} slots, probe {probe}");
    }
}
