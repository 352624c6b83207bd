//! TG0716: windows that are over.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;

use super::{Subject, name};
use crate::locate::Part;
use crate::words;

pub(super) fn check(subject: &Subject<'_>, now: i64, findings: &mut Vec<Diagnostic>) {
    for (at, rule, _) in subject.rules() {
        let Some(until) = rule.until.filter(|until| *until <= now) else {
            continue;
        };
        let message = format!("`{}` ended at {}", name(rule), words::moment(until));
        let mut finding = subject.finding(&codes::PAST_WINDOW, at, &Part::Key("until"), message);
        finding.help("remove the rule, or move `until`");
        findings.push(finding);
    }
}
