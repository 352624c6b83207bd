//! The readers of the policies of a walk: which segments their sites accept, and which only one of two accepts.
//!
//! Not here: where such segments lead.

use std::rc::Rc;

use tollgate_core::path::{PathOptions, check_segment};

use crate::space::Space;

/// Characters that some readers reject: one for each rule of paths that a site can choose.
const TELLING: [char; 2] = ['é', '%'];

/// The reader of paths of each policy of a walk.
pub(crate) struct Readers<'p> {
    sides: Vec<PathOptions<'p>>,
    foreign: Vec<char>,
}

/// The policies that accept a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Accepted {
    /// All of them.
    ByAll,
    /// This side only.
    Only(usize),
    /// None: each rejects a segment.
    ByNone,
}

impl Accepted {
    /// The policies in both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::ByAll, side) | (side, Self::ByAll) => side,
            (Self::Only(a), Self::Only(b)) if a == b => self,
            _ => Self::ByNone,
        }
    }
}

impl<'p> Readers<'p> {
    pub(super) fn new(space: &Space<'p>) -> Self {
        let sides = space.sides.iter();
        let sides: Vec<PathOptions<'p>> = sides
            .map(|side| side.policy.spec().path_options())
            .collect();
        let is_foreign = |telling: &char| {
            let text = telling.to_string();
            let accepting = sides.iter().filter(|side| accepts(side, &text));
            (1..sides.len()).contains(&accepting.count())
        };
        let foreign = TELLING.into_iter().filter(is_foreign).collect();
        Self { sides, foreign }
    }

    /// Whether some policy accepts a segment.
    pub(super) fn accept(&self, text: &str) -> bool {
        self.sides.iter().any(|side| accepts(side, text))
    }

    /// Characters, each a segment of its own, that one policy accepts and the other does not.
    pub(crate) fn foreign(&self) -> &[char] {
        &self.foreign
    }

    /// The policies that accept a segment.
    pub(crate) fn accepting(&self, text: &str) -> Accepted {
        if self.foreign.is_empty() {
            return Accepted::ByAll;
        }
        let all: Vec<usize> = (0..)
            .zip(&self.sides)
            .filter(|(_, side)| accepts(side, text))
            .map(|(number, _)| number)
            .collect();
        match all.as_slice() {
            [] => Accepted::ByNone,
            [side] if self.sides.len() > 1 => Accepted::Only(*side),
            _ => Accepted::ByAll,
        }
    }

    /// The policies that accept a path.
    pub(crate) fn accepting_all(&self, segments: &[Rc<str>]) -> Accepted {
        let each = segments.iter().map(|text| self.accepting(text));
        each.fold(Accepted::ByAll, Accepted::and)
    }

    /// Whether a path that ends in a slash means the same to all policies, and is not just another spelling of
    /// the path of an index document.
    pub(super) fn keep_slashes(&self) -> bool {
        self.sides.iter().all(|side| side.index.is_none())
    }
}

fn accepts(side: &PathOptions<'_>, text: &str) -> bool {
    check_segment(text, *side).is_ok()
}
