//! TG0713: one path, two readings of a capture.

use std::collections::BTreeSet;

use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_compiler::spec::{Expr, Pattern, RuleSpec, Segment};

use super::{Subject, name, overlap};
use crate::locate::Part;
use crate::words;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, rule, _) in subject.rules() {
        if rule.patterns.len() < 2 {
            continue;
        }
        let used = used(rule);
        if used.is_empty() {
            continue;
        }
        for (nth, left) in rule.patterns.iter().enumerate() {
            for (other, right) in rule.patterns.iter().enumerate().take(nth) {
                let differs = |name: &&&str| place(left, name) != place(right, name);
                let Some(capture) = used.iter().find(differs) else {
                    continue;
                };
                if !overlap(left, right) {
                    continue;
                }
                let (left, right) = (words::pattern(left), words::pattern(right));
                let message = format!(
                    "`{{{capture}}}` of `{}` can be two different segments of one path",
                    name(rule)
                );
                let part = Part::Pattern(nth);
                let mut finding = subject.finding(&codes::AMBIGUOUS_CAPTURE, at, &part, message);
                let also = format!("`{left}` and `{right}` have paths in common");
                subject.mark(&mut finding, at, &Part::Pattern(other), &also);
                finding.help("make two rules of it, one for each pattern");
                findings.push(finding);
            }
        }
    }
}

/// The captures that matter to the rule.
fn used(rule: &RuleSpec) -> BTreeSet<&str> {
    let who = &rule.who;
    let lists = [&who.groups, &who.scopes, &who.subjects];
    let mut used: BTreeSet<&str> = lists
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.capture.as_deref())
        .collect();
    for condition in rule.when.iter().chain(&rule.unless) {
        condition.each(&mut |expr| {
            if let Expr::Capture(name) = expr {
                used.insert(name);
            }
        });
    }
    used
}

/// Where a capture stands: counted from the start, or from the end if a `**` comes before it.
fn place(pattern: &Pattern, name: &str) -> Option<(bool, usize)> {
    let is_it = |segment: &Segment| matches!(segment, Segment::Capture(found) if found == name);
    let at = pattern.segments.iter().position(is_it)?;
    let mut before = pattern.segments.iter().take(at);
    let from_end = before.any(|segment| matches!(segment, Segment::Rest));
    Some(if from_end {
        (true, pattern.segments.len() - at)
    } else {
        (false, at)
    })
}
