//! The trie over the patterns' segments up to their first `**`.
//!
//! Not here: walking it, which is the core's.

use std::collections::{BTreeMap, HashMap};

use tollgate_core::image::format::{EndKind, NONE, Section, TailKind, edge_hash};

use super::EncodeError;
use super::tables::{Tables, count};
use crate::spec::{Pattern, Segment};

/// A trie under construction. Children are made after their parents, so they have larger numbers.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    literals: HashMap<(u32, String), u32>,
}

#[derive(Debug, Default)]
struct Node {
    candidates: Vec<(u32, u32)>,
    globs: BTreeMap<String, u32>,
    capture: Option<u32>,
    literal_children: Vec<u32>,
}

/// Figures of a trie.
pub(super) struct Figures {
    pub(super) nodes: usize,
    pub(super) max_rules_per_path: usize,
    pub(super) max_nodes_per_path: usize,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            literals: HashMap::new(),
        }
    }

    /// Adds a pattern of a rule.
    pub(super) fn insert(
        &mut self,
        tables: &mut Tables,
        rule: u32,
        pattern: &Pattern,
        captures: &[u16],
    ) -> Result<(), EncodeError> {
        let rest = pattern
            .segments
            .iter()
            .position(|segment| *segment == Segment::Rest);
        let (path, tail) = pattern
            .segments
            .split_at(rest.unwrap_or(pattern.segments.len()));
        let mut at = 0;
        for segment in path {
            at = self.child(at, segment)?;
        }
        let end = write_end(tables, tail, pattern.trailing_slash, captures)?;
        self.node_mut(at)?.candidates.push((rule, end));
        Ok(())
    }

    fn child(&mut self, parent: u32, segment: &Segment) -> Result<u32, EncodeError> {
        let next = count(self.nodes.len())?;
        let child = match segment {
            Segment::Literal(text) => {
                let child = *self.literals.entry((parent, text.clone())).or_insert(next);
                if child == next {
                    self.node_mut(parent)?.literal_children.push(child);
                }
                child
            }
            Segment::Glob(text) => *self
                .node_mut(parent)?
                .globs
                .entry(text.clone())
                .or_insert(next),
            Segment::Capture(_) | Segment::Rest => {
                *self.node_mut(parent)?.capture.get_or_insert(next)
            }
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        Ok(child)
    }

    fn node_mut(&mut self, at: u32) -> Result<&mut Node, EncodeError> {
        self.nodes.get_mut(at as usize).ok_or(EncodeError::TooMany)
    }

    /// Writes nodes, edges, globs and candidates.
    pub(super) fn write(self, tables: &mut Tables) -> Result<Figures, EncodeError> {
        for node in &self.nodes {
            let (candidates, globs) = (
                tables.len(Section::Candidates)?,
                tables.len(Section::Globs)?,
            );
            let short = |len: usize| u16::try_from(len).map_err(|_| EncodeError::TooMany);
            tables.push(
                Section::Nodes,
                &[
                    &candidates.to_le_bytes(),
                    &globs.to_le_bytes(),
                    &node.capture.unwrap_or(NONE).to_le_bytes(),
                    &short(node.candidates.len())?.to_le_bytes(),
                    &short(node.globs.len())?.to_le_bytes(),
                ],
            );
            for (rule, end) in &node.candidates {
                tables.push(
                    Section::Candidates,
                    &[&rule.to_le_bytes(), &end.to_le_bytes()],
                );
            }
            for (text, child) in &node.globs {
                let (offset, len) = tables.string(text.as_bytes())?;
                tables.push(
                    Section::Globs,
                    &[
                        &offset.to_le_bytes(),
                        &child.to_le_bytes(),
                        &len.to_le_bytes(),
                        &[0, 0],
                    ],
                );
            }
        }
        write_edges(tables, &self.literals)?;
        let (max_rules_per_path, max_nodes_per_path) = self.worst_path();
        Ok(Figures {
            nodes: self.nodes.len(),
            max_rules_per_path,
            max_nodes_per_path,
        })
    }

    /// Upper bounds over all paths: of the literal children only one can be taken, of the others all.
    fn worst_path(&self) -> (usize, usize) {
        let mut worst = vec![(0_usize, 0_usize); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let of = |child: &u32| worst.get(*child as usize).copied().unwrap_or_default();
            let literal = node.literal_children.iter().map(of);
            let literal = literal.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
            let others = node.globs.values().chain(&node.capture).map(of);
            let (rules, nodes) = others.fold(literal, |a, b| {
                (a.0.saturating_add(b.0), a.1.saturating_add(b.1))
            });
            if let Some(place) = worst.get_mut(at) {
                *place = (
                    rules.saturating_add(node.candidates.len()),
                    nodes.saturating_add(1),
                );
            }
        }
        worst.first().copied().unwrap_or_default()
    }
}

fn write_end(
    tables: &mut Tables,
    tail: &[Segment],
    trailing_slash: bool,
    captures: &[u16],
) -> Result<u32, EncodeError> {
    let (kind, tail) = match tail {
        [] if trailing_slash => (EndKind::Slash, tail),
        [] => (EndKind::Exact, tail),
        _ if trailing_slash => (EndKind::TailSlash, tail),
        [Segment::Rest] => (EndKind::Below, &[][..]),
        [before @ .., Segment::Rest] => (EndKind::TailBelow, before),
        _ => (EndKind::TailExact, tail),
    };
    let mut parts = Vec::new();
    for segment in tail {
        let (kind, text) = match segment {
            Segment::Literal(text) => (TailKind::Literal, text.as_str()),
            Segment::Glob(text) => (TailKind::Glob, text.as_str()),
            Segment::Capture(_) => (TailKind::Capture, ""),
            Segment::Rest => (TailKind::Rest, ""),
        };
        let (offset, len) = tables.string(text.as_bytes())?;
        parts.extend(offset.to_le_bytes());
        parts.extend(len.to_le_bytes());
        parts.extend([kind as u8, 0]);
    }
    let short = |len: usize| u16::try_from(len).map_err(|_| EncodeError::TooMany);
    let (tail_count, capture_count) = (short(tail.len())?, short(captures.len())?);
    let tail_start = if parts.is_empty() {
        0
    } else {
        tables.push_unique(Section::Tails, parts)?
    };
    let places: Vec<u8> = captures
        .iter()
        .flat_map(|place| place.to_le_bytes())
        .collect();
    let capture_start = if places.is_empty() {
        0
    } else {
        tables.push_unique(Section::Captures, places)?
    };
    let mut record = tail_start.to_le_bytes().to_vec();
    record.extend(capture_start.to_le_bytes());
    record.extend(tail_count.to_le_bytes());
    record.extend(capture_count.to_le_bytes());
    record.extend([kind as u8, 0, 0, 0]);
    tables.push_unique(Section::Ends, record)
}

/// Longest probe that is accepted before a larger table is tried.
const GOOD_PROBE: u32 = 16;

fn write_edges(
    tables: &mut Tables,
    literals: &HashMap<(u32, String), u32>,
) -> Result<(), EncodeError> {
    if literals.is_empty() {
        return Ok(());
    }
    // Sorted, so that one policy has one image whatever order a hash map has today.
    let mut edges: Vec<(u32, &str, u32)> = literals
        .iter()
        .map(|((parent, label), child)| (*parent, label.as_str(), *child))
        .collect();
    edges.sort_unstable();
    let smallest = (edges.len() * 4).div_ceil(3).next_power_of_two();
    let mut best = place(&edges, smallest)?;
    for doubling in 1..=2 {
        if best.1 <= GOOD_PROBE {
            break;
        }
        let larger = place(&edges, smallest << doubling)?;
        if larger.1 < best.1 {
            best = larger;
        }
    }
    let (places, max_probe) = best;
    tables.max_probe = max_probe;
    for occupant in places {
        match occupant.and_then(|at| edges.get(at)) {
            Some((parent, label, child)) => {
                let (offset, len) = tables.string(label.as_bytes())?;
                tables.push(
                    Section::Edges,
                    &[
                        &parent.to_le_bytes(),
                        &child.to_le_bytes(),
                        &offset.to_le_bytes(),
                        &len.to_le_bytes(),
                        &[0, 0],
                    ],
                );
            }
            None => tables.push(Section::Edges, &[&[0; 4], &NONE.to_le_bytes(), &[0; 8]]),
        }
    }
    Ok(())
}

/// Puts each edge into the first free place from its hash on; returns the places and the longest probe.
fn place(
    edges: &[(u32, &str, u32)],
    size: usize,
) -> Result<(Vec<Option<usize>>, u32), EncodeError> {
    let mask = count(size - 1)?;
    let mut places = vec![None; size];
    let mut max_probe = 0;
    for (number, (parent, label, _)) in edges.iter().enumerate() {
        let mut at = edge_hash(*parent, label.as_bytes(), mask);
        let mut probe = 0;
        while let Some(Some(_)) = places.get(at as usize) {
            at = at.wrapping_add(1) & mask;
            probe += 1;
        }
        if let Some(free) = places.get_mut(at as usize) {
            *free = Some(number);
        }
        max_probe = max_probe.max(probe);
    }
    Ok((places, max_probe))
}
