//! The code quality report of GitLab, a subset of Code Climate's format.
//!
//! GitLab drops results without a location, so a result about no file is one about the policy's directory.

use serde_json::{Value, json};
use tollgate_compiler::diagnostic::Severity;
use tollgate_policy::visible::visible_lines;

use super::sarif::Fingerprints;
use super::{Annotation, Region};

/// All results.
pub fn gitlab(annotations: &[Annotation]) -> Value {
    let mut fingerprints = Fingerprints::default();
    let result = |annotation: &Annotation| {
        let Annotation {
            kind,
            severity,
            message,
            help,
            fixes: _,
            file,
            region,
            excerpt: _,
        } = annotation;
        let help: String = help.iter().map(|help| format!("; help: {help}")).collect();
        let severity = match severity {
            Severity::Error => "critical",
            Severity::Warning => "minor",
            Severity::Note => "info",
        };
        let file = match file.as_str() {
            "" => ".",
            file => file,
        };
        let (begin, end) = region.map_or((1, 1), |Region { line, end_line, .. }| (line, end_line));
        json!({
            "description": visible_lines(&format!("{message}{help}")),
            "check_name": kind.id,
            "fingerprint": fingerprints.next(annotation),
            "severity": severity,
            "location": { "path": file, "lines": { "begin": begin, "end": end } },
        })
    };
    annotations.iter().map(result).collect()
}
