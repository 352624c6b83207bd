//! TG0724: denies that forget a method which an allow of the same paths grants.
//!
//! A `deny` without `methods` is about GET and HEAD. What it leaves open is found by comparing the policy
//! with one in which such denies are about every method: what that denies in addition is open today. Only a
//! deny that does not list its methods is reported, so listing them says that they are meant.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_analysis::{Policy, diff};
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::{Effect, MethodSet};
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::{Subject, describe, name};
use crate::locate::Part;
use crate::words;

/// Allows that are named in one finding.
const MAX_NAMED: usize = 3;

pub(super) fn check(
    subject: &Subject<'_>,
    policy: &Policy,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    let candidates = candidates(subject);
    if candidates.is_empty() {
        return;
    }
    let mut wider = subject.policy.clone();
    for at in &candidates {
        if let Some(rule) = wider.rules.get_mut(*at) {
            rule.methods = rule.methods | writes();
        }
    }
    let Ok(wider) = Policy::new(wider) else {
        return;
    };
    let positions: BTreeMap<String, usize> = subject
        .rules()
        .map(|(at, rule, _)| (name(rule), at))
        .collect();
    // By deny, what is open: the methods, the allows, and a request to show it.
    let mut open: BTreeMap<usize, Open> = BTreeMap::new();
    for found in diff::diff(policy, &wider, now).differences {
        let at = |rule: Option<&RuleSpec>| positions.get(&name(rule?)).copied();
        let deny = found.cause.and_then(|cause| at(wider.rule(cause.rule)));
        let allow = found.old.rule.and_then(|rule| at(policy.rule(rule)));
        let (Some(deny), Some(allow)) = (deny, allow) else {
            continue;
        };
        if !found.closes() || !candidates.contains(&deny) {
            continue;
        }
        let granted = subject.policy.rules.get(allow);
        let open = open.entry(deny).or_insert_with(|| Open {
            methods: MethodSet::EMPTY,
            allows: Vec::new(),
            example: describe(&found.witness),
        });
        if let Some(rule) = granted.filter(|_| !open.allows.contains(&allow)) {
            open.allows.push(allow);
            open.methods = open.methods | both(rule.methods, writes());
        }
    }
    for (deny, open) in open {
        findings.push(finding(subject, deny, &open));
    }
}

/// The methods that change something. OPTIONS is not among them: preflights are allowed for everyone, and have
/// no effect.
fn writes() -> MethodSet {
    let names = ["POST", "PUT", "PATCH", "DELETE"].into_iter();
    names
        .filter_map(MethodSet::from_name)
        .fold(MethodSet::EMPTY, |all, one| all | one)
}

fn both(one: MethodSet, other: MethodSet) -> MethodSet {
    MethodSet::from_bits(one.bits() & other.bits()).unwrap_or(MethodSet::EMPTY)
}

/// What a deny leaves open.
struct Open {
    methods: MethodSet,
    allows: Vec<usize>,
    example: String,
}

fn finding(subject: &Subject<'_>, deny: usize, open: &Open) -> Diagnostic {
    let rule_name = |at: usize| subject.policy.rules.get(at).map(name).unwrap_or_default();
    let methods: Vec<&str> = open.methods.names().collect();
    let through: Vec<String> = open
        .allows
        .iter()
        .take(MAX_NAMED)
        .map(|at| format!("`{}`", rule_name(*at)))
        .collect();
    let verb = if methods.len() == 1 { "stays" } else { "stay" };
    let message = format!(
        "`{}` denies only GET and HEAD: {} {verb} open through {}",
        rule_name(deny),
        methods.join(" and "),
        through.join(", ")
    );
    let mut finding = subject.finding(&codes::DENY_METHODS, deny, &Part::Effect, message);
    for allow in open.allows.iter().take(MAX_NAMED) {
        subject.mark(
            &mut finding,
            *allow,
            &Part::Key("methods"),
            "this rule allows other methods",
        );
    }
    let all = MethodSet::READ | open.methods;
    finding.help(format!("for example {}", open.example));
    finding.help(format!(
        "add `methods = {}`, or `methods = {}` if only reading is to be denied",
        words::methods(all),
        words::methods(MethodSet::READ)
    ));
    finding
}

/// The denies that do not list methods and share the beginning of a path with an allow that has others. Few
/// rules do, and only for them the policies are compared.
fn candidates(subject: &Subject<'_>) -> BTreeSet<usize> {
    let mut allows: BTreeSet<String> = BTreeSet::new();
    for rule in &subject.policy.rules {
        if rule.effect == Effect::Allow && !both(rule.methods, writes()).is_empty() {
            allows.extend(rule.patterns.iter().map(literal_start));
        }
    }
    if allows.is_empty() {
        return BTreeSet::new();
    }
    let may_meet = |pattern: &Pattern| {
        let start = literal_start(pattern);
        // One of the two starts is the beginning of the other.
        let above = start.match_indices('/').map(|(at, _)| at + 1);
        let is_above = above
            .filter_map(|end| start.get(..end))
            .any(|above| allows.contains(above));
        let mut below = allows.range(start.clone()..);
        is_above || below.next().is_some_and(|below| below.starts_with(&start))
    };
    subject
        .rules()
        .filter(|(_, rule, places)| {
            rule.effect == Effect::Deny
                && !places.has("methods")
                && rule.patterns.iter().any(may_meet)
        })
        .map(|(at, ..)| at)
        .collect()
}

/// The literal segments before the first that is not, each with a slash after it.
fn literal_start(pattern: &Pattern) -> String {
    let mut start = String::from("/");
    for segment in &pattern.segments {
        let Segment::Literal(text) = segment else {
            break;
        };
        start.push_str(text);
        start.push('/');
    }
    start
}
