//! Reading a file after a syntax error.
//!
//! TOML has no statement ends, so one forgotten bracket turns the rest of a file into noise. The
//! statement with the first error is reported and blanked out, and the file is parsed again, so that
//! later statements keep their positions and are checked on their own. Not here: these checks.

mod grammar;
mod lines;

use std::borrow::Cow;

use toml::de::{DeTable, Error};

use crate::diagnostic::{Applicability, Diagnostic, Edit, Report, Span, codes, shown};
use crate::limits::MAX_TOML_ERRORS_PER_FILE;
use lines::{is_header, line_around};

/// A text that parses, or parses as far as it can, and the spans that were blanked out.
#[derive(Debug)]
pub(crate) struct Repaired<'a> {
    /// The text as it was.
    original: &'a str,
    pub(super) text: Cow<'a, str>,
    pub(super) broken: Vec<Span>,
    /// There were too many errors to repair them all.
    pub(super) gave_up: bool,
}

impl Repaired<'_> {
    /// Whether something may be missing from the table whose header, or a key of it, is at a place;
    /// `None` is the file itself.
    pub(super) fn is_incomplete(&self, place: Option<Span>) -> bool {
        let at = place.map_or(0, |place| place.start);
        let (mut start, mut end) = (0, self.original.len());
        let mut line_start = 0;
        for line in self.original.split_inclusive('\n') {
            if is_header(line) {
                if line_start > at || place.is_none() {
                    end = line_start;
                    break;
                }
                start = line_start;
            }
            line_start += line.len();
        }
        let is_lost_table = |region: &Span| {
            place.is_none()
                && self
                    .original
                    .get(region.start..region.end)
                    .is_some_and(is_header_first)
        };
        let inside = |region: &Span| region.start < end && start < region.end;
        self.broken
            .iter()
            .any(|region| inside(region) || is_lost_table(region))
    }
}

fn is_header_first(text: &str) -> bool {
    text.lines().next().is_some_and(is_header)
}

/// Reports syntax errors and blanks them out.
pub(crate) fn repair<'a>(text: &'a str, report: &mut Report) -> Repaired<'a> {
    let mut repaired = Repaired {
        original: text,
        text: Cow::Borrowed(text),
        broken: Vec::new(),
        gave_up: false,
    };
    loop {
        let (_, errors) = DeTable::parse_recoverable(&repaired.text);
        let first = errors
            .iter()
            .min_by_key(|error| error.span().map_or(0, |span| span.start));
        let Some(first) = first else { break };
        repaired.gave_up = true;
        if repaired.broken.len() == MAX_TOML_ERRORS_PER_FILE {
            break;
        }
        let span = place(&repaired.text, first);
        describe(&repaired.text, first, span, report);
        let mut regions = grammar::single_tables(&repaired.text, span, first.message());
        if regions.is_empty() {
            let conflict = grammar::conflict(&repaired.text, span);
            regions
                .push(conflict.unwrap_or_else(|| statement(&repaired.text, span, first.message())));
        }
        for region in regions {
            repaired.broken.push(region);
            let Some(blanked) = blank(&repaired.text, region) else {
                return repaired;
            };
            repaired.text = Cow::Owned(blanked);
        }
        repaired.gave_up = false;
    }
    repaired
}

/// The errors of grammar of a TOML text, for readers of other files than the compiler's own.
pub fn syntax_errors(file: &str, text: &str) -> Vec<Diagnostic> {
    let mut report = Report::new(file);
    repair(text, &mut report);
    report.diagnostics
}

/// The span at which an error is best shown.
fn place(text: &str, error: &Error) -> Span {
    let span = error.span().map_or(Span::default(), Span::from);
    if !error.message().starts_with("invalid multi-line") {
        return span;
    }
    // A text that is not closed is noticed at the end of the file.
    let before = text.get(..span.start).unwrap_or_default();
    let openings = ["\"\"\"", "'''"]
        .into_iter()
        .filter_map(|quotes| before.rfind(quotes));
    openings.max().map_or(span, |start| Span {
        start,
        end: start + 3,
    })
}

fn describe(text: &str, error: &Error, span: Span, report: &mut Report) {
    let message = error.message();
    if let Some(found) = grammar::mistake(text, span, message) {
        let diagnostic = report.add(&codes::NOT_TOML, span, found.message);
        if let Some(first) = found.first {
            diagnostic.also(first, "first here");
        }
        diagnostic.help(found.help);
        if !found.edits.is_empty() {
            diagnostic.fix_all(Applicability::Safe, found.edits);
        }
        return;
    }
    let word = text.get(span.start..span.end).unwrap_or_default();
    // The parser guesses from the first letter what a word without quotes was meant to be.
    let guessed = ["must be quoted", "invalid boolean", "invalid float"];
    if word.starts_with(char::is_alphabetic) && guessed.iter().any(|guess| message.contains(guess))
    {
        let message = format!("`{}` is not a value", shown(word));
        let diagnostic = report.add(&codes::NOT_TOML, span, message);
        let flag = grammar::flag(word);
        diagnostic.help(match flag {
            Some((flag, _)) => format!("write `{flag}`"),
            None => format!("text needs quotes: `\"{}\"`", shown(word)),
        });
        if grammar::is_whole_value(text, span, word) {
            let quoted = || (format!("\"{word}\""), Applicability::Safe);
            let (value, applicability) = flag
                .map(|(flag, applicability)| (flag.to_owned(), applicability))
                .unwrap_or_else(quoted);
            diagnostic.fix(applicability, Edit::new(span, value));
        }
        return;
    }
    let diagnostic = report.add(&codes::NOT_TOML, span, message);
    diagnostic.help(if is_unclosed_list(text, span, message) {
        "the list before this line is not closed: write `]`"
    } else if message.contains("unquoted key") {
        "a name with other characters needs quotes: `\"custom:cohort\" = …`"
    } else if message.starts_with("invalid multi-line") {
        "the text that starts here is not closed"
    } else {
        "write `key = value`: text in quotes, lists as `[\"a\", \"b\"]`, tables as `[name]` or `[[name]]`"
    });
}

/// The statement that an error is in, whole lines.
fn statement(text: &str, error: Span, message: &str) -> Span {
    let line = line_around(text, error);
    let own = text.get(line.start..line.end).unwrap_or_default();
    let is_next = is_unclosed_list(text, error, message);
    let start = if starts_statement(own) && !is_next {
        line.start
    } else {
        lines_before(text, line.start).unwrap_or(line.start)
    };
    if is_next && start < line.start {
        return Span {
            start,
            end: line.start,
        };
    }
    // With a header goes everything under it.
    let header = text.get(start..).is_some_and(is_header_first);
    let mut end = line.end;
    for after in text
        .get(line.end..)
        .unwrap_or_default()
        .split_inclusive('\n')
    {
        if end > line.end
            && if header {
                is_header(after)
            } else {
                starts_statement(after)
            }
        {
            break;
        }
        end += after.len();
    }
    Span { start, end }
}

/// Whether a list was not closed before a statement: that shows as an error where the statement starts.
fn is_unclosed_list(text: &str, error: Span, message: &str) -> bool {
    let line = line_around(text, error);
    let in_list = message.contains("array") || message.contains("key-value pairs");
    let at_start = text
        .get(line.start..error.start)
        .is_none_or(|before| before.trim().is_empty());
    in_list && at_start && text.get(line.start..line.end).is_some_and(starts_statement)
}

/// The last line before `end` where a statement starts.
fn lines_before(text: &str, end: usize) -> Option<usize> {
    let mut at = end;
    text.get(..end)?
        .split_inclusive('\n')
        .rev()
        .find_map(|line| {
            at -= line.len();
            starts_statement(line).then_some(at)
        })
}

/// Whether a line looks like `key = …` or `[header]`.
fn starts_statement(line: &str) -> bool {
    is_header(line) || is_assignment(line)
}

fn is_assignment(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else {
        return false;
    };
    let key = key.trim();
    let plain = |c: char| c.is_alphanumeric() || "_-.:\"' ".contains(c);
    !key.is_empty() && key.chars().all(plain) && !value.starts_with('=')
}

/// The text with a span replaced by spaces; `None` if the span contains only spaces.
fn blank(text: &str, place: Span) -> Option<String> {
    let (before, rest) = text.split_at_checked(place.start)?;
    let (broken, after) = rest.split_at_checked(place.end - place.start)?;
    if broken.trim().is_empty() {
        return None;
    }
    let mut blanked = before.to_owned();
    for c in broken.chars() {
        match c {
            '\n' | '\r' => blanked.push(c),
            // As many bytes as before, so that every position stays the same.
            _ => blanked.extend(core::iter::repeat_n(' ', c.len_utf8())),
        }
    }
    Some(blanked + after)
}

#[cfg(test)]
mod tests;
