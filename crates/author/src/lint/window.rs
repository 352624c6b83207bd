//! TG0716: time windows that have ended.

use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;

use super::context::LintContext;
use crate::locate::Part;
use crate::syntax;

pub(super) fn check(context: &LintContext<'_>, now: i64, findings: &mut Vec<Diagnostic>) {
    for (at, rule, _) in context.rules() {
        let Some(until) = rule.until.filter(|until| *until <= now) else {
            continue;
        };
        let message = format!("`{}` ended at {}", name(rule), syntax::moment(until));
        let mut finding = context.finding(&codes::PAST_WINDOW, at, &Part::Key("until"), message);
        finding.help("remove the rule, or move `until`");
        findings.push(finding);
    }
}
