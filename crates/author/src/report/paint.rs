//! Coverage as runs of text, each with a colour and a tooltip.

use tollgate_compiler::diagnostic::Span;

use super::Findings;
use crate::coverage::Item;

/// The colour of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Colour {
    /// Nothing to cover.
    None,
    /// All of it is covered.
    Covered,
    /// Some of it is.
    Half,
    /// None of it is.
    Missed,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run<'t> {
    pub(super) text: &'t str,
    pub(super) colour: Colour,
    pub(super) remark: String,
}

struct Mark {
    span: Span,
    colour: Colour,
    remark: String,
}

/// The lines of a policy file, highlighted.
pub(super) fn lines<'t>(findings: &Findings<'_>, file: &str, text: &'t str) -> Vec<Vec<Run<'t>>> {
    let mut marks = marks(findings, file);
    // Of nested marks, the innermost is shown.
    marks.sort_by_key(|mark| core::cmp::Reverse(mark.span.end - mark.span.start));
    let mut of_byte: Vec<Option<usize>> = vec![None; text.len()];
    for (at, mark) in marks.iter().enumerate() {
        if let Some(bytes) = of_byte.get_mut(mark.span.start..mark.span.end) {
            bytes.fill(Some(at));
        }
    }
    let mut start = 0;
    let mut all = Vec::new();
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        all.push(runs(text, start, end, &of_byte, &marks));
        start += line.len();
    }
    all
}

fn runs<'t>(
    text: &'t str,
    start: usize,
    end: usize,
    of_byte: &[Option<usize>],
    marks: &[Mark],
) -> Vec<Run<'t>> {
    let mut runs = Vec::new();
    let mut from = start;
    while from < end {
        let mark = of_byte.get(from).copied().flatten();
        let same = |at: &usize| of_byte.get(*at).copied().flatten() == mark;
        let mut to = (from..end).find(|at| !same(at)).unwrap_or(end);
        // Marks start and end at character boundaries; this only prevents an error from losing
        // text.
        while !text.is_char_boundary(to) {
            to += 1;
        }
        let mark = mark.and_then(|mark| marks.get(mark));
        runs.push(Run {
            text: text.get(from..to).unwrap_or_default(),
            colour: mark.map_or(Colour::None, |mark| mark.colour),
            remark: mark.map_or(String::new(), |mark| mark.remark.clone()),
        });
        from = to;
    }
    runs
}

/// One mark for all items with the same span.
fn marks(findings: &Findings<'_>, file: &str) -> Vec<Mark> {
    let mut of_place: Vec<(Span, Vec<&Item>)> = Vec::new();
    for item in &findings.coverage.items {
        let Some(places) = findings.places.get(item.rule) else {
            continue;
        };
        if places.file != file {
            continue;
        }
        let span = places.span(&item.part, findings.sources);
        match of_place.iter_mut().find(|(known, _)| *known == span) {
            Some((_, items)) => items.push(item),
            None => of_place.push((span, vec![item])),
        }
    }
    of_place
        .into_iter()
        .map(|(span, items)| Mark {
            span,
            colour: colour(&items),
            remark: remark(&items),
        })
        .collect()
}

fn colour(items: &[&Item]) -> Colour {
    let covered = items.iter().filter(|item| item.is_covered()).count();
    match covered {
        0 => Colour::Missed,
        all if all == items.len() => Colour::Covered,
        _ => Colour::Half,
    }
}

fn remark(items: &[&Item]) -> String {
    let missed: Vec<&str> = items
        .iter()
        .filter(|item| !item.is_covered())
        .map(|item| item.wanted.missed())
        .collect();
    if missed.is_empty() {
        let tests = items.iter().map(|item| item.tests).max().unwrap_or(0);
        format!("in {tests} test{}", if tests == 1 { "" } else { "s" })
    } else {
        missed.join("; ")
    }
}
