//! Which issuers can grant the groups, subjects and claims that rules ask for.
//!
//! Not here: what a token of an issuer contains.

use std::collections::BTreeMap;

use tollgate_core::{Effect, glob};
use tollgate_gate::config::GateConfig;
use tollgate_token::{ClaimRules, IssuerConfig};

use crate::course::Placed;
use crate::diagnostic::{Report, codes};
use tollgate_policy::spec::{Expr, RuleSpec, Template};

/// Most rules that a finding names.
const MAX_EXAMPLES: usize = 3;

/// Reports issuers whose groups are read but not configured, and what several issuers can grant.
pub(crate) fn check_names(gate: &GateConfig, rules: &[(String, Placed)], report: &mut Report) {
    let issuers: Vec<&IssuerConfig> = gate.sign_in_issuers().collect();
    for issuer in &issuers {
        report_missing_claim(issuer, rules, report);
    }
    report_shared(&issuers, rules, report);
}

/// An issuer whose groups rules could mean must have a claim for them.
fn report_missing_claim(issuer: &IssuerConfig, rules: &[(String, Placed)], report: &mut Report) {
    if issuer.claims.groups.is_some() {
        return;
    }
    let reads = |rule: &RuleSpec| {
        let mut reads = rule.who.groups.is_some();
        each_condition(rule, &mut |expr| reads |= matches!(expr, Expr::InGroups(_)));
        reads && is_about(rule, issuer)
    };
    let Some((file, placed)) = rules.iter().find(|(_, placed)| reads(&placed.rule)) else {
        return;
    };
    let message = format!(
        "issuer `{}` has no `groups_claim`, and rules name groups",
        issuer.name
    );
    report
        .add_whole(&codes::GROUPS_CLAIM_MISSING, message)
        .label(file, placed.span, "this rule names groups")
        .help(format!(
            "add `groups_claim = \"groups\"` to issuer `{}`, or the claim that its tokens have",
            issuer.name
        ));
}

/// What several issuers can grant, and their names.
type Shared<'i> = (Granted, Vec<&'i str>);

/// One finding for each set of issuers that can grant what the same rules ask for.
fn report_shared(issuers: &[&IssuerConfig], rules: &[(String, Placed)], report: &mut Report) {
    let mut shared: BTreeMap<Shared<'_>, Vec<&(String, Placed)>> = BTreeMap::new();
    for entry in rules {
        let rule = &entry.1.rule;
        if reads_issuer(rule) {
            continue;
        }
        for granted in [Granted::Names, Granted::Claims] {
            let grants = |issuer: &&&IssuerConfig| {
                is_about(rule, issuer) && can_grant(issuer, rule) == Some(granted)
            };
            let names: Vec<&str> = issuers
                .iter()
                .filter(grants)
                .map(|issuer| issuer.name.as_str())
                .collect();
            if names.len() > 1 {
                shared.entry((granted, names)).or_default().push(entry);
            }
        }
    }
    for ((granted, names), rules) in shared {
        report_set(granted, &names, &rules, report);
    }
}

fn report_set(granted: Granted, names: &[&str], rules: &[&(String, Placed)], report: &mut Report) {
    let (Some(last), Some((file, placed))) = (names.last(), rules.first()) else {
        return;
    };
    let listed = crate::keys::and_list(names);
    let examples: Vec<_> = rules
        .iter()
        .take(MAX_EXAMPLES)
        .map(|(_, placed)| format!("`{}/{}`", placed.rule.course, placed.rule.id))
        .collect();
    let more = rules.len().saturating_sub(examples.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let message = format!(
        "tokens of {listed} can all satisfy {}{more}",
        examples.join(", ")
    );
    let (code, label) = match granted {
        Granted::Names => (
            &codes::SHARED_NAMES,
            "this rule names groups or subjects, whoever issued them",
        ),
        Granted::Claims => (
            &codes::SHARED_CLAIMS,
            "this rule trusts a claim or scope, whoever issued it",
        ),
    };
    let has = |effect| rules.iter().any(|(_, placed)| placed.rule.effect == effect);
    let mut finding = report
        .add_whole(code, message)
        .label(file, placed.span, label);
    if granted == Granted::Names {
        finding = finding.help(format!(
            "restrict what `{last}` can grant: `groups = [\"…\"]`, `groups_prefix` or `subject_prefix` in \
             its `[[issuer]]`"
        ));
    }
    if has(Effect::Allow) {
        let or = if granted == Granted::Names { "or " } else { "" };
        finding = finding.help(format!(
            "{or}name the issuers that the rule is about: `issuers = [\"…\"]`"
        ));
    }
    // With `issuers`, the `deny` would not reach the tokens of the others at all.
    if has(Effect::Deny) {
        let or = match granted {
            Granted::Claims if !has(Effect::Allow) => "",
            _ => "or ",
        };
        finding.help(format!(
            "{or}except the users of one issuer only: `unless = 'issuer == \"…\" && …'`"
        ));
    }
}

fn each_condition<'r>(rule: &'r RuleSpec, visit: &mut impl FnMut(&'r Expr)) {
    for condition in [&rule.when, &rule.unless].into_iter().flatten() {
        condition.each(visit);
    }
}

fn reads_issuer(rule: &RuleSpec) -> bool {
    let mut reads = false;
    each_condition(rule, &mut |expr| reads |= *expr == Expr::Issuer);
    reads
}

/// Whether a token of the issuer can match the rule, as far as `issuers` decides that.
fn is_about(rule: &RuleSpec, issuer: &IssuerConfig) -> bool {
    let names = rule.who.issuers.as_ref();
    names.is_none_or(|names| {
        names
            .iter()
            .any(|name| issuer.issuers.first() == Some(name))
    })
}

/// What of a token opens the paths of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Granted {
    /// Its groups or its subject.
    Names,
    /// Only its scopes, or claims that a condition reads.
    Claims,
}

/// What the rule opens its paths for, if tokens of the issuer can contain that.
///
/// A `deny` opens what its `unless` excepts. That it reaches more users than meant opens nothing.
fn can_grant(issuer: &IssuerConfig, rule: &RuleSpec) -> Option<Granted> {
    let claims = &issuer.claims;
    let is_allow = rule.effect == Effect::Allow;
    let groups = rule.who.groups.as_ref().filter(|_| is_allow);
    let subjects = rule.who.subjects.as_ref().filter(|_| is_allow);
    let (conditions, opening) = if is_allow {
        ([&rule.when, &rule.unless], &rule.when)
    } else {
        ([&None, &rule.unless], &rule.unless)
    };
    let mut is_named = groups.is_some() || subjects.is_some();
    let mut is_claimed = is_allow && rule.who.scopes.is_some();
    for condition in conditions.into_iter().flatten() {
        condition.each(&mut |expr| {
            is_named |= matches!(expr, Expr::Subject);
            is_claimed |= matches!(expr, Expr::Claim(_) | Expr::Has(_) | Expr::InClaim(..));
        });
    }
    // That a group keeps users out grants nothing.
    if let Some(condition) = opening {
        condition.each(&mut |expr| is_named |= matches!(expr, Expr::InGroups(_)));
    }
    let has_groups = groups.is_none_or(|names| {
        claims.groups.is_some() && names.iter().any(|name| group_fits(claims, name))
    });
    let subject_fits = |name: &Template| without_prefix(name, &claims.subject_prefix).is_some();
    let has_subjects = subjects.is_none_or(|names| names.iter().any(subject_fits));
    // What else an `unless` of an allow excepts, any token can lack.
    let decides =
        |condition: &Expr| opening.as_ref() == Some(condition) || reads_subject(condition);
    let has_rest = conditions
        .into_iter()
        .flatten()
        .all(|condition| !decides(condition) || may_be_true(claims, condition));
    let granted = match (is_named, is_claimed) {
        (true, _) => Granted::Names,
        (false, true) => Granted::Claims,
        (false, false) => return None,
    };
    (has_groups && has_subjects && has_rest).then_some(granted)
}

fn reads_subject(condition: &Expr) -> bool {
    let mut reads = false;
    condition.each(&mut |expr| reads |= matches!(expr, Expr::Subject));
    reads
}

fn group_fits(claims: &ClaimRules, name: &Template) -> bool {
    let rest = without_prefix(name, &claims.groups_prefix);
    rest.is_some_and(|rest| {
        let granted = claims.granted_groups.as_ref();
        granted.is_none_or(|granted| granted.iter().any(|pattern| overlaps(pattern, &rest)))
    })
}

/// Whether tokens of an issuer with these claims could make a condition true, as far as groups and subjects
/// decide that.
fn may_be_true(claims: &ClaimRules, condition: &Expr) -> bool {
    match condition {
        Expr::And(left, right) => may_be_true(claims, left) && may_be_true(claims, right),
        Expr::Or(left, right) => may_be_true(claims, left) || may_be_true(claims, right),
        Expr::InGroups(name) => {
            claims.groups.is_some()
                && match &**name {
                    Expr::Str(text) => group_fits(
                        claims,
                        &Template {
                            prefix: text.clone(),
                            capture: None,
                            suffix: String::new(),
                        },
                    ),
                    _ => true,
                }
        }
        // A subject that is compared may be anything but one with a prefix of its own.
        Expr::Compare(_, left, right)
            if [left, right].iter().any(|side| ***side == Expr::Subject) =>
        {
            claims.subject_prefix.is_empty()
        }
        Expr::InStrings(value, _) if **value == Expr::Subject => claims.subject_prefix.is_empty(),
        _ => true,
    }
}

/// What an issuer with this prefix must write for its tokens to have the name: literal text, and `*` for
/// what a capture adds. `None` if they cannot have it. A capture could supply the prefix as well, but then no
/// other issuer is meant.
fn without_prefix(name: &Template, prefix: &str) -> Option<String> {
    let star = if name.capture.is_some() { "*" } else { "" };
    let rest = name.prefix.strip_prefix(prefix)?;
    Some(format!("{rest}{star}{}", name.suffix))
}

/// Whether a pattern and a name, both possibly with `*`, can be the same text. A capture has no `*`, so a
/// name without one is compared exactly.
fn overlaps(pattern: &str, name: &str) -> bool {
    if !name.contains('*') {
        return glob::matches(pattern.as_bytes(), name.as_bytes());
    }
    let literal = |text: &str| {
        let (start, _) = text.split_once('*').unwrap_or((text, ""));
        let (_, end) = text.rsplit_once('*').unwrap_or(("", text));
        (start.to_owned(), end.to_owned())
    };
    let ((start, end), (name_start, name_end)) = (literal(pattern), literal(name));
    let starts = start.starts_with(&name_start) || name_start.starts_with(&start);
    starts && (end.ends_with(&name_end) || name_end.ends_with(&end))
}

#[cfg(test)]
mod tests;
