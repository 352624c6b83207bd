//! Policies that differ from the author's in one small way, and which of them the tests notice.
//!
//! Each mutant is a mistake that somebody could make while editing: an entry left out, a path wider than
//! meant, a comparison turned around. A mutant that no test notices is a change that could ship unseen. Not
//! here: what tests cover, which says less.

mod condition;
mod pattern;
mod rule;
pub(crate) mod run;

use tollgate_policy::spec::{ImageSpec, RuleSpec};

use crate::locate::{Part, Places};

pub use run::{Fate, Progress, Survivor, Tally, run};

/// A policy that differs in one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// The rule, by position in the policy.
    pub rule: usize,
    /// The part that was changed.
    pub part: Part,
    /// The change in the author's words, without a full stop.
    pub change: String,
    /// The rule as it is now; `None` if it was left out.
    pub now: Option<RuleSpec>,
}

impl Mutant {
    /// The whole policy as it is now.
    pub fn policy(&self, of: &ImageSpec) -> ImageSpec {
        let mut policy = of.clone();
        match (&self.now, policy.rules.get_mut(self.rule)) {
            (Some(now), Some(rule)) => *rule = now.clone(),
            (None, Some(_)) => {
                policy.rules.remove(self.rule);
            }
            (_, None) => {}
        }
        policy
    }
}

/// All mutants of a policy, rule by rule. `places` are those of its rules.
pub fn mutants(policy: &ImageSpec, places: &[Places]) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        let Some(places) = places.get(at) else {
            continue;
        };
        let first = all.len();
        for (part, change, now) in rule::changes(rule, places, &policy.claims) {
            // One mistake is listed once, however many ways lead to it.
            let is_new = all
                .get(first..)
                .is_none_or(|known| known.iter().all(|mutant: &Mutant| mutant.now != now));
            if is_new && now.as_ref() != Some(rule) {
                all.push(Mutant {
                    rule: at,
                    part,
                    change,
                    now,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
