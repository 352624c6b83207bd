//! The changes of a text as a unified diff, which `patch` and `git apply` read.
//!
//! Not here: the changes of decisions (`tollgate diff`).

/// The number of unchanged lines around a change.
const CONTEXT: usize = 3;
/// The most cells of the table that aligns lines; a larger change is shown as a whole.
const MAX_CELLS: usize = 4_000_000;

/// A line of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Old(&'t str),
    New(&'t str),
}

/// The unified diff of a file; empty if both texts are equal.
///
/// # Example
/// ```
/// use tollgate_author::fix::unified;
///
/// let diff = unified("a.toml", "one\ntwo\n", "one\n2\n");
/// assert_eq!(diff, "--- a/a.toml\n+++ b/a.toml\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
/// ```
pub fn unified(file: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let lines = aligned(old, new);
    let mut text = format!("--- a/{file}\n+++ b/{file}\n");
    let is_change = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut at = 0;
    while let Some(next) = lines.iter().skip(at).position(is_change) {
        let start = (at + next).saturating_sub(CONTEXT).max(at);
        // The hunk ends before a run of unchanged lines that is long enough for the context of two hunks.
        let mut last = at + next;
        for (here, line) in lines.iter().enumerate().skip(last) {
            match is_change(line) {
                true => last = here,
                false if here - last > 2 * CONTEXT => break,
                false => {}
            }
        }
        let end = (last + 1 + CONTEXT).min(lines.len());
        text.push_str(&hunk(&lines, start, end));
        at = end;
    }
    text
}

fn hunk(lines: &[Line<'_>], start: usize, end: usize) -> String {
    let before = lines.get(..start).unwrap_or_default();
    let own = lines.get(start..end).unwrap_or_default();
    let old = |line: &&Line<'_>| !matches!(line, Line::New(_));
    let new = |line: &&Line<'_>| !matches!(line, Line::Old(_));
    let range = |side: &dyn Fn(&&Line<'_>) -> bool| {
        let count = own.iter().filter(|line| side(line)).count();
        let first = before.iter().filter(|line| side(line)).count();
        // An empty range is after the line that it names.
        format!("{},{count}", first + usize::from(count > 0))
    };
    let mut text = format!("@@ -{} +{} @@\n", range(&old), range(&new));
    for line in own {
        let (sign, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Old(line) => ('-', line),
            Line::New(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
    text
}

/// Both texts as one list of lines, by a longest common subsequence.
fn aligned<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (
        old.get(start..).unwrap_or_default(),
        new.get(start..).unwrap_or_default(),
    );
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = pairs.take_while(|(a, b)| a == b).count();
    let middle_old = old_rest.get(..old_rest.len() - end).unwrap_or_default();
    let middle_new = new_rest.get(..new_rest.len() - end).unwrap_or_default();
    let mut lines: Vec<Line<'t>> = old.iter().take(start).copied().map(Line::Same).collect();
    lines.extend(middle(middle_old, middle_new));
    let after = old_rest.iter().skip(old_rest.len() - end);
    lines.extend(after.copied().map(Line::Same));
    lines
}

fn middle<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        let removed = old.iter().copied().map(Line::Old);
        return removed.chain(new.iter().copied().map(Line::New)).collect();
    }
    // `longest[i * width + j]`: the length of the longest common subsequence of the lines from `i` and from `j` on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let value = match one == other {
                true => at(&longest, i + 1, j + 1) + 1,
                false => at(&longest, i + 1, j).max(at(&longest, i, j + 1)),
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(one), Some(other)) if one == other => {
                lines.push(Line::Same(one));
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other)
                if other.is_none() || at(&longest, i + 1, j) >= at(&longest, i, j + 1) =>
            {
                lines.push(Line::Old(one));
                i += 1;
            }
            (_, Some(other)) => {
                lines.push(Line::New(other));
                j += 1;
            }
            (_, None) => return lines,
        }
    }
}
