//! What tests cover: every rule, every path of it, and every branch of who, where, when and if.
//!
//! It is measured by the evaluator that decides requests. The policy is compiled once more with a
//! *measuring rule* beside each part of a rule, and while the tests run, the trace tells what each of them
//! came to. Not here: how coverage is shown.

mod instrument;

use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, Tri};
use tollgate_policy::spec::ImageSpec;

use crate::judge::{self, Unbuildable};
use crate::locate::Part;
use crate::suite::{TestFile, run};

/// One thing that some test should make happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The rule, by position in the policy.
    pub rule: usize,
    /// The part of it.
    pub part: Part,
    /// What should happen.
    pub wanted: Wanted,
    /// In how many tests it happens.
    pub tests: usize,
}

/// What should happen to a part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The rule matches.
    Matches,
    /// The path fits.
    Fits,
    /// The part holds.
    Holds,
    /// The part does not hold.
    Fails,
}

impl Wanted {
    /// What did not happen, in words.
    pub fn missed(self) -> &'static str {
        match self {
            Self::Matches => "no test makes this rule match",
            Self::Fits => "no test asks for such a path",
            Self::Holds => "no test in which this holds",
            Self::Fails => "no test in which this does not hold",
        }
    }
}

/// The three kinds of items, which are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rules that match.
    Rule,
    /// Paths that fit.
    Path,
    /// Everything else.
    Branch,
}

impl Item {
    /// Which count the item belongs to.
    pub fn kind(&self) -> Kind {
        match (&self.part, self.wanted) {
            (Part::Rule, _) => Kind::Rule,
            (_, Wanted::Fits) => Kind::Path,
            _ => Kind::Branch,
        }
    }

    /// Whether some test makes it happen.
    pub fn is_covered(&self) -> bool {
        self.tests > 0
    }
}

/// What a set of tests covers.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Everything that can be covered, by rule.
    pub items: Vec<Item>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// Covered.
    pub covered: usize,
    /// All.
    pub all: usize,
}

impl Ratio {
    /// Whole percent, rounded down; 100 where there is nothing to cover.
    pub fn percent(self) -> usize {
        (self.covered * 100).checked_div(self.all).unwrap_or(100)
    }
}

impl Coverage {
    /// The count of one kind.
    pub fn ratio(&self, kind: Kind) -> Ratio {
        let of_kind = || self.items.iter().filter(|item| item.kind() == kind);
        Ratio {
            covered: of_kind().filter(|item| item.is_covered()).count(),
            all: of_kind().count(),
        }
    }

    /// Whether every kind reaches `percent`.
    pub fn reaches(&self, percent: usize) -> bool {
        [Kind::Rule, Kind::Path, Kind::Branch]
            .into_iter()
            .all(|kind| self.ratio(kind).percent() >= percent)
    }

    /// What no test makes happen.
    pub fn missed(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_covered())
    }
}

/// A policy with measuring rules in it.
pub struct Meter {
    gate: tollgate_gate::Gate<Vec<u8>>,
    items: Vec<Item>,
    /// What each rule of the image measures, by its number there.
    roles: Vec<Vec<instrument::Role>>,
}

impl Meter {
    /// Prepares to measure what covers `policy`.
    ///
    /// # Errors
    /// If the measuring rules do not fit an image.
    pub fn new(policy: &ImageSpec) -> Result<Self, Unbuildable> {
        let instrumented = instrument::instrument(policy);
        let gate = judge::gate(&instrumented.policy)?;
        let count = gate.image().rule_count();
        let name = |at: usize| {
            let id = RuleId(u32::try_from(at).ok()?);
            gate.image().rule_name(id)
        };
        let roles = (0..count)
            .map(|at| {
                let role = name(at).and_then(|name| {
                    instrumented
                        .roles
                        .get(&(name.course.to_owned(), name.id.to_owned()))
                });
                role.cloned().unwrap_or_default()
            })
            .collect();
        Ok(Self {
            gate,
            items: instrumented.items,
            roles,
        })
    }

    /// Everything that can be covered.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The items that one request makes happen, by position, each once.
    pub fn covered_by(&self, ask: &crate::suite::Ask<'_>) -> Vec<usize> {
        let mut watch = Watch {
            roles: &self.roles,
            seen: Vec::new(),
        };
        run(&self.gate, ask, &mut watch);
        watch.seen.sort_unstable();
        watch.seen.dedup();
        watch.seen
    }

    /// What the tests cover.
    pub fn measure<'t>(&self, files: impl IntoIterator<Item = &'t TestFile>) -> Coverage {
        let mut items = self.items.clone();
        for case in files.into_iter().flat_map(|file| &file.cases) {
            for at in self.covered_by(&case.ask()) {
                if let Some(item) = items.get_mut(at) {
                    item.tests += 1;
                }
            }
        }
        Coverage { items }
    }
}

struct Watch<'m> {
    roles: &'m [Vec<instrument::Role>],
    seen: Vec<usize>,
}

impl Trace for Watch<'_> {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        let roles = usize::try_from(rule.0)
            .ok()
            .and_then(|at| self.roles.get(at));
        // A rule about other methods is not reached.
        if parts.method != Tri::TRUE {
            return;
        }
        let all = parts.all();
        let matches = match effect {
            Effect::Allow => all == Tri::TRUE,
            Effect::Deny => all != Tri::FALSE,
        };
        for role in roles.into_iter().flatten() {
            let happened = match role.measure {
                instrument::Measure::Match => matches,
                instrument::Measure::Fit => true,
                instrument::Measure::True => all == Tri::TRUE,
                instrument::Measure::NotTrue => all != Tri::TRUE,
            };
            if happened {
                self.seen.push(role.item);
            }
        }
    }
}

#[cfg(test)]
mod tests;
