//! TG0724: `deny` rules that omit a method which an `allow` of the same paths grants.
//!
//! A `deny` without `methods` applies to GET and HEAD. Its gaps are found by comparing the policy
//! with one in which such rules apply to every method: whatever that one denies in addition is
//! allowed today. Only rules that do not list their methods are reported, so an author can list
//! them to confirm them.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_analysis::rule_name as name;
use tollgate_analysis::{Policy, diff};
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::{Effect, MethodSet};
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::context::LintContext;
use super::dead::describe;
use crate::locate::Part;
use crate::syntax;

/// The number of `allow` rules named in one diagnostic.
const MAX_NAMED: usize = 3;

pub(super) fn check(
    context: &LintContext<'_>,
    policy: &Policy,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    let candidates = candidates(context);
    if candidates.is_empty() {
        return;
    }
    let mut wider = context.policy.clone();
    for at in &candidates {
        if let Some(rule) = wider.rules.get_mut(*at) {
            rule.methods = rule.methods | writes();
        }
    }
    let Ok(wider) = Policy::new(wider) else {
        return;
    };
    let positions: BTreeMap<String, usize> = context
        .rules()
        .map(|(at, rule, _)| (name(rule), at))
        .collect();
    // Per `deny`: the open methods, the `allow` rules, and an example request.
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
        let granted = context.policy.rules.get(allow);
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
        findings.push(finding(context, deny, &open));
    }
}

/// The methods that change something. OPTIONS is not included: preflights are allowed for everyone
/// and have no effect.
fn writes() -> MethodSet {
    let names = ["POST", "PUT", "PATCH", "DELETE"].into_iter();
    names
        .filter_map(MethodSet::from_name)
        .fold(MethodSet::EMPTY, |all, one| all | one)
}

fn both(one: MethodSet, other: MethodSet) -> MethodSet {
    MethodSet::from_bits(one.bits() & other.bits()).unwrap_or(MethodSet::EMPTY)
}

/// The gaps of a `deny`.
struct Open {
    methods: MethodSet,
    allows: Vec<usize>,
    example: String,
}

fn finding(context: &LintContext<'_>, deny: usize, open: &Open) -> Diagnostic {
    let rule_name = |at: usize| context.policy.rules.get(at).map(name).unwrap_or_default();
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
    let mut finding = context.finding(&codes::DENY_METHODS, deny, &Part::Effect, message);
    for allow in open.allows.iter().take(MAX_NAMED) {
        context.mark(
            &mut finding,
            *allow,
            &Part::Key("methods"),
            "this rule allows other methods",
        );
    }
    let all = MethodSet::READ | open.methods;
    finding.help(format!("for example {}", open.example));
    finding.help(format!(
        "add `methods = {}` to the `deny`, or `methods = {}` if only reading is to be denied",
        syntax::methods(all),
        syntax::methods(MethodSet::READ)
    ));
    finding
}

/// The `deny` rules without `methods` that share the start of a path with an `allow` for other
/// methods. Few rules do, and only for them are the policies compared.
fn candidates(context: &LintContext<'_>) -> BTreeSet<usize> {
    let mut allows: BTreeSet<String> = BTreeSet::new();
    for rule in &context.policy.rules {
        if rule.effect == Effect::Allow && !both(rule.methods, writes()).is_empty() {
            allows.extend(rule.patterns.iter().map(literal_start));
        }
    }
    if allows.is_empty() {
        return BTreeSet::new();
    }
    let may_meet = |pattern: &Pattern| {
        let start = literal_start(pattern);
        // One of the two literal starts is a prefix of the other.
        let above = start.match_indices('/').map(|(at, _)| at + 1);
        let is_above = above
            .filter_map(|end| start.get(..end))
            .any(|above| allows.contains(above));
        let mut below = allows.range(start.clone()..);
        is_above || below.next().is_some_and(|below| below.starts_with(&start))
    };
    context
        .rules()
        .filter(|(_, rule, places)| {
            rule.effect == Effect::Deny
                && !places.has("methods")
                && rule.patterns.iter().any(may_meet)
        })
        .map(|(at, ..)| at)
        .collect()
}

/// The literal segments before the first other one, each followed by a slash.
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
