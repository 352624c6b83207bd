//! All classes of paths that the patterns of one or two policies can distinguish.
//!
//! The patterns run in parallel, segment by segment, as one automaton. Its state is the position in each pattern
//! and the captured segments; two paths that lead to the same state are in one class. Folders that no pattern of
//! interest can match are never entered, so a small edit of a large policy costs little. Shortest paths come
//! first.
//!
//! Not here: evaluating the rules, and the segments to try (`alphabet`).

mod alphabet;
mod pattern;
mod readers;

use core::hash::{Hash, Hasher};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tollgate_core::glob;
use tollgate_core::path::{MAX_DECODED_BYTES, MAX_SEGMENTS};

use crate::space::{Hit, Space};
pub(crate) use alphabet::escaped;
use pattern::{Part, Pat};
pub(crate) use readers::{Accepted, Readers};

/// Classes of folders after which a walk gives up: this many, and the second constant more for each pattern. Large
/// sites have a few for each course; where patterns with many `**` meet there may be millions.
const MOST_STATES: usize = 200_000;
const MOST_STATES_A_PATTERN: usize = 20;

/// The position in one pattern.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Item {
    pat: u32,
    /// The number of parts that were matched; one more than the pattern has inside a final `**`.
    at: u16,
    captures: u32,
}

impl Hash for Item {
    /// One write for all of it: sets of items are hashed more than anything else.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let high = u128::from(self.pat) << 64 | u128::from(self.at) << 32;
        state.write_u128(high | u128::from(self.captures));
    }
}

/// The number of a pattern in a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PatternId(pub(crate) u32);

/// A class of paths.
#[derive(Debug)]
pub(crate) struct PathClass<'p> {
    /// The shortest path of this class, escaped.
    pub(crate) target: String,
    /// Its decoded segments.
    pub(crate) segments: Vec<Rc<str>>,
    /// The rules that match it.
    pub(crate) hits: Vec<Hit<'p>>,
    /// Per hit the pattern it is from.
    pub(crate) patterns: Vec<PatternId>,
}

/// Whether to continue after a class of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Stop,
}

/// A walk over the classes of paths.
pub(crate) struct Walk<'a, 'p> {
    space: &'a Space<'p>,
    pats: Vec<Pat<'p>>,
    interesting: Vec<bool>,
    /// Captured texts, each vector once.
    captures: Vec<Rc<[Option<Rc<str>>]>>,
    capture_ids: HashMap<Rc<[Option<Rc<str>>]>, u32>,
    readers: Readers<'p>,
    /// Names from outside the policies that count as read by a rule.
    asked: Vec<String>,
    /// Alphabets that were computed before: the same globs occur in many states.
    memory: alphabet::Memory<'p>,
}

struct State {
    items: Rc<[Item]>,
    from: Option<(usize, Rc<str>)>,
    depth: usize,
    /// The policies that accept all segments so far.
    accepted: Accepted,
}

impl<'a, 'p> Walk<'a, 'p> {
    /// A walk over the policies of a space; at first every pattern is of interest.
    pub(crate) fn new(space: &'a Space<'p>) -> Self {
        let pats = pattern::all(space);
        let none: Rc<[Option<Rc<str>>]> = Rc::from([]);
        Self {
            space,
            interesting: vec![true; pats.len()],
            pats,
            captures: vec![none.clone()],
            capture_ids: HashMap::from([(none, 0)]),
            readers: Readers::new(space),
            asked: Vec::new(),
            memory: alphabet::Memory::default(),
        }
    }

    /// Treats these strings as names that some rule reads.
    pub(crate) fn also_ask(&mut self, names: Vec<String>) {
        self.asked = names;
    }

    /// The number of patterns; equal ones of equal rules count once.
    pub(crate) fn pattern_count(&self) -> usize {
        self.pats.len()
    }

    /// The text of a pattern, as its author wrote it, base included.
    pub(crate) fn source(&self, id: PatternId) -> &'p str {
        self.pats
            .get(id.0 as usize)
            .map_or("", |pat| pat.pattern.source.as_str())
    }

    /// The readers of paths of the policies.
    pub(crate) fn readers(&self) -> &Readers<'p> {
        &self.readers
    }

    /// Whether both policies have the pattern in equal rules.
    pub(crate) fn is_shared(&self, id: PatternId) -> bool {
        self.pats.get(id.0 as usize).is_some_and(Pat::is_shared)
    }

    /// The rules of a side that have the pattern.
    pub(crate) fn owners(&self, id: PatternId, side: usize) -> Vec<usize> {
        let pat = self.pats.get(id.0 as usize);
        let owners = pat.and_then(|pat| pat.owners.get(side));
        owners
            .into_iter()
            .flatten()
            .map(|(rule, _)| *rule)
            .collect()
    }

    /// Whether paths are worth looking at because of this pattern.
    pub(crate) fn set_interesting(&mut self, id: PatternId, interesting: bool) {
        if let Some(place) = self.interesting.get_mut(id.0 as usize) {
            *place = interesting;
        }
    }

    pub(crate) fn is_interesting(&self, id: PatternId) -> bool {
        self.interesting.get(id.0 as usize) == Some(&true)
    }

    /// Shows `visit` every kind of path that some pattern of interest names. It may lose interest in
    /// patterns as it goes. `false` if there are too many kinds, so that some were not shown.
    pub(crate) fn run(&mut self, visit: &mut dyn FnMut(&mut Self, &PathClass<'p>) -> Next) -> bool {
        let start: Vec<Item> = (0..)
            .zip(&self.pats)
            .map(|(pat, _)| Item {
                pat,
                at: 0,
                captures: 0,
            })
            .collect();
        let start = self.closed(start);
        let mut states = vec![State {
            items: start.clone(),
            from: None,
            depth: 0,
            accepted: Accepted::ByAll,
        }];
        // What not all policies accept makes a difference of its own, wherever it leads.
        let mut seen: HashSet<(Rc<[Item]>, Accepted)> = HashSet::from([(start, Accepted::ByAll)]);
        let mut shown: HashSet<Vec<Item>> = HashSet::new();
        let most = MOST_STATES + MOST_STATES_A_PATTERN * self.pats.len();
        let mut at = 0;
        while let Some(state) = states.get(at) {
            let (items, depth, accepted) = (state.items.clone(), state.depth, state.accepted);
            if items
                .iter()
                .any(|item| self.is_interesting(PatternId(item.pat)))
            {
                for slash in [false, true] {
                    if (depth == 0 && !slash) || (slash && !self.readers.keep_slashes()) {
                        continue;
                    }
                    if self.show(&states, at, slash, &mut shown, visit) == Next::Stop {
                        return true;
                    }
                }
                if depth < MAX_SEGMENTS {
                    for (letter, next) in self.steps(&items) {
                        let accepted = accepted.and(self.readers.accepting(&letter));
                        if accepted != Accepted::ByNone && seen.insert((next.clone(), accepted)) {
                            states.push(State {
                                items: next,
                                from: Some((at, letter)),
                                depth: depth + 1,
                                accepted,
                            });
                        }
                    }
                }
            }
            at += 1;
            if states.len() > most {
                return false;
            }
        }
        true
    }

    fn show(
        &mut self,
        states: &[State],
        at: usize,
        slash: bool,
        shown: &mut HashSet<Vec<Item>>,
        visit: &mut dyn FnMut(&mut Self, &PathClass<'p>) -> Next,
    ) -> Next {
        let Some(state) = states.get(at) else {
            return Next::Continue;
        };
        let mut ended: Vec<Item> = state
            .items
            .iter()
            .filter(|item| {
                self.pat(item.pat)
                    .is_some_and(|pat| pat.ends(item.at, slash))
            })
            .map(|item| Item { at: 0, ..*item })
            .collect();
        ended.dedup();
        if !ended
            .iter()
            .any(|item| self.is_interesting(PatternId(item.pat)))
        {
            return Next::Continue;
        }
        let segments = path_to(states, at);
        let mut key = ended.clone();
        // The side that accepts the path, where only one does.
        if let Accepted::Only(side) = state.accepted {
            key.push(Item {
                pat: u32::MAX,
                at: u16::try_from(side).unwrap_or(u16::MAX),
                captures: 0,
            });
        }
        if shown.contains(&key) {
            return Next::Continue;
        }
        let bytes: usize = segments.iter().map(|segment| segment.len() + 1).sum();
        if bytes > MAX_DECODED_BYTES + usize::from(!slash) {
            return Next::Continue;
        }
        shown.insert(key);
        let kind = self.kind(segments, slash, &ended);
        visit(self, &kind)
    }

    fn kind(&self, segments: Vec<Rc<str>>, slash: bool, ended: &[Item]) -> PathClass<'p> {
        let (mut hits, mut patterns) = (Vec::new(), Vec::new());
        for item in ended {
            let Some(pat) = self.pat(item.pat) else {
                continue;
            };
            let captured = self.captures.get(item.captures as usize);
            for (side, owners) in pat.owners.iter().enumerate() {
                for (rule, pattern) in owners {
                    let Some(spec) = self.space.rule(side, *rule) else {
                        continue;
                    };
                    let values = captured.into_iter().flat_map(|values| values.iter());
                    let captures = spec
                        .captures()
                        .into_iter()
                        .zip(values)
                        .filter_map(|(name, value)| Some((name, value.clone()?)))
                        .collect();
                    hits.push(Hit {
                        side,
                        rule: *rule,
                        spec,
                        pattern: *pattern,
                        captures,
                        shared: pat.is_shared(),
                    });
                    patterns.push(PatternId(item.pat));
                }
            }
        }
        PathClass {
            target: escaped(&segments, slash),
            segments,
            hits,
            patterns,
        }
    }

    fn pat(&self, number: u32) -> Option<&Pat<'p>> {
        self.pats.get(number as usize)
    }

    /// The positions in the patterns after each segment to try.
    fn steps(&mut self, items: &[Item]) -> Vec<(Rc<str>, Rc<[Item]>)> {
        let alphabet = alphabet::alphabet(self, items);
        let mut steps = Vec::new();
        for letter in alphabet.letters {
            let mut next = Vec::new();
            if let Some(by_literal) = alphabet.literals.get(&*letter) {
                for item in by_literal {
                    self.advance(*item, &letter, &mut next);
                }
            }
            for item in &alphabet.others {
                self.advance(*item, &letter, &mut next);
            }
            if next
                .iter()
                .any(|item: &Item| self.is_interesting(PatternId(item.pat)))
            {
                steps.push((letter, self.closed(next)));
            }
        }
        steps
    }

    /// Adds the positions of an item after a segment.
    fn advance(&mut self, item: Item, segment: &Rc<str>, next: &mut Vec<Item>) {
        let Some(pat) = self.pats.get(item.pat as usize) else {
            return;
        };
        let after = Item {
            at: item.at + 1,
            ..item
        };
        match pat.part(item.at) {
            None if pat.is_inside_rest(item.at) => next.push(item),
            None => {}
            Some(Part::Rest { last: true }) => next.push(Item {
                at: pat.inside_rest(),
                ..item
            }),
            Some(Part::Rest { last: false }) => next.push(item),
            Some(Part::Literal(text)) if text.as_bytes() == segment.as_bytes() => next.push(after),
            Some(Part::Literal(_)) => {}
            Some(Part::Glob(glob)) if glob::matches(glob.as_bytes(), segment.as_bytes()) => {
                next.push(after);
            }
            Some(Part::Glob(_)) => {}
            Some(Part::Any) => next.push(after),
            Some(Part::Capture(number)) => {
                let (number, count) = (*number, pat.captures);
                let captures = self.captured(item.captures, number, count, segment);
                next.push(Item { captures, ..after });
            }
        }
    }

    fn captured(&mut self, before: u32, number: usize, count: usize, text: &Rc<str>) -> u32 {
        let mut values: Vec<Option<Rc<str>>> = self
            .captures
            .get(before as usize)
            .map(|values| values.to_vec())
            .unwrap_or_default();
        values.resize(count, None);
        if let Some(place) = values.get_mut(number) {
            *place = Some(text.clone());
        }
        let values: Rc<[Option<Rc<str>>]> = values.into();
        if let Some(id) = self.capture_ids.get(&values) {
            return *id;
        }
        let id = u32::try_from(self.captures.len()).unwrap_or(u32::MAX);
        self.captures.push(values.clone());
        self.capture_ids.insert(values, id);
        id
    }

    /// Items and all that follow from them without a segment, sorted.
    fn closed(&self, mut items: Vec<Item>) -> Rc<[Item]> {
        let mut at = 0;
        while let Some(item) = items.get(at).copied() {
            if let Some(pat) = self.pat(item.pat)
                && let Some(Part::Rest { last: false }) = pat.part(item.at)
            {
                items.push(Item {
                    at: item.at + 1,
                    ..item
                });
            }
            at += 1;
        }
        items.sort_unstable();
        items.dedup();
        items.into()
    }
}

fn path_to(states: &[State], mut at: usize) -> Vec<Rc<str>> {
    let mut segments = Vec::new();
    while let Some((from, letter)) = states.get(at).and_then(|state| state.from.clone()) {
        segments.push(letter);
        at = from;
    }
    segments.reverse();
    segments
}

/// The rules of a space's policies that name this path, as a walk would find them.
pub(crate) fn on_path<'p>(space: &Space<'p>, segments: &[Rc<str>], slash: bool) -> PathClass<'p> {
    let mut walk = Walk::new(space);
    let start = (0..)
        .zip(&walk.pats)
        .map(|(pat, _)| Item {
            pat,
            at: 0,
            captures: 0,
        })
        .collect();
    let mut items = walk.closed(start);
    for segment in segments {
        let mut next = Vec::new();
        for item in items.iter() {
            walk.advance(*item, segment, &mut next);
        }
        items = walk.closed(next);
    }
    let mut ended: Vec<Item> = items
        .iter()
        .filter(|item| {
            walk.pat(item.pat)
                .is_some_and(|pat| pat.ends(item.at, slash))
        })
        .map(|item| Item { at: 0, ..*item })
        .collect();
    ended.dedup();
    walk.kind(segments.to_vec(), slash, &ended)
}
