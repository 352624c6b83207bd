//! Lines of a TOML file, without parsing it.
//!
//! Not here: what is wrong with a line (`grammar`).

use crate::diagnostic::Span;

/// The span of the line in which `span` starts, without its line break.
pub(super) fn line_around(text: &str, span: Span) -> Span {
    let before = text.get(..span.start).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(span.start..).and_then(|after| after.find('\n'));
    Span {
        start,
        end: end.map_or(text.len(), |at| span.start + at),
    }
}

/// Whether a line looks like `[header]` or `[[header]]`.
pub(super) fn is_header(line: &str) -> bool {
    let line = line.trim();
    let inner = line.trim_start_matches('[');
    line.starts_with('[')
        && line.len() - inner.len() <= 2
        && inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && !inner.contains(',')
}
