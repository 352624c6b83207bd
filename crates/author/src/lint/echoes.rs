//! Diagnostics that only follow from another one about the same rule: the cause is reported, and they are not.
//!
//! Not here: many rules with one cause ([`swallow`](super::swallow)).

use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::{Code, codes};

use super::context::LintContext;

/// The part of the rule that an echo is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Any part of the rule.
    Rule,
    /// The same part as the cause.
    Same,
}

/// A cause, and what it makes of a rule.
const ECHOES: [(&Code, &[(&Code, Part)]); 3] = [
    (
        &codes::CONSTANT_CONDITION,
        &[
            (&codes::NEVER_MATCHES, Part::Rule),
            (&codes::ALWAYS_TRUE_OR_FALSE, Part::Same),
        ],
    ),
    (
        &codes::REPEATED_BASE,
        &[
            (&codes::DEAD_DENY, Part::Rule),
            (&codes::DENY_BELOW, Part::Same),
            (&codes::DENY_WITHOUT_SLASH, Part::Same),
        ],
    ),
    (
        &codes::FOREIGN_SYNTAX,
        &[
            (&codes::DEAD_DENY, Part::Rule),
            (&codes::DENY_BELOW, Part::Same),
            (&codes::DENY_WITHOUT_SLASH, Part::Same),
        ],
    ),
];

/// Drops echoes of diagnostics that are shown. Those of a suppressed one stay, because it is no mistake.
pub(super) fn drop(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    let causes: Vec<Diagnostic> = findings
        .iter()
        .filter(|finding| ECHOES.iter().any(|(cause, _)| **cause == *finding.code))
        .cloned()
        .collect();
    findings.retain(|finding| !causes.iter().any(|cause| is_echo(context, cause, finding)));
}

fn is_echo(context: &LintContext<'_>, cause: &Diagnostic, finding: &Diagnostic) -> bool {
    let (Some(of), Some(span)) = (cause.span, finding.span) else {
        return false;
    };
    let echoes = ECHOES
        .iter()
        .filter(|(code, _)| **code == *cause.code)
        .flat_map(|(_, echoes)| *echoes);
    let parts = echoes.filter(|(code, _)| **code == *finding.code);
    let is_same = of.start < span.end && span.start < of.end;
    let in_rule = || {
        context.rules().any(|(_, _, places)| {
            let is_inside = |start: usize| (places.whole.start..places.whole.end).contains(&start);
            places.file == cause.file && is_inside(of.start) && is_inside(span.start)
        })
    };
    let mut parts = parts.map(|(_, part)| *part);
    cause.file == finding.file
        && parts.any(|part| match part {
            Part::Rule => in_rule(),
            Part::Same => is_same,
        })
}
