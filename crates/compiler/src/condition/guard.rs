//! Refuses what should not reach the CEL parser at all: texts that are too long, too deep, or hold
//! characters that the grammar has no place for.
//!
//! The parser recurses on brackets and on `?`, and a policy may come from a stranger's pull request,
//! so depth is bounded before it is built. Not here: the grammar.

use crate::diagnostic::{Code, Span, codes};
use crate::limits::{MAX_CONDITION_BRACKETS, MAX_CONDITION_BYTES};

/// Why a text is not parsed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: &'static Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// Judges the text without parsing it.
pub(super) fn check(source: &str) -> Result<(), Problem> {
    if source.len() > MAX_CONDITION_BYTES {
        return Err(Problem {
            code: &codes::CONDITION_TOO_LARGE,
            span: Span { start: 0, end: source.len() },
            message: format!(
                "the condition has {} bytes, more than {MAX_CONDITION_BYTES}",
                source.len()
            ),
            help: "split it into several rules",
        });
    }
    let mut depth = 0;
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let start = source.len() - rest.len();
        let span = Span { start, end: start + c.len_utf8() };
        let length = match c {
            '"' | '\'' => literal_length(rest, is_raw(source, start)),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ => c.len_utf8(),
        };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '?' => {
                return Err(Problem {
                    code: &codes::UNSUPPORTED,
                    span,
                    message: "`?` is not accepted in conditions".to_owned(),
                    help: "write `(a && b) || (!a && c)` for `a ? b : c`, or two rules",
                });
            }
            _ if !c.is_ascii() => {
                return Err(Problem {
                    code: &codes::CONDITION_SYNTAX,
                    span,
                    message: format!("unexpected character `{c}`"),
                    help: "outside of quotes a condition has ASCII characters only; write `claims[\"…\"]` \
                           for a claim with another name",
                });
            }
            _ => {}
        }
        if depth > MAX_CONDITION_BRACKETS as isize {
            return Err(Problem {
                code: &codes::CONDITION_TOO_LARGE,
                span,
                message: format!("brackets are nested deeper than {MAX_CONDITION_BRACKETS}"),
                help: "split the condition into several rules",
            });
        }
        rest = rest.get(length.max(1)..).unwrap_or_default();
    }
    Ok(())
}

/// Whether the quote at `start` opens a raw literal: `r"…"`, `br"…"`.
fn is_raw(source: &str, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default();
    let letters = before.len() - before.trim_end_matches(['r', 'R', 'b', 'B']).len();
    let prefix = before.get(before.len() - letters.min(2)..).unwrap_or_default();
    prefix.contains(['r', 'R'])
}

/// The length of the string literal at the start of `text`, quotes included; up to the end if it
/// does not end.
fn literal_length(text: &str, raw: bool) -> usize {
    let triple = text.starts_with("\"\"\"") || text.starts_with("'''");
    let quote = text.get(..if triple { 3 } else { 1 }).unwrap_or(text);
    let mut at = quote.len();
    while let Some(rest) = text.get(at..) {
        if rest.is_empty() {
            break;
        }
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        let width = |text: &str| text.chars().next().map_or(0, char::len_utf8);
        let escaped = if rest.starts_with('\\') && !raw {
            rest.get(1..).map_or(0, width)
        } else {
            0
        };
        at += width(rest) + escaped;
    }
    text.len()
}
