//! TG0713: one path, two readings of a capture.

use tollgate_analysis::Policy;
use tollgate_analysis::overlap::overlaps;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::RuleId;

use super::{Subject, name};
use crate::locate::Part;

pub(super) fn check(
    subject: &Subject<'_>,
    policy: &Policy,
    position: &impl Fn(RuleId) -> Option<usize>,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    for overlap in overlaps(policy, now) {
        let Some(at) = position(overlap.rule) else {
            continue;
        };
        let rule = subject.policy.rules.get(at).map(name).unwrap_or_default();
        let capture = &overlap.capture;
        let message =
            format!("`{{{capture}}}` of `{rule}` can be two different segments of one path");
        let [first, second] = overlap.patterns;
        let part = Part::Pattern(second);
        let mut finding = subject.finding(&codes::AMBIGUOUS_CAPTURE, at, &part, message);
        let [one, other] = &overlap.values;
        let here = format!(
            "of `{}` this one takes `{one}`, and that one `{other}`",
            overlap.target
        );
        subject.mark(&mut finding, at, &Part::Pattern(first), &here);
        finding.help("make two rules of it, one for each pattern");
        findings.push(finding);
    }
}
