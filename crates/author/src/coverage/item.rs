//! The items that tests can cover.

use crate::locate::Part;

/// An event that some test should cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The rule, by index in the policy.
    pub rule: usize,
    /// The part of the rule.
    pub part: Part,
    /// The event.
    pub wanted: Wanted,
    /// The number of tests that cause it.
    pub tests: usize,
}

/// The event that tests should cause for a part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The rule matches.
    Matches,
    /// The path matches.
    Fits,
    /// The part is true.
    Holds,
    /// The part is false.
    Fails,
}

impl Wanted {
    /// A description of the missing event.
    pub fn missed(self) -> &'static str {
        match self {
            Self::Matches => "no test makes this rule match",
            Self::Fits => "no test requests a matching path",
            Self::Holds => "no test in which this is true",
            Self::Fails => "no test in which this is false",
        }
    }
}

/// The three kinds of items, which are counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rules that match.
    Rule,
    /// Paths that match.
    Path,
    /// Everything else.
    Branch,
}

impl Item {
    /// The kind that the item is counted as.
    pub fn kind(&self) -> Kind {
        match (&self.part, self.wanted) {
            (Part::Rule, _) => Kind::Rule,
            (_, Wanted::Fits) => Kind::Path,
            _ => Kind::Branch,
        }
    }

    /// Whether some test covers it.
    pub fn is_covered(&self) -> bool {
        self.tests > 0
    }
}
