//! Workflow commands of GitHub Actions, which show results beside the lines of a change.
//!
//! The syntax is that of the runner's `ActionCommand`: values must not contain line ends, and values of properties
//! neither `:` nor `,`.

use tollgate_compiler::diagnostic::Severity;
use tollgate_policy::visible::visible_lines;

use super::{Annotation, Region};

/// One command per result, without a line end after the last.
pub fn github(annotations: &[Annotation]) -> String {
    let lines: Vec<String> = annotations.iter().map(command).collect();
    lines.join("\n")
}

fn command(annotation: &Annotation) -> String {
    let Annotation {
        kind,
        severity,
        message,
        help,
        file,
        region,
        excerpt: _,
    } = annotation;
    let name = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if !file.is_empty() {
        properties.push(("file", file.clone()));
    }
    if let Some(Region {
        line,
        end_line,
        columns,
    }) = region
    {
        properties.push(("line", line.to_string()));
        properties.push(("endLine", end_line.to_string()));
        // Columns of a region of several lines are rejected.
        if let Some((first, end)) = columns.filter(|_| line == end_line) {
            properties.push(("col", first.to_string()));
            properties.push(("endColumn", end.to_string()));
        }
    }
    properties.push(("title", kind.id.to_owned()));
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let help = help.iter().map(|help| format!("\nhelp: {help}"));
    let text = format!("{message}{}", help.collect::<String>());
    format!("::{name} {}::{}", properties.join(","), data(&text))
}

fn data(text: &str) -> String {
    visible_lines(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
