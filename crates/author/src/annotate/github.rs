//! Workflow commands of GitHub Actions, which show results beside the lines of a change.
//!
//! The syntax is that of the runner's `ActionCommand`: values must not contain line ends, and values of properties
//! neither `:` nor `,`.

use tollgate_compiler::diagnostic::Severity;
use tollgate_policy::visible::visible_lines;

use super::{Annotation, Region};

/// The number of annotations of one severity that GitHub shows for a step. It drops the others.
const MAX_SHOWN: usize = 10;

/// One command per result, without a line end after the last. Errors come first, and of results that GitHub would not
/// show there is one command with their number; they follow as text, for the log.
pub fn github(annotations: &[Annotation]) -> String {
    let mut lines = Vec::new();
    let mut rest = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let all: Vec<&Annotation> = annotations
            .iter()
            .filter(|annotation| annotation.severity == severity)
            .collect();
        let shown = match all.len() > MAX_SHOWN {
            true => MAX_SHOWN - 1,
            false => all.len(),
        };
        let (first, others) = all.split_at(shown);
        lines.extend(first.iter().map(|annotation| command(annotation)));
        if !others.is_empty() {
            let name = name(severity);
            let count = others.len();
            lines.push(format!(
                "::{name} title=tollgate::{count} more of this severity: GitHub shows {MAX_SHOWN} per step; the log of the \
                 step lists them"
            ));
            rest.extend(others.iter().map(|annotation| line(annotation)));
        }
    }
    lines.extend(rest);
    lines.join("\n")
}

/// A result as a line of the log.
fn line(annotation: &Annotation) -> String {
    let place = annotation.region.map(|region| format!(":{}", region.line));
    let place = format!("{}{}", annotation.file, place.unwrap_or_default());
    let (name, id) = (annotation.severity.name(), annotation.kind.id);
    let text = format!("{name}[{id}] {place}: {}", annotation.message);
    inert(&visible_lines(&text).replace('\n', " "))
}

/// Text in which the runner finds no command: it looks for `::` at the start of a line, and for `##[` anywhere.
pub fn inert(text: &str) -> String {
    inert_behind(text, |line| line.trim_start())
}

/// The same for text in which something at the start of a line is not printed, such as colours: `read` returns the line
/// without it.
pub fn inert_behind(text: &str, read: impl Fn(&str) -> &str) -> String {
    let line = |line: &str| match read(line).starts_with("::") {
        true => format!("| {line}"),
        false => line.to_owned(),
    };
    let lines: Vec<String> = text.replace("##[", "## [").split('\n').map(line).collect();
    lines.join("\n")
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn command(annotation: &Annotation) -> String {
    let Annotation {
        kind,
        severity,
        message,
        help,
        file,
        region,
        fixes: _,
        excerpt: _,
    } = annotation;
    let name = name(*severity);
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
