//! The parts of `site.toml` about lints and tests: suppressions of warnings, and the minimum coverage.
//!
//! Not here: the lints (`tollgate-author`).

use crate::diagnostic::{Applicability, Code, Edit, Report, Severity, Span, codes, shown};
use crate::document::Table;
use crate::edit::quoted;
use crate::keys::nearest;

/// A suppression of a warning, `[[lint]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The warning.
    pub code: &'static Code,
    /// The rule that the warning is about, as `course/id`; `None` means any.
    pub rule: Option<String>,
    /// The reason.
    pub because: String,
    /// The span of the suppression in `site.toml`.
    pub span: Span,
}

/// Reads `[[lint]]`.
pub(super) fn suppressions(root: Table<'_>, report: &mut Report) -> Vec<Suppression> {
    let mut all = Vec::new();
    for table in root.tables("lint") {
        let (Some(allow), Some(because)) = (table.text("allow"), table.text("because")) else {
            continue;
        };
        let known = codes::codes().find(|code| code.id == allow.value);
        match known {
            Some(code) if code.severity == Severity::Warning => all.push(Suppression {
                code,
                rule: table.text("rule").map(|rule| rule.value.to_owned()),
                because: because.value.to_owned(),
                span: table.place(),
            }),
            Some(code) => {
                let message = format!("`{}` is an error, which cannot be suppressed", code.id);
                report
                    .add(&codes::BAD_ALLOWANCE, allow.span, message)
                    .help("correct the error, and remove this `[[lint]]`");
            }
            // The empty text was reported with the shape of the table.
            None if allow.value.is_empty() => {}
            None => {
                let message = format!("`{}` is not the code of a warning", shown(allow.value));
                let diagnostic = report.add(&codes::BAD_ALLOWANCE, allow.span, message);
                let warnings = codes::codes().filter(|code| code.severity == Severity::Warning);
                match nearest(allow.value, warnings.map(|code| code.id)) {
                    Some(near) => diagnostic
                        .help(format!("did you mean `{near}`?"))
                        .fix(Applicability::Unsure, Edit::new(allow.span, quoted(near))),
                    None => diagnostic.help("write the code of a warning, such as `TG0710`"),
                };
            }
        }
    }
    all
}

/// Reads `[tests]`.
pub(super) fn min_coverage(root: Table<'_>) -> Option<u8> {
    let percent = root.table("tests")?.int("min_coverage")?;
    u8::try_from(percent).ok()
}
