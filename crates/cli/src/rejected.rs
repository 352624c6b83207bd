//! A rejected target as text and as JSON: the invalid part, the reason, and the accepted spelling.
//!
//! Not here: finding these, which the analysis does.

use serde_json::{Value, json};
use tollgate_analysis::rejected::{Rejection, rejection};
use tollgate_core::PathOptions;

use crate::output::{BAD, STRONG, styled, visible};

/// The number of characters of a target that are shown around a fault.
const CONTEXT: usize = 60;

/// The fault in a target, as text. `None` if the target is accepted.
pub(crate) fn text(target: &[u8], options: PathOptions<'_>) -> Option<String> {
    let found = rejection(target, options)?;
    let mut text = String::from("\nThe target is rejected before any rule is evaluated:\n");
    text.push_str(&excerpt(target, &found));
    text.push_str(&format!(
        "  {} {}\n",
        styled(STRONG, "help:"),
        visible(&found.help)
    ));
    if let Some(instead) = &found.instead {
        text.push_str(&format!(
            "  {}  {}\n",
            styled(STRONG, "try:"),
            visible(instead)
        ));
    }
    Some(text)
}

/// The fault in a target, as JSON. `null` if the target is accepted.
pub(crate) fn object(target: &[u8], options: PathOptions<'_>) -> Value {
    rejection(target, options).map_or(Value::Null, |found| {
        json!({
            "offset": found.at.start,
            "length": found.at.len(),
            "code": found.code,
            "message": found.message,
            "help": found.help,
            "instead": found.instead,
        })
    })
}

/// The target around the fault, underlined with carets.
fn excerpt(target: &[u8], found: &Rejection) -> String {
    let part = |range: core::ops::Range<usize>| {
        visible(&String::from_utf8_lossy(
            target.get(range).unwrap_or_default(),
        ))
    };
    let cut = |text: &str, from_end: bool| {
        let count = text.chars().count();
        if count <= CONTEXT {
            return text.to_owned();
        }
        let kept = CONTEXT - 1;
        if from_end {
            let kept: String = text.chars().skip(count - kept).collect();
            format!("…{kept}")
        } else {
            let kept: String = text.chars().take(kept).collect();
            format!("{kept}…")
        }
    };
    let before = cut(&part(0..found.at.start), true);
    let wrong = cut(&part(found.at.clone()), false);
    let after = cut(&part(found.at.end..target.len()), false);
    let carets = "^".repeat(wrong.chars().count().max(1));
    let place = before.chars().count();
    format!(
        "\n    {before}{wrong}{after}\n    {:place$}{} {}\n\n",
        "",
        styled(BAD, carets),
        visible(&found.message)
    )
}
