//! Differences as a comment on a pull request.
//!
//! Text of policies is shown as code only, so that it cannot be a link, a mention or HTML. Not here: what is shown
//! ([`show`](super::show)).

use tollgate_analysis::diff::{Diff, Difference};
use tollgate_policy::visible::{visible, visible_lines};

use super::show::{cause, edit, edited, headline, principals, summary, test};
use crate::analysed::Analysed;
use crate::example::{described, ruled};

/// Markdown with one row per difference, and the tests folded away. `first` is the base, if it has no policy.
pub(super) fn text(old: &Analysed, new: &Analysed, found: &Diff, first: Option<&str>) -> String {
    let mut text = format!("### What this edit changes: {}\n\n", summary(found));
    if let Some(base) = first {
        let base = code(base);
        text.push_str(&format!(
            "**First policy:** {base} has no policy, so everything that this one allows is new.\n\n"
        ));
    }
    if !found.differences.is_empty() {
        text.push_str(
            "| | paths | who | rule | old | new | shown by |\n|---|---|---|---|---|---|---|\n",
        );
    }
    for difference in &found.differences {
        let rule = difference.cause.map_or(String::new(), |changed| {
            format!("{} {}", edit(changed), code(&cause(old, new, changed)))
        });
        let named: Vec<String> = principals(difference).into_iter().map(code).collect();
        let cells = [
            format!("**{}**", headline(difference)),
            code(&difference.paths),
            named.join(" or "),
            rule,
            code(&ruled(old, &difference.old)),
            code(&ruled(new, &difference.new)),
            code(&described(&difference.witness)),
        ];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for change in &found.settings {
        let head = match change.may_open {
            true => "Setting may open",
            false => "Setting differs",
        };
        text.push_str(&format!("\n**{head}:** {}\n", code(&change.what)));
    }
    for path in &found.gave_up {
        text.push_str(&format!("\n**Undecided, may differ:** {}\n", code(path)));
    }
    let changed = diffs(old, new, found);
    if !changed.is_empty() {
        folded(&mut text, "Changed rules", "diff", &changed);
    }
    if !found.differences.is_empty() {
        let mut tests = String::new();
        for (number, difference) in found.differences.iter().enumerate() {
            tests.push_str(&comment(old, new, difference));
            tests.push_str(&test(new, difference, number));
            tests.push('\n');
        }
        folded(
            &mut text,
            "Tests that pin the new responses",
            "toml",
            &tests,
        );
    }
    text
}

/// The keys of edited rules before and after, each rule once.
fn diffs(old: &Analysed, new: &Analysed, found: &Diff) -> String {
    let mut texts: Vec<String> = Vec::new();
    for changed in found
        .differences
        .iter()
        .filter_map(|difference| difference.cause)
    {
        let (before, after) = edited(old, new, changed);
        let keys = |sign: char, keys: &[String]| -> String {
            keys.iter()
                .map(|key| format!("{sign}{}\n", visible(key)))
                .collect()
        };
        let text = format!("{}{}", keys('-', &before), keys('+', &after));
        let head = visible(&cause(old, new, changed));
        let text = format!("@@ {head} @@\n{text}");
        let differs = !before.is_empty() || !after.is_empty();
        if differs && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.concat()
}

/// Adds text in a block that is collapsed initially.
fn folded(text: &mut String, summary: &str, language: &str, content: &str) {
    let content = visible_lines(content);
    let fence = "`".repeat(3.max(longest_run(&content) + 1));
    text.push_str(&format!(
        "\n<details><summary>{summary}</summary>\n\n{fence}{language}\n{content}{fence}\n\n</details>\n"
    ));
}

fn comment(old: &Analysed, new: &Analysed, difference: &Difference) -> String {
    let cause = difference
        .cause
        .map(|changed| format!("{} {}", edit(changed), cause(old, new, changed)));
    cause
        .map(|cause| format!("# {}: {}\n", headline(difference), visible(&cause)))
        .unwrap_or_default()
}

/// Text as code, in a table as well: the fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text = visible(text);
    if text.contains("\\|") || text.trim().is_empty() {
        // Renderers disagree on `\|` in a table and on blank code.
        return format!("<code>{}</code>", entities(&text));
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let text = text.replace('|', "\\|");
    // Renderers strip one space at each end if both ends have one.
    let is_edge = |c: char| c == '`' || c == ' ';
    if text.starts_with(is_edge) || text.ends_with(is_edge) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Text in which no renderer finds markup.
fn entities(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_ascii_punctuation() => format!("&#{};", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
