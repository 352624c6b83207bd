//! Why a request is answered as it is: every rule that names its path, part by part.
//!
//! Not here: what to change about it (`change`).

use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, Tri};

/// Rules as the evaluator weighed them, in the order of that. A rule whose patterns overlap is weighed once
/// for each that fits, and kept once for each different result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed(pub Vec<(RuleId, Effect, Parts)>);

impl Trace for Weighed {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        if !self.0.contains(&(rule, effect, parts)) {
            self.0.push((rule, effect, parts));
        }
    }
}

impl Weighed {
    /// The rules that match: allows that are certainly true, denies that may be.
    pub fn matching(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = self
            .0
            .iter()
            .filter(|(_, effect, parts)| matches(*effect, *parts))
            .map(|(rule, ..)| *rule)
            .collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

/// Whether a rule that was weighed like this matches.
pub fn matches(effect: Effect, parts: Parts) -> bool {
    match effect {
        Effect::Allow => parts.all() == Tri::TRUE,
        Effect::Deny => parts.all() != Tri::FALSE,
    }
}
