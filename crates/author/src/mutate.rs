//! Mutation testing: policies that differ from the author's in one small change, and whether the
//! tests catch them.
//!
//! Each mutant is an error that an author could make: a missing entry, a path that is too broad, an
//! inverted comparison. A mutant that no test catches is a change that could ship unnoticed. Not
//! here: coverage, which is a weaker criterion.

mod condition;
mod mutant;
mod network;
mod pattern;
mod rule;
pub(crate) mod run;

use tollgate_policy::spec::ImageSpec;

use crate::locate::RuleSpans;

pub use mutant::Mutant;
pub use run::{Effort, MutantOutcome, Progress, Survivor, Tally, measured, run};

/// All mutants of a policy, rule by rule. `places` are the spans of its rules.
pub fn mutants(policy: &ImageSpec, places: &[RuleSpans]) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        let Some(places) = places.get(at) else {
            continue;
        };
        let first = all.len();
        for (part, change, now) in rule::changes(rule, places, &policy.claims) {
            // Each change is listed once, even if several mutations produce it.
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
