//! Common syntax errors for which the messages of the parser do not help: YAML, curly quotes, merge conflicts,
//! quotes inside quotes.
//!
//! Not here: reading the file after them (`repair`).

use super::lines::{is_header, line_around};
use crate::diagnostic::{Applicability, Edit, Span, is_readable, shown};
use crate::keys::is_tables;

/// An error, in words that its author understands.
pub(super) struct Mistake {
    pub(super) message: String,
    /// The span of the earlier definition.
    pub(super) first: Option<Span>,
    pub(super) help: String,
    /// The edits that carry out the help together.
    pub(super) edits: Vec<Edit>,
}

impl Mistake {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            first: None,
            help: help.into(),
            edits: Vec::new(),
        }
    }

    fn with(self, edit: Option<Edit>) -> Self {
        let edits = edit.into_iter().collect();
        Self { edits, ..self }
    }
}

/// The characters that word processors write for quotes.
const ODD_QUOTES: &str = "“”„‟‘’‚‛«»";

/// The flag that a word means in other languages, and whether it can mean nothing else.
pub(super) fn flag(word: &str) -> Option<(&'static str, Applicability)> {
    Some(match word {
        "True" | "TRUE" => ("true", Applicability::Safe),
        "False" | "FALSE" => ("false", Applicability::Safe),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => ("true", Applicability::Unsure),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => ("false", Applicability::Unsure),
        _ => return None,
    })
}

/// Whether a word without quotes is all of a value.
pub(super) fn is_whole_value(text: &str, span: Span, word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    let after = text.get(span.end..).unwrap_or_default();
    let after = after.trim_start_matches([' ', '\t']);
    let ends = after.is_empty() || after.starts_with(['\n', '\r', ',', ']', '}', '#']);
    let before = text.get(..span.start).unwrap_or_default().trim_end();
    ends && before.ends_with(['=', '[', ',']) && word.chars().all(is_plain)
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
    yaml(line, around.start).or_else(|| nested_quotes(line, around.start, message))
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
    if ODD_QUOTES.contains(c) {
        let word = text.get(span.start..span.end).unwrap_or_default();
        let inner: String = word
            .chars()
            .filter(|c| !ODD_QUOTES.contains(*c) && !"\"'".contains(*c))
            .collect();
        let mistake = Mistake::new(
            format!("`{c}` is not a TOML quote"),
            format!("write straight quotes: `\"{}\"`", shown(inner.trim())),
        );
        return Some(mistake.with(straight(text, span.start, c)));
    }
    if !c.is_ascii() && !is_readable(c) {
        let code = u32::from(c);
        let end = span.start + c.len_utf8();
        let place = Span { end, ..span };
        return Some(if c.is_whitespace() {
            Mistake::new(
                format!("U+{code:04X} is not an ordinary space"),
                "write an ordinary space",
            )
            .with(Some(Edit::new(place, " ")))
        } else {
            Mistake::new(format!("invisible character U+{code:04X}"), "remove it")
                .with(Some(Edit::new(place, "")))
        });
    }
    None
}

/// Straight quotes in place of the odd ones around a value, if there is nothing else in it that needs a decision.
fn straight(text: &str, start: usize, opening: char) -> Option<Edit> {
    let from = start + opening.len_utf8();
    let line = text.get(from..)?.lines().next()?;
    let (inner, _) = line.split_once(|c| ODD_QUOTES.contains(c))?;
    let end = from + inner.len();
    let closing = text.get(end..)?.chars().next()?;
    let is_plain = !inner.contains(['"', '\'', '\\']);
    let span = Span {
        start,
        end: end + closing.len_utf8(),
    };
    is_plain.then(|| Edit::new(span, format!("\"{inner}\"")))
}

/// A key or a table that is defined twice.
fn duplicate(text: &str, span: Span, line: &str) -> Mistake {
    let name = text.get(span.start..span.end).unwrap_or_default();
    let before = text
        .get(..line_around(text, span).start)
        .unwrap_or_default();
    if let Some(header) = header(line) {
        let headers = single_headers(text, header.name);
        let first = lines(before).find_map(|(start, earlier)| {
            let own = self::header(earlier).filter(|own| own.name == header.name)?;
            Some(own.span(start, earlier))
        });
        if is_tables(header.name) {
            let name = shown(header.name);
            return Mistake {
                message: format!("`[{name}]` is one table, so it cannot occur next to another one"),
                first,
                help: format!(
                    "write `[[{name}]]`, with two brackets, for each: it is a list of tables"
                ),
                edits: headers
                    .into_iter()
                    .map(|span| Edit::new(span, format!("[[{}]]", header.name)))
                    .collect(),
            };
        }
        let whole = shown(header.text(line));
        return Mistake {
            first,
            ..Mistake::new(
                format!("table `{whole}` is defined twice"),
                format!("put the keys of both under one `{whole}`"),
            )
        };
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

/// The headers of an error that are tables where a list of tables belongs, with everything under them. They are
/// reported together.
pub(super) fn single_tables(text: &str, error: Span, message: &str) -> Vec<Span> {
    let around = line_around(text, error);
    let line = text.get(around.start..around.end).unwrap_or_default();
    let name = header(line).map(|header| header.name);
    let Some(name) = name.filter(|name| message.contains("duplicate key") && is_tables(name))
    else {
        return Vec::new();
    };
    let mut tables: Vec<Span> = Vec::new();
    let mut is_inside = false;
    for (start, line) in lines(text) {
        if let Some(header) = header(line) {
            let rest = header.name.strip_prefix(name);
            let is_own = rest == Some("") && !header.is_list;
            is_inside = is_own || is_inside && rest.is_some_and(|rest| rest.starts_with('.'));
        }
        let end = start + line.len();
        match tables.last_mut().filter(|last| last.end == start) {
            Some(last) if is_inside => last.end = end,
            _ if is_inside => tables.push(Span { start, end }),
            _ => {}
        }
    }
    tables
}

/// The spans of the headers `[name]`.
fn single_headers(text: &str, name: &str) -> Vec<Span> {
    lines(text)
        .filter_map(|(start, line)| {
            let header = header(line).filter(|header| header.name == name && !header.is_list)?;
            Some(header.span(start, line))
        })
        .collect()
}

/// The header in a line.
struct Header<'l> {
    name: &'l str,
    /// Whether it has two brackets.
    is_list: bool,
}

impl<'l> Header<'l> {
    /// The header with its brackets.
    fn text(&self, line: &'l str) -> &'l str {
        let span = self.span(0, line);
        line.get(span.start..span.end).unwrap_or_default()
    }

    /// The span of the header in its line, which begins at `start`.
    fn span(&self, start: usize, line: &str) -> Span {
        let start = start + line.len() - line.trim_start().len();
        let brackets = if self.is_list { 2 } else { 1 };
        Span {
            start,
            end: start + self.name.len() + 2 * brackets,
        }
    }
}

/// The header in a line without spaces inside its brackets.
fn header(line: &str) -> Option<Header<'_>> {
    let inner = line
        .trim_start()
        .strip_prefix('[')
        .filter(|_| is_header(line))?;
    let (inner, is_list) = match inner.strip_prefix('[') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let (name, _) = inner.split_once(']')?;
    Some(Header { name, is_list })
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
fn yaml(line: &str, line_start: usize) -> Option<Mistake> {
    let (before, after) = line.split_once(':')?;
    let (key, value) = (before.trim(), after.trim());
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
    let start = line_start + before.len() - before.trim_start().len();
    let end = line_start + line.trim_end().len();
    let edit = Edit::new(Span { start, end }, format!("{key} = {value}"));
    let mistake = Mistake::new(
        "TOML joins a key and its value by `=`, not by `:`",
        format!("write `{key} = {}`", shown(&value)),
    );
    // A value that is not a word, a number or in quotes may be a list or a table of YAML, which is more than one line.
    let is_whole = value.starts_with(['"', '\''])
        || value == "true"
        || value == "false"
        || value.starts_with(|c: char| c.is_ascii_digit())
        || (value.starts_with('[') && value.ends_with(']'));
    Some(mistake.with(is_whole.then_some(edit)))
}

/// Quotes inside quotes of the same kind.
fn nested_quotes(line: &str, line_start: usize, message: &str) -> Option<Mistake> {
    if !message.contains("unexpected key or value") {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('"') || inner.starts_with('"') {
        return None;
    }
    let (help, quoted) = if inner.contains('\'') {
        let escaped = inner.replace('"', "\\\"");
        (
            format!("write `\\\"` for a quote inside: `{}`", shown(&escaped)),
            format!("\"{escaped}\""),
        )
    } else {
        (
            format!(
                "put the text into single quotes: `{} = '{}'`",
                key.trim(),
                shown(inner)
            ),
            format!("'{inner}'"),
        )
    };
    let end = line_start + line.trim_end().len();
    let span = Span {
        start: end - value.len(),
        end,
    };
    let mistake = Mistake::new("the text ends at the second quote, and more follows", help);
    // Escapes and comments are not looked for.
    let is_plain = !inner.contains(['\\', '#']);
    Some(mistake.with(is_plain.then(|| Edit::new(span, quoted))))
}
