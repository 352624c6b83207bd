//! TG0713: patterns in which a capture is ambiguous for some path.

use tollgate_analysis::Policy;
use tollgate_analysis::overlap::overlaps;
use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::RuleId;

use super::context::LintContext;
use crate::locate::Part;

pub(super) fn check(
    context: &LintContext<'_>,
    policy: &Policy,
    position: &impl Fn(RuleId) -> Option<usize>,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    for overlap in overlaps(policy, now) {
        let Some(at) = position(overlap.rule) else {
            continue;
        };
        let rule = context.policy.rules.get(at).map(name).unwrap_or_default();
        let capture = &overlap.capture;
        let message = format!(
            "`{{{capture}}}` of `{rule}` is ambiguous: it can be two different segments of one path"
        );
        let [first, second] = overlap.patterns;
        let part = Part::Pattern(second);
        let mut finding = context.finding(&codes::AMBIGUOUS_CAPTURE, at, &part, message);
        let [one, other] = &overlap.values;
        let here = format!(
            "for `{}` this one captures `{one}`, and that one `{other}`",
            overlap.target
        );
        context.mark(&mut finding, at, &Part::Pattern(first), &here);
        finding.help("split the rule into two, one per pattern");
        findings.push(finding);
    }
}
