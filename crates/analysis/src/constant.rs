//! Conditions that have the same result for every request.
//!
//! Not here: whether that matters; a condition can be written for claims that are yet to come.

use tollgate_core::{RuleId, Tri};
use tollgate_policy::spec::Expr;

use crate::eval::{Answer, Eval};
use crate::policy::Policy;
use crate::search::{Found, Search};
use crate::space::{Hit, Space};

/// A condition of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `when`
    When,
    /// `unless`
    Unless,
}

/// The constant result of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// True for every request.
    AlwaysTrue,
    /// Never false, but unknown if a claim it reads is missing or of another type.
    TrueIfKnown,
    /// False for every request.
    AlwaysFalse,
    /// Never true, but unknown if a claim it reads is missing or of another type.
    FalseIfKnown,
    /// Never known.
    NeverKnown,
}

/// A condition that has the same result for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantCondition {
    /// The rule.
    pub rule: RuleId,
    /// The condition.
    pub part: Part,
    /// Its result.
    pub value: Constant,
}

/// Finds conditions that have the same result for every request. Conditions for which a search took too long
/// are omitted.
pub fn conditions(policy: &Policy, now: i64) -> Vec<ConstantCondition> {
    let space = Space::new(&[policy], now);
    let mut found = Vec::new();
    for (number, rule) in policy.rules().iter().enumerate() {
        for (part, condition) in [(Part::When, &rule.when), (Part::Unless, &rule.unless)] {
            let Some(condition) = condition else {
                continue;
            };
            let hits = [Hit {
                side: 0,
                rule: number,
                spec: rule,
                pattern: 0,
                captures: Vec::new(),
                shared: false,
            }];
            if let Some(value) = constant(&space, &hits, condition) {
                found.push(ConstantCondition {
                    rule: RuleId(u32::try_from(number).unwrap_or(u32::MAX)),
                    part,
                    value,
                });
            }
        }
    }
    found
}

fn constant(space: &Space<'_>, hits: &[Hit<'_>; 1], condition: &Expr) -> Option<Constant> {
    let [hit] = hits;
    let mut search = Search::new(space, hits);
    let mut can_be = |wanted: Tri| {
        let property = |eval: &Eval<'_, '_>| {
            let truth = eval.truth(condition, hit);
            match truth.need {
                _ if truth.set == wanted => Answer::Yes,
                Some(need) if includes(truth.set, wanted) => Answer::Open(need),
                _ => Answer::No,
            }
        };
        match search.find(&property, &mut |_| Some(())) {
            Found::Yes(()) => Some(true),
            Found::No => Some(false),
            Found::GaveUp => None,
        }
    };
    let (yes, no) = (can_be(Tri::TRUE)?, can_be(Tri::FALSE)?);
    if yes && no {
        return None;
    }
    let unknown = can_be(Tri::UNKNOWN)?;
    Some(match (yes, no) {
        (true, _) if unknown => Constant::TrueIfKnown,
        (true, _) => Constant::AlwaysTrue,
        (_, true) if unknown => Constant::FalseIfKnown,
        (_, true) => Constant::AlwaysFalse,
        _ => Constant::NeverKnown,
    })
}

fn includes(set: Tri, wanted: Tri) -> bool {
    (wanted == Tri::TRUE && set.may_be_true())
        || (wanted == Tri::FALSE && set.may_be_false())
        || (wanted == Tri::UNKNOWN && set.may_be_unknown())
}
