//! The trie over the patterns' segments up to their first `**`.
//!
//! Not here: walking it, which is the core's.

use std::collections::{BTreeMap, HashMap};

use tollgate_core::image::format::{EndKind, MAX_PROBE, NONE, Section, TailKind, WIDE, slot_of};

use super::EncodeError;
use super::tables::{Tables, count, narrow};
use crate::spec::{Pattern, Segment};

/// A trie under construction. Children are made after their parents, so they have larger numbers.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    literals: HashMap<(u32, String), u32>,
}

#[derive(Debug, Default)]
struct Node {
    /// The literal that leads here, if one does.
    label: String,
    candidates: Vec<(u32, u32)>,
    literals: Vec<u32>,
    globs: BTreeMap<String, u32>,
    capture: Option<u32>,
}

impl Node {
    /// Rule and end of a node that has nothing else.
    fn only_candidate(&self) -> Option<(u32, u8)> {
        let [(rule, end)] = *self.candidates.as_slice() else {
            return None;
        };
        let is_leaf = self.literals.is_empty() && self.globs.is_empty() && self.capture.is_none();
        let end = u8::try_from(end).ok().filter(|end| *end != WIDE)?;
        is_leaf.then_some((rule, end))
    }
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
                    self.node_mut(parent)?.literals.push(child);
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
            let label = match segment {
                Segment::Literal(text) => text.clone(),
                _ => String::new(),
            };
            self.nodes.push(Node {
                label,
                ..Node::default()
            });
        }
        Ok(child)
    }

    fn node_mut(&mut self, at: u32) -> Result<&mut Node, EncodeError> {
        self.nodes.get_mut(at as usize).ok_or(EncodeError::TooMany)
    }

    /// Writes nodes, slots, globs and candidates.
    pub(super) fn write(self, tables: &mut Tables) -> Result<Figures, EncodeError> {
        let order = self.level_by_level()?;
        let mut numbers = vec![0; self.nodes.len()];
        for (number, at) in (0..).zip(&order) {
            if let Some(place) = numbers.get_mut(*at as usize) {
                *place = number;
            }
        }
        let number = |at: u32| {
            let number = numbers.get(at as usize).copied();
            number.ok_or(EncodeError::TooMany)
        };
        let mut edges = Vec::new();
        for at in &order {
            let node = self.node(*at)?;
            let label = tables.string(node.label.as_bytes())?;
            for child in &node.literals {
                let label = self.node(*child)?.label.as_str();
                edges.push((number(*at)?, label, number(*child)?));
            }
            let rest = match node.only_candidate() {
                Some((rule, end)) => {
                    let [r0, r1, r2, _] = narrow(rule)?;
                    [r0, r1, r2, end]
                }
                None => {
                    let wide = self.write_wide(tables, node, number)?;
                    let [w0, w1, w2, _] = narrow(wide)?;
                    [w0, w1, w2, WIDE]
                }
            };
            tables.push(Section::Nodes, &[&label.to_le_bytes(), &rest]);
        }
        write_slots(tables, &edges)?;
        let (max_rules_per_path, max_nodes_per_path) = self.worst_path();
        Ok(Figures {
            nodes: self.nodes.len(),
            max_rules_per_path,
            max_nodes_per_path,
        })
    }

    /// The nodes in an order in which parents come before their children, and the literal children of
    /// one node are consecutive and sorted.
    fn level_by_level(&self) -> Result<Vec<u32>, EncodeError> {
        let mut order = vec![0];
        let mut next = 0;
        while let Some(at) = order.get(next).copied() {
            next += 1;
            let node = self.node(at)?;
            let mut literals = node.literals.clone();
            literals.sort_by_key(|child| self.nodes.get(*child as usize).map(|node| &node.label));
            order.extend(literals);
            order.extend(node.globs.values());
            order.extend(node.capture);
        }
        Ok(order)
    }

    fn write_wide(
        &self,
        tables: &mut Tables,
        node: &Node,
        number: impl Fn(u32) -> Result<u32, EncodeError>,
    ) -> Result<u32, EncodeError> {
        let (candidates, globs) = (
            tables.len(Section::Candidates)?,
            tables.len(Section::Globs)?,
        );
        for (rule, end) in &node.candidates {
            let [r0, r1, r2, _] = narrow(*rule)?;
            let [e0, e1, e2, _] = narrow(*end)?;
            tables.push(Section::Candidates, &[&[r0, r1, r2, e0, e1, e2]]);
        }
        for (text, child) in &node.globs {
            let text = tables.string(text.as_bytes())?;
            tables.push(
                Section::Globs,
                &[&text.to_le_bytes(), &number(*child)?.to_le_bytes()],
            );
        }
        let mut first = NONE;
        for child in &node.literals {
            first = first.min(number(*child)?);
        }
        let capture = node.capture.map_or(Ok(NONE), &number)?;
        let short = |len: usize| u16::try_from(len).map_err(|_| EncodeError::TooMany);
        let wide = tables.len(Section::Wides)?;
        tables.push(
            Section::Wides,
            &[
                &candidates.to_le_bytes(),
                &globs.to_le_bytes(),
                &capture.to_le_bytes(),
                &first.to_le_bytes(),
                &count(node.literals.len())?.to_le_bytes(),
                &short(node.candidates.len())?.to_le_bytes(),
                &short(node.globs.len())?.to_le_bytes(),
            ],
        );
        Ok(wide)
    }

    fn node(&self, at: u32) -> Result<&Node, EncodeError> {
        self.nodes.get(at as usize).ok_or(EncodeError::TooMany)
    }

    /// Upper bounds over all paths: a path can follow only one of the literal children, but all others.
    fn worst_path(&self) -> (usize, usize) {
        let mut worst = vec![(0_usize, 0_usize); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let of = |child: &u32| worst.get(*child as usize).copied().unwrap_or_default();
            let literal = node.literals.iter().map(of);
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
        parts.extend(tables.string(text.as_bytes())?.to_le_bytes());
        parts.extend([kind as u8, 0, 0, 0]);
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

/// Writes the table of literal edges: parent, label, child.
fn write_slots(tables: &mut Tables, edges: &[(u32, &str, u32)]) -> Result<(), EncodeError> {
    if edges.is_empty() {
        return Ok(());
    }
    // Seven slots of eight are used. If a probe is too long, a larger table spreads them.
    let mut homes = count(edges.len().saturating_mul(8).div_ceil(7))?;
    let mut slots = place(edges, homes)?;
    while slots.max_probe > MAX_PROBE {
        homes = homes.checked_mul(2).ok_or(EncodeError::TooMany)?;
        slots = place(edges, homes)?;
    }
    tables.max_probe = slots.max_probe;
    for slot in slots.slots {
        tables.push(Section::Slots, &[&slot.to_le_bytes()]);
    }
    Ok(())
}

struct Slots {
    slots: Vec<u32>,
    max_probe: u32,
}

/// Puts the edges into slots in the order of their homes, each at its home or directly after the previous one.
fn place(edges: &[(u32, &str, u32)], homes: u32) -> Result<Slots, EncodeError> {
    let mut sorted = Vec::with_capacity(edges.len());
    for (parent, label, child) in edges {
        let (home, fingerprint) = slot_of(*parent, label.as_bytes(), homes);
        let [c0, c1, c2, _] = narrow(*child)?;
        sorted.push((home, u32::from_le_bytes([fingerprint, c0, c1, c2])));
    }
    sorted.sort_unstable();
    let mut slots = Vec::with_capacity(homes as usize);
    let mut max_probe = 0;
    for (home, slot) in sorted {
        let at = count(slots.len())?.max(home);
        slots.resize(at as usize, 0);
        slots.push(slot);
        max_probe = max_probe.max(at - home);
    }
    // A search for a missing edge looks as far as the longest probe.
    let room = homes.checked_add(max_probe).ok_or(EncodeError::TooMany)?;
    slots.resize(room as usize, 0);
    Ok(Slots { slots, max_probe })
}
