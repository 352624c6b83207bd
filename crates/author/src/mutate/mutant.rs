//! One mutant.

use tollgate_policy::spec::{ImageSpec, RuleSpec};

use crate::locate::Part;

/// A policy that differs in one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// The rule, by index in the policy.
    pub rule: usize,
    /// The changed part.
    pub part: Part,
    /// The change in the author's syntax, without a full stop.
    pub change: String,
    /// The changed rule; `None` if it was removed.
    pub now: Option<RuleSpec>,
}

impl Mutant {
    /// The whole changed policy.
    pub fn policy(&self, of: &ImageSpec) -> ImageSpec {
        self.applied(of, self.rule)
    }

    /// A policy in which the rule has this position, changed.
    pub(super) fn applied(&self, of: &ImageSpec, rule: usize) -> ImageSpec {
        let mut policy = of.clone();
        match (&self.now, policy.rules.get_mut(rule)) {
            (Some(now), Some(rule)) => *rule = now.clone(),
            (None, Some(_)) => {
                policy.rules.remove(rule);
            }
            (_, None) => {}
        }
        policy
    }
}
