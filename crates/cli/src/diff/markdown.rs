//! Differences as a comment on a pull request.

use tollgate_analysis::diff::{Diff, Difference};

use super::show::{cause, described, headline, ruled, summary, test};
use crate::analysed::Analysed;

/// Markdown with one row per difference, and the tests folded away.
pub(super) fn text(old: &Analysed, new: &Analysed, found: &Diff) -> String {
    let mut text = format!("### What this edit changes: {}\n\n", summary(found));
    if !found.differences.is_empty() {
        text.push_str("| | paths | who | old | new | shown by |\n|---|---|---|---|---|---|\n");
    }
    for difference in &found.differences {
        let cells = [
            format!("**{}**", headline(difference)),
            code(&difference.paths),
            code(&difference.who),
            cell(&ruled(old, &difference.old)),
            cell(&ruled(new, &difference.new)),
            code(&described(&difference.witness)),
        ];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for setting in &found.settings {
        text.push_str(&format!("\n**Setting differs:** {setting}.\n"));
    }
    for path in &found.gave_up {
        text.push_str(&format!("\n**Undecided, may differ:** {}\n", code(path)));
    }
    if !found.differences.is_empty() {
        text.push_str("\n<details><summary>Tests that pin the new answers</summary>\n\n````toml\n");
        for (number, difference) in found.differences.iter().enumerate() {
            text.push_str(&comment(old, new, difference));
            text.push_str(&test(new, difference, number));
            text.push('\n');
        }
        text.push_str("````\n\n</details>\n");
    }
    text
}

fn comment(old: &Analysed, new: &Analysed, difference: &Difference) -> String {
    cause(old, new, difference)
        .map(|cause| format!("# {} {}\n", headline(difference), one_line(&cause)))
        .unwrap_or_default()
}

/// Text that a table cannot take for structure.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|").replace('<', "&lt;")
}

fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
