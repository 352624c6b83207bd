//! The explanation of a decision: every rule that matches the path, part by part.
//!
//! Not here: changes that would reverse it (`change`).

use serde_json::{Map, Value};
use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{ClaimKind, Effect, RuleId, Tri};
use tollgate_policy::spec::Expr;

use crate::place;
use crate::policy::Policy;

/// Rules as evaluated, in order. A rule whose patterns overlap is evaluated once per matching pattern, and kept
/// once per different result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTrace(pub Vec<(RuleId, Effect, Parts)>);

impl Trace for RuleTrace {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        if !self.0.contains(&(rule, effect, parts)) {
            self.0.push((rule, effect, parts));
        }
    }
}

impl RuleTrace {
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

/// Whether a rule with these parts matches.
pub fn matches(effect: Effect, parts: Parts) -> bool {
    match effect {
        Effect::Allow => parts.all() == Tri::TRUE,
        Effect::Deny => parts.all() != Tri::FALSE,
    }
}

/// The reasons why a condition of a rule is unknown: descriptions of the claims that are missing or have another type
/// than declared. `is_unless` chooses between `when` and `unless`.
pub fn claim_faults(
    policy: &Policy,
    rule: RuleId,
    is_unless: bool,
    claims: Option<&Map<String, Value>>,
) -> Vec<String> {
    let Some(rule) = policy.rule(rule) else {
        return Vec::new();
    };
    let condition = if is_unless { &rule.unless } else { &rule.when };
    let mut slots = Vec::new();
    if let Some(condition) = condition {
        condition.each(&mut |expr| match expr {
            Expr::Claim(slot) | Expr::Has(slot) | Expr::InClaim(_, slot)
                if !slots.contains(slot) =>
            {
                slots.push(*slot);
            }
            _ => {}
        });
    }
    let declared = slots.into_iter().filter_map(|slot| {
        let claim = policy.spec().claims.get(usize::from(slot))?;
        Some((slot, claim))
    });
    declared
        .filter_map(|(slot, claim)| {
            let value = claims.and_then(|claims| match policy.config().claim_place(slot) {
                Some(place) => place::find(claims, place),
                None => claims.get(&claim.name),
            });
            match value {
                // `null` counts as absent.
                None | Some(Value::Null) => Some(match claims {
                    Some(_) => format!("the token has no claim `{}`", claim.name),
                    None => format!("no valid token, so no claim `{}`", claim.name),
                }),
                Some(value) if !is_of(value, claim.kind) => Some(format!(
                    "claim `{}` is {}, declared `{}`",
                    claim.name,
                    kind_of(value),
                    ClaimKind::name(claim.kind)
                )),
                Some(_) => None,
            }
        })
        .collect()
}

fn is_of(value: &Value, kind: ClaimKind) -> bool {
    match kind {
        ClaimKind::String => value.is_string(),
        ClaimKind::Int => value.is_i64(),
        ClaimKind::Bool => value.is_boolean(),
        ClaimKind::StringList => value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string)),
    }
}

/// The type of a claim's value, in words.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(number) if number.is_i64() => "an int",
        Value::Number(_) => "a number that is not an int",
        Value::String(_) => "a string",
        Value::Array(list) if list.iter().all(Value::is_string) => "a list of strings",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
