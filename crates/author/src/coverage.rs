//! Test coverage: every rule, every path of it, and every branch of its principals, networks, times
//! and conditions.
//!
//! The evaluator that decides requests measures it. The policy is compiled again with an
//! *instrumentation rule* next to each part of a rule; while the tests run, the trace contains the
//! result of each of them. Not here: presenting coverage.

mod instrument;
mod item;

use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, Tri};
use tollgate_policy::spec::ImageSpec;

use crate::policy_gate::{self, GateError};
use crate::suite::{TestFile, run};

pub use item::{Item, Kind, Wanted};

/// The coverage of a set of tests.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Everything that can be covered, by rule.
    pub items: Vec<Item>,
}

/// A covered share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// The number of covered items.
    pub covered: usize,
    /// The number of items.
    pub all: usize,
}

impl Ratio {
    /// Whole percent, rounded down; 100 if there are no items.
    pub fn percent(self) -> usize {
        (self.covered * 100).checked_div(self.all).unwrap_or(100)
    }
}

impl Coverage {
    /// The ratio of one kind.
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

    /// The items that no test covers.
    pub fn missed(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_covered())
    }
}

/// A policy with instrumentation rules.
pub struct Meter {
    gate: tollgate_gate::Gate<Vec<u8>>,
    items: Vec<Item>,
    /// The measurements of each rule of the image, by index.
    roles: Vec<Vec<instrument::Role>>,
}

impl Meter {
    /// Prepares to measure the coverage of `policy`.
    ///
    /// # Errors
    /// Returns an error if the instrumentation rules exceed the limits of an image.
    pub fn new(policy: &ImageSpec) -> Result<Self, GateError> {
        let instrumented = instrument::instrument(policy);
        let gate = policy_gate::gate(&instrumented.policy)?;
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

    /// All items.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The items covered by one request, by index, without duplicates.
    pub fn covered_by(&self, ask: &crate::suite::TestRequest<'_>) -> Vec<usize> {
        let mut watch = Watch {
            roles: &self.roles,
            seen: Vec::new(),
        };
        run(&self.gate, ask, &mut watch);
        watch.seen.sort_unstable();
        watch.seen.dedup();
        watch.seen
    }

    /// Measures the coverage of the tests.
    pub fn measure<'t>(&self, files: impl IntoIterator<Item = &'t TestFile>) -> Coverage {
        let mut items = self.items.clone();
        for case in files.into_iter().flat_map(|file| &file.cases) {
            for at in self.covered_by(&case.request()) {
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
        // A rule for other methods is not evaluated.
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
