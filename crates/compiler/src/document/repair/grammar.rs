//! Common syntax errors for which the messages of the parser do not help: YAML, curly quotes, merge conflicts,
//! quotes inside quotes.
//!
//! Not here: reading the file after them (`repair`).

use super::lines::{is_header, line_around};
use crate::diagnostic::{Span, is_readable, shown};

/// An error, in words that its author understands.
pub(super) struct Mistake {
    pub(super) message: String,
    /// The span of the earlier definition.
    pub(super) first: Option<Span>,
    pub(super) help: String,
}

impl Mistake {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            first: None,
            help: help.into(),
        }
    }
}

/// The probable cause of a parser's error at this span.
pub(super) fn mistake(text: &str, span: Span, message: &str) -> Option<Mistake> {
    let around = line_around(text, span);
    let line = text.get(around.start..around.end)?;
    if is_marker(line) {
        return Some(Mistake::new(
            "merge conflict marker",
            "resolve the conflict: keep one of the two versions, and remove the lines with markers",
        ));
    }
    let here = text.get(span.start..).and_then(|rest| rest.chars().next());
    if let Some(found) = here.and_then(|c| odd_character(text, span, c)) {
        return Some(found);
    }
    if message.contains("duplicate key") {
        return Some(duplicate(text, span, line));
    }
    yaml(line).or_else(|| nested_quotes(line, message))
}

/// The whole of a merge conflict that an error is at the beginning of.
pub(super) fn conflict(text: &str, error: Span) -> Option<Span> {
    let around = line_around(text, error);
    let line = text.get(around.start..around.end)?;
    if !line.starts_with("<<<<<<<") {
        return None;
    }
    let end = text.get(around.start..)?.find("\n>>>>>>>")?;
    let end = around.start + end + 1;
    let rest = text.get(end..)?;
    let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
    Some(Span {
        start: around.start,
        end: end + line,
    })
}

fn is_marker(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>"]
        .iter()
        .any(|marker| line.starts_with(marker))
}

/// A character that no TOML has outside of quotes, and that looks as if it had.
fn odd_character(text: &str, span: Span, c: char) -> Option<Mistake> {
    if c == '\0' {
        return Some(Mistake::new(
            "the file contains a NUL byte",
            "save the file as UTF-8 text; it may be UTF-16, or no text at all",
        ));
    }
    if "“”„‟‘’‚‛«»".contains(c) {
        let word = text.get(span.start..span.end).unwrap_or_default();
        let inner: String = word
            .chars()
            .filter(|c| !"“”„‟‘’‚‛«»\"'".contains(*c))
            .collect();
        return Some(Mistake::new(
            format!("`{c}` is not a TOML quote"),
            format!("write straight quotes: `\"{}\"`", shown(inner.trim())),
        ));
    }
    if !c.is_ascii() && !is_readable(c) {
        let code = u32::from(c);
        return Some(if c.is_whitespace() {
            Mistake::new(
                format!("U+{code:04X} is not an ordinary space"),
                "write an ordinary space",
            )
        } else {
            Mistake::new(format!("invisible character U+{code:04X}"), "remove it")
        });
    }
    None
}

/// A key or a table that is defined twice.
fn duplicate(text: &str, span: Span, line: &str) -> Mistake {
    let name = text.get(span.start..span.end).unwrap_or_default();
    let before = text
        .get(..line_around(text, span).start)
        .unwrap_or_default();
    if is_header(line) {
        let header = line.trim();
        let mut found = Mistake::new(
            format!("table `{}` is defined twice", shown(header)),
            format!("put the keys of both under one `{}`", shown(header)),
        );
        found.first = lines(before)
            .find(|(_, earlier)| earlier.trim() == header)
            .map(|(start, earlier)| Span {
                start,
                end: start + earlier.trim_end().len(),
            });
        return found;
    }
    let mut found = Mistake::new(
        format!("key `{}` is defined twice in this table", shown(name)),
        "keep one of them; for two lists, write all entries into one",
    );
    // Only the lines of the same table count.
    let own = lines(before).collect::<Vec<_>>();
    let own = own
        .iter()
        .rev()
        .take_while(|(_, earlier)| !is_header(earlier));
    found.first = own
        .filter_map(|(start, earlier)| {
            let key = earlier.split('=').next()?;
            let plain = key.trim().trim_matches(['"', '\'']);
            (plain == name.trim_matches(['"', '\''])).then(|| Span {
                start: *start,
                end: start + key.trim_end().len(),
            })
        })
        .last();
    found
}

/// The lines of a text, with the byte where each starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

/// `key: value` instead of `key = value`.
fn yaml(line: &str) -> Option<Mistake> {
    let (key, value) = line.split_once(':')?;
    let (key, value) = (key.trim(), value.trim());
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() || !key.chars().all(is_key) || value.starts_with(':') {
        return None;
    }
    let is_plain = |c: char| c.is_alphanumeric() || "_-./ ".contains(c);
    let value = match value {
        "" => "…".to_owned(),
        "true" | "false" => value.to_owned(),
        word if word.chars().all(|c| c.is_ascii_digit()) => word.to_owned(),
        word if word.chars().all(is_plain) => format!("\"{word}\""),
        other => other.to_owned(),
    };
    Some(Mistake::new(
        "TOML joins a key and its value by `=`, not by `:`",
        format!("write `{key} = {}`", shown(&value)),
    ))
}

/// Quotes inside quotes of the same kind.
fn nested_quotes(line: &str, message: &str) -> Option<Mistake> {
    if !message.contains("unexpected key or value") {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('"') || inner.starts_with('"') {
        return None;
    }
    let help = if inner.contains('\'') {
        format!(
            "write `\\\"` for a quote inside: `{}`",
            shown(&inner.replace('"', "\\\""))
        )
    } else {
        format!(
            "put the text into single quotes: `{} = '{}'`",
            key.trim(),
            shown(inner)
        )
    };
    Some(Mistake::new(
        "the text ends at the second quote, and more follows",
        help,
    ))
}
