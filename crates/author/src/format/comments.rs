//! Comments at the ends of lines, kept aligned as their author aligned them.
//!
//! Comments that start in the same column stay in one column, which moves right if a line needs the
//! space. A comment that is aligned with no other follows its line after a space. Not here:
//! comments on their own lines.

use std::collections::BTreeMap;

use taplo::syntax::SyntaxKind;

/// A comment: its offset, and its column if code precedes it on the line.
struct Comment {
    start: usize,
    trails: Option<usize>,
}

/// Aligns the comments of `laid_out` as they are in `original`; `None` if the two have different
/// comments.
pub(super) fn align(original: &str, laid_out: &str) -> Option<String> {
    let (before, after) = (comments(original), comments(laid_out));
    if before.len() != after.len() {
        return None;
    }
    let mut columns: BTreeMap<usize, Column> = BTreeMap::new();
    for (before, after) in before.iter().zip(&after) {
        if let (Some(column), Some(line)) = (before.trails, after.trails) {
            let group = columns.entry(column).or_default();
            group.comments += 1;
            // At least one space follows the code.
            group.furthest = group
                .furthest
                .max(code_width(laid_out, after.start, line) + 1);
        }
    }
    let mut text = String::with_capacity(laid_out.len());
    let mut done = 0;
    for (before, after) in before.iter().zip(&after) {
        let (Some(column), Some(line)) = (before.trails, after.trails) else {
            continue;
        };
        let code = laid_out
            .get(done..after.start)?
            .trim_end_matches([' ', '\t']);
        let width = code_width(laid_out, after.start, line);
        let wanted = match columns.get(&column) {
            Some(group) if group.comments > 1 => group.furthest.max(column),
            _ => width + 1,
        };
        text.push_str(code);
        text.extend(core::iter::repeat_n(' ', wanted.saturating_sub(width)));
        done = after.start;
    }
    text.push_str(laid_out.get(done..)?);
    Some(text)
}

/// Comments that start in the same column.
#[derive(Default)]
struct Column {
    comments: usize,
    /// The smallest column that the code of all their lines leaves free.
    furthest: usize,
}

/// The comments of a TOML text, in order.
fn comments(text: &str) -> Vec<Comment> {
    let tokens = taplo::parser::parse(text).into_syntax();
    tokens
        .descendants_with_tokens()
        .filter(|element| element.kind() == SyntaxKind::COMMENT)
        .map(|element| {
            let start = usize::from(element.text_range().start());
            let before = text.get(..start).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            let trails = (!line.trim().is_empty()).then(|| line.chars().count());
            Comment { start, trails }
        })
        .collect()
}

/// The width of the code before a comment, which is at offset `start` and column `column`.
fn code_width(text: &str, start: usize, column: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    let spaces = before.len() - before.trim_end_matches([' ', '\t']).len();
    column - spaces.min(column)
}
