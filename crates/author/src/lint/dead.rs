//! TG0709 to TG0712 and TG0715: rules that change nothing, and conditions that are constant.
//!
//! The analysis finds them, together with the rules that cause it and an example request.

use tollgate_analysis::constant::{self, Constant};
use tollgate_analysis::dead::{self, Dead, DeadRule};
use tollgate_analysis::rule_name as name;
use tollgate_analysis::{Policy, Request};
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::{Effect, RuleId};
use tollgate_policy::spec::{Expr, RuleSpec};

use super::context::LintContext;
use crate::locate::Part;
use crate::syntax::{inline, moment};

/// The number of blocking rules that are listed; the others are counted.
const MAX_BLOCKERS: usize = 3;

pub(super) fn check(
    context: &LintContext<'_>,
    policy: &Policy,
    position: &impl Fn(RuleId) -> Option<usize>,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    let lives = dead::rules(policy, now);
    for rule in &lives.dead {
        // Of two rules that make each other redundant, the later one is reported.
        let is_first = |at: usize| {
            twin(&lives.dead, rule)
                .and_then(position)
                .is_some_and(|twin| at < twin)
        };
        if let Some(at) = position(rule.rule).filter(|at| !is_first(*at)) {
            findings.push(dead_rule(context, at, rule, position));
        }
    }
    for found in constant::conditions(policy, now) {
        // A rule that never matches for this reason has already been reported.
        let is_dead = lives.dead.iter().any(|dead| dead.rule == found.rule);
        let Some(at) = position(found.rule).filter(|_| !is_dead) else {
            continue;
        };
        let rule = context.policy.rules.get(at);
        if rule.is_some_and(|rule| reads_captures(rule, found.part)) {
            // The values of a capture depend on the pattern, which is not considered here.
            continue;
        }
        let (key, effect) = match found.part {
            constant::Part::When => ("when", "restricts nothing"),
            constant::Part::Unless => ("unless", "excepts no request"),
        };
        let message = match found.value {
            Constant::AlwaysTrue => format!("`{key}` is true for every request"),
            Constant::TrueIfKnown => {
                format!("`{key}` is true for every token that has the claims it reads")
            }
            Constant::AlwaysFalse => format!("`{key}` is false for every request"),
            Constant::FalseIfKnown => format!("`{key}` is never true"),
            Constant::NeverKnown => format!("`{key}` is never known"),
        };
        let part = Part::Key(key);
        let mut finding = context.finding(&codes::ALWAYS_TRUE_OR_FALSE, at, &part, message);
        let is_plain = matches!(found.value, Constant::AlwaysTrue) == (key == "when");
        finding.help(if is_plain {
            format!("it {effect}; remove or correct it")
        } else {
            "look for a comparison that is always false, or always true".to_owned()
        });
        findings.push(finding);
    }
}

/// The rule that alone makes this one redundant, if this one alone does the same to it.
fn twin(dead: &[DeadRule], rule: &DeadRule) -> Option<RuleId> {
    let is_redundant = |rule: &&DeadRule| matches!(rule.why, Dead::Redundant | Dead::AlreadyDenied);
    let [other] = *rule.blockers.as_slice() else {
        return None;
    };
    let mut dead = dead.iter().filter(is_redundant);
    dead.find(|one| one.rule == other && one.blockers == [rule.rule])
        .filter(|_| is_redundant(&rule))
        .map(|one| one.rule)
}

/// Whether a condition reads a capture.
fn reads_captures(rule: &RuleSpec, part: constant::Part) -> bool {
    let condition = match part {
        constant::Part::When => &rule.when,
        constant::Part::Unless => &rule.unless,
    };
    let mut found = false;
    if let Some(condition) = condition {
        condition.each(&mut |expr| found |= matches!(expr, Expr::Capture(_)));
    }
    found
}

fn dead_rule(
    context: &LintContext<'_>,
    at: usize,
    dead: &DeadRule,
    position: &impl Fn(RuleId) -> Option<usize>,
) -> Diagnostic {
    let rule = context.policy.rules.get(at).map(name).unwrap_or_default();
    let is_deny = context
        .policy
        .rules
        .get(at)
        .is_some_and(|rule| rule.effect == Effect::Deny);
    let (code, message, blocked, help) = match dead.why {
        Dead::NeverMatches => (
            &codes::NEVER_MATCHES,
            format!("`{rule}` can never match"),
            "",
            "its parts exclude each other; correct one, or remove the rule",
        ),
        Dead::Redundant => (
            &codes::SHADOWED,
            format!(
                "rule `{rule}` is redundant: other rules already allow every request it allows"
            ),
            "by this rule",
            "remove the rule, or narrow the others",
        ),
        Dead::AlreadyDenied => (
            &codes::SHADOWED,
            format!("rule `{rule}` is redundant: other rules already deny every request it denies"),
            "by this rule",
            "remove the rule, or narrow the others",
        ),
        Dead::DeniesNothing => (
            &codes::DEAD_DENY,
            format!("no rule allows anything that `{rule}` denies"),
            "",
            "compare its paths and methods with those of the `allow` rules",
        ),
        Dead::Overridden => (
            &codes::OVERRIDDEN,
            format!("whenever `{rule}` matches, a `deny` wins"),
            "this `deny`",
            "narrow the `deny`, give it an `unless`, or remove the `allow`",
        ),
    };
    let part = if is_deny || dead.why != Dead::NeverMatches {
        Part::Effect
    } else {
        Part::Rule
    };
    let mut finding = context.finding(code, at, &part, message);
    let blockers: Vec<usize> = dead
        .blockers
        .iter()
        .filter_map(|id| position(*id))
        .collect();
    for blocker in blockers.iter().take(MAX_BLOCKERS) {
        context.mark(&mut finding, *blocker, &Part::Effect, blocked);
    }
    if blockers.len() > MAX_BLOCKERS {
        let more = blockers.len() - MAX_BLOCKERS;
        finding.help(format!("together with {more} more rules"));
    }
    if let Some(witness) = &dead.witness {
        finding.help(format!("for example {}", describe(witness)));
    }
    finding.help(help);
    finding
}

/// A request in one line.
pub(super) fn describe(request: &Request) -> String {
    let mut text = format!("`{} {}`", request.method, request.target);
    match &request.claims {
        None => text.push_str(" without a token"),
        Some(claims) => {
            let claims = inline(&claims.clone().into());
            text.push_str(&format!(" with the claims `{claims}`"));
        }
    }
    if let Some(ip) = request.ip {
        text.push_str(&format!(" from `{ip}`"));
    }
    text.push_str(&format!(" at {}", moment(request.now)));
    text
}
