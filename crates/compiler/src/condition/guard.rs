//! Rejects conditions that must not reach the CEL parser: too long, too deeply nested, or with
//! characters that are not in the grammar.
//!
//! The parser recurses on parentheses and on `?`, and a policy may come from an untrusted pull request,
//! so the depth is bounded before parsing. Not here: the grammar.

use crate::diagnostic::{Code, Span, codes, shown};
use crate::limits::{MAX_CONDITION_BRACKETS, MAX_CONDITION_BYTES};

/// The reason why a condition is not parsed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: &'static Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// Checks the condition without parsing it.
pub(super) fn check(source: &str) -> Result<(), Problem> {
    let problem = |code, span, message, help| {
        Err(Problem {
            code,
            span,
            message,
            help,
        })
    };
    if source.len() > MAX_CONDITION_BYTES {
        let message = format!(
            "the condition has {} bytes; the limit is {MAX_CONDITION_BYTES}",
            source.len()
        );
        let span = Span {
            start: 0,
            end: source.len(),
        };
        return problem(
            &codes::CONDITION_TOO_LARGE,
            span,
            message,
            "split it into several rules",
        );
    }
    let mut depth = 0_usize;
    for (start, c) in outside_literals(source) {
        let span = Span {
            start,
            end: start + c.len_utf8(),
        };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => {
                return problem(
                    &codes::UNSUPPORTED,
                    span,
                    "`?` is not accepted in conditions".to_owned(),
                    "write `(a && b) || (!a && c)` for `a ? b : c`, or two rules",
                );
            }
            _ if !c.is_ascii() => {
                return problem(
                    &codes::CONDITION_SYNTAX,
                    span,
                    format!("unexpected `{}`", shown(c.encode_utf8(&mut [0; 4]))),
                    "text needs quotes; a claim with such a name is `claims[\"…\"]`",
                );
            }
            _ => {}
        }
        if depth > MAX_CONDITION_BRACKETS {
            return problem(
                &codes::CONDITION_TOO_LARGE,
                span,
                format!("brackets are nested deeper than {MAX_CONDITION_BRACKETS}"),
                "split the condition into several rules",
            );
        }
    }
    Ok(())
}

/// The length of the bracket at the start of `text` and everything in it.
pub(super) fn bracketed_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in outside_literals(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The characters outside of string literals and comments, with their places.
fn outside_literals(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        loop {
            let rest = source.get(at..)?;
            let (start, c) = (at, rest.chars().next()?);
            match c {
                '"' | '\'' => at += literal_length(rest, is_raw(source, start)),
                '/' if rest.starts_with("//") => at += rest.find('\n').unwrap_or(rest.len()),
                _ => {
                    at += c.len_utf8();
                    return Some((start, c));
                }
            }
        }
    })
}

/// Whether the quote at `start` opens a raw literal: `r"…"`, `br"…"`.
fn is_raw(source: &str, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default();
    let letters = before.len() - before.trim_end_matches(['r', 'R', 'b', 'B']).len();
    let prefix = before
        .get(before.len() - letters.min(2)..)
        .unwrap_or_default();
    prefix.contains(['r', 'R'])
}

/// The length of the string literal at the start of `text`, quotes included; up to the end if it
/// does not end.
fn literal_length(text: &str, raw: bool) -> usize {
    let triple = text.starts_with("\"\"\"") || text.starts_with("'''");
    let quote = text.get(..if triple { 3 } else { 1 }).unwrap_or(text);
    let width = |text: &str| text.chars().next().map_or(0, char::len_utf8);
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        at += width(rest);
        if rest.starts_with('\\') && !raw {
            at += text.get(at..).map_or(0, width);
        }
    }
    text.len()
}
