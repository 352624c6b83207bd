//! Edits of TOML text: removing an entry or whole lines, and writing a string.
//!
//! They keep comments and layout of the rest. Not here: whether an edit is right.

use tollgate_policy::syntax;
use tollgate_policy::visible::is_visible;

use crate::diagnostic::{Edit, Span};

/// A string as TOML, readable if it contains quotes.
///
/// # Example
/// ```
/// use tollgate_compiler::edit::quoted;
///
/// assert_eq!(quoted("/a"), r#""/a""#);
/// assert_eq!(quoted("claims[\"a\"]"), "'claims[\"a\"]'");
/// assert_eq!(quoted("a'\"\n"), r#""a'\"\n""#);
/// ```
pub fn quoted(text: &str) -> String {
    let is_literal = text.chars().all(|c| is_visible(c) && c != '\'');
    match is_literal && text.contains(['"', '\\']) {
        true => format!("'{text}'"),
        false => syntax::quoted(text),
    }
}

/// The removal of an entry of a list, with one comma.
pub fn without_entry(text: &str, entry: Span) -> Edit {
    let after = text.get(entry.end..).unwrap_or_default();
    let gap = after.len() - after.trim_start().len();
    if after.trim_start().starts_with(',') {
        let end = entry.end + gap + 1;
        let rest = text.get(end..).unwrap_or_default();
        let line = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let after = rest.get(line..).unwrap_or_default();
        let ends_line = after.is_empty() || after.starts_with(['\n', '\r']);
        let span = Span {
            start: entry.start,
            end,
        };
        // An entry on a line of its own goes with it, and with a comment about it.
        if is_first_in_line(text, entry.start) && (ends_line || after.starts_with('#')) {
            return without_lines(text, span);
        }
        if ends_line {
            let before = text.get(..entry.start).unwrap_or_default();
            let start = before.trim_end_matches([' ', '\t']).len();
            return Edit::new(Span { start, end }, "");
        }
        let end = end + line;
        return Edit::new(Span { end, ..span }, "");
    }
    // The last entry: the comma before it goes.
    let before = text.get(..entry.start).unwrap_or_default().trim_end();
    match before.ends_with(',') {
        true => Edit::new(
            Span {
                start: before.len() - 1,
                end: entry.end,
            },
            "",
        ),
        false => Edit::new(entry, ""),
    }
}

/// The removal of the lines that a span is in, with comments on the last of them.
pub fn without_lines(text: &str, span: Span) -> Edit {
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let after = text.get(span.end..).and_then(|after| after.find('\n'));
    let end = after.map_or(text.len(), |at| span.end + at + 1);
    Edit::new(Span { start, end }, "")
}

/// Whether only spaces precede a position in its line.
fn is_first_in_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rfind('\n').and_then(|end| before.get(end + 1..));
    line.unwrap_or(before).trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::edited;

    #[test]
    fn entries_are_removed_with_one_comma() {
        for (text, entry, expected) in [
            ("a = [\"x\", \"y\", \"z\"]", "\"x\"", "a = [\"y\", \"z\"]"),
            ("a = [\"x\", \"y\", \"z\"]", "\"y\"", "a = [\"x\", \"z\"]"),
            ("a = [\"x\", \"y\", \"z\"]", "\"z\"", "a = [\"x\", \"y\"]"),
            ("a = [\"z\"]", "\"z\"", "a = []"),
            (
                "a = [\n  \"x\", # one\n  \"z\",\n]\n",
                "\"z\"",
                "a = [\n  \"x\", # one\n]\n",
            ),
            (
                "a = [\n  \"x\",\n  \"z\"\n]\n",
                "\"z\"",
                "a = [\n  \"x\"\n]\n",
            ),
            (
                "a = [\n  \"z\", # why\n  \"x\"\n]\n",
                "\"z\"",
                "a = [\n  \"x\"\n]\n",
            ),
        ] {
            let start = text.find(entry).unwrap();
            let end = start + entry.len();
            let edit = without_entry(text, Span { start, end });
            assert_eq!(edited(text, &[&edit]).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn strings_mean_what_they_were() {
        for text in [
            "",
            "a",
            "a\"b",
            "a'b",
            "a'b\"c",
            "a\\b",
            "\u{1}\n\t\r\u{7f}",
            "é\u{200b}",
            "''",
            "a\\'",
        ] {
            let table: toml::Table = toml::from_str(&format!("a = {}", quoted(text))).unwrap();
            assert_eq!(table["a"].as_str(), Some(text));
        }
    }
}
