//! Differences as text and as JSON.

use serde_json::json;
use tollgate_analysis::Evaluation;
use tollgate_analysis::diff::{Cause, Diff, Difference, SettingChange, Side};
use tollgate_analysis::text::{constraints, people, test_case};
use tollgate_core::{Effect, RuleId};
use tollgate_policy::syntax::quoted;

use crate::analysed::Analysed;
use crate::example::{described, members, request, ruled};
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, styled, visible};

/// The documented object, with its members in the documented order.
///
/// `is_first`: whether there was no policy before.
pub(super) fn object(old: &Analysed, new: &Analysed, found: &Diff, is_first: bool) -> String {
    let rule =
        |side: &Analysed, ruling: &Evaluation| json!(ruling.rule.map(|rule| side.name(rule)));
    let differences: Vec<String> = found
        .differences
        .iter()
        .map(|difference| {
            let mut text = members(&[
                ("old", json!(difference.old.kind.code())),
                ("new", json!(difference.new.kind.code())),
                ("paths", json!(difference.paths)),
                ("who", json!(difference.who)),
                ("old_rule", rule(old, &difference.old)),
                ("new_rule", rule(new, &difference.new)),
            ]);
            // The witness is an object whose members have an order, too.
            text.pop();
            format!("{text},\"witness\":{}}}", request(&difference.witness))
        })
        .collect();
    let mut object = format!("{{\"differences\":[{}]", differences.join(","));
    // Present only if a setting differs in a way that no request shows.
    if !found.settings.is_empty() {
        let mut codes: Vec<&str> = found
            .settings
            .iter()
            .map(|change| change.setting.code())
            .collect();
        codes.dedup();
        let changes: Vec<String> = found.settings.iter().map(setting).collect();
        object.push_str(&format!(
            ",\"settings\":{},\"setting_changes\":[{}]",
            json!(codes),
            changes.join(",")
        ));
    }
    if !found.gave_up.is_empty() {
        object.push_str(&format!(",\"undecided\":{}", json!(found.gave_up)));
    }
    if is_first {
        object.push_str(",\"first_policy\":true");
    }
    object.push('}');
    object
}

fn setting(change: &SettingChange) -> String {
    members(&[
        ("setting", json!(change.setting.code())),
        ("what", json!(change.what)),
        ("may_open", json!(change.may_open)),
    ])
}

/// The headline of a kind of difference.
pub(super) fn headline(difference: &Difference) -> &'static str {
    match difference {
        _ if difference.opens() => "newly allows",
        _ if difference.closes() => "newly denies",
        _ => "changes",
    }
}

/// The number of differences of each kind.
pub(super) fn summary(found: &Diff) -> String {
    let count = |test: &dyn Fn(&Difference) -> bool| {
        found.differences.iter().filter(|one| test(one)).count()
    };
    let opened = count(&Difference::opens);
    let closed = count(&Difference::closes);
    let others = found.differences.len() - opened - closed;
    let known = match found.differences.is_empty() {
        true if found.gave_up.is_empty() => {
            "no request is decided differently by the rules".to_owned()
        }
        true => "no difference found".to_owned(),
        false => {
            format!("{opened} newly allowed, {closed} newly denied, {others} with another response")
        }
    };
    if found.gave_up.is_empty() {
        known
    } else {
        format!("{known}, but not everything could be compared: more may differ")
    }
}

/// The principals: each one if there are at most four, else their description.
pub(super) fn principals(difference: &Difference) -> Vec<&str> {
    match difference.principals.as_slice() {
        few @ [_, ..] if few.len() <= 4 => few.iter().map(String::as_str).collect(),
        _ => vec![&difference.who],
    }
}

/// The rule that was added, removed or edited, with its location: that of the new policy, if it has the rule.
pub(super) fn cause(old: &Analysed, new: &Analysed, cause: Cause) -> String {
    match (cause.side, cause.counterpart) {
        (Side::New, _) => new.named(cause.rule),
        (Side::Old, Some(counterpart)) => new.named(counterpart),
        (Side::Old, None) => old.named(cause.rule),
    }
}

/// What happened to the rule, in one word.
pub(super) fn edit(cause: Cause) -> &'static str {
    match (cause.counterpart, cause.side) {
        (Some(_), _) => "changed",
        (None, Side::Old) => "removed",
        (None, Side::New) => "added",
    }
}

/// The keys of an edited rule that differ, before and after.
pub(super) fn edited(old: &Analysed, new: &Analysed, cause: Cause) -> (Vec<String>, Vec<String>) {
    let Some(counterpart) = cause.counterpart else {
        return (Vec::new(), Vec::new());
    };
    let (before, after) = match cause.side {
        Side::Old => (cause.rule, counterpart),
        Side::New => (counterpart, cause.rule),
    };
    let (before, after) = (keys(old, before), keys(new, after));
    let only = |keys: &[String], others: &[String]| -> Vec<String> {
        keys.iter()
            .filter(|key| !others.contains(key))
            .cloned()
            .collect()
    };
    (only(&before, &after), only(&after, &before))
}

/// The keys of a rule, as TOML.
fn keys(side: &Analysed, rule: RuleId) -> Vec<String> {
    let Some(rule) = side.policy.rule(rule) else {
        return Vec::new();
    };
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let paths: Vec<String> = rule
        .patterns
        .iter()
        .map(|pattern| quoted(&pattern.source))
        .collect();
    let mut keys = vec![format!("{effect} = [{}]", paths.join(", "))];
    keys.extend(people(&side.policy, rule));
    keys.extend(constraints(&side.policy, rule));
    keys
}

/// A test that the new policy passes and the old one fails.
pub(super) fn test(new: &Analysed, difference: &Difference, number: usize) -> String {
    let name = format!("diff-{}", number + 1);
    test_case(&new.policy, &name, &difference.witness, &difference.new)
}

/// States that there is no policy to compare with.
pub(super) fn first_line(base: &str) -> String {
    format!("`{base}` has no policy, so everything that this one allows is new")
}

/// The human-readable report. `first` is the base, if it has no policy.
pub(super) fn text(old: &Analysed, new: &Analysed, found: &Diff, first: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(base) = first {
        let line = visible(&first_line(base));
        text.push_str(&format!("{} {line}\n\n", styled(NOTE, "first policy:")));
    }
    for (number, difference) in found.differences.iter().enumerate() {
        let style = match difference {
            _ if difference.opens() => BAD,
            _ if difference.closes() => GOOD,
            _ => NOTE,
        };
        let head = styled(style, headline(difference));
        let paths = visible(&difference.paths);
        text.push_str(&format!("{head} {}\n", styled(STRONG, paths)));
        let mut line = |name: &str, value: &str| {
            let value = visible(value);
            text.push_str(&format!(
                "  {} {value}\n",
                styled(FAINT, format_args!("{name:8}"))
            ));
        };
        for (at, who) in principals(difference).into_iter().enumerate() {
            line(if at == 0 { "who" } else { "  or" }, who);
        }
        line("old", &ruled(old, &difference.old));
        line("new", &ruled(new, &difference.new));
        if let Some(edit_of) = difference.cause {
            line(edit(edit_of), &cause(old, new, edit_of));
            let (before, after) = edited(old, new, edit_of);
            before.iter().for_each(|key| line("  before", key));
            after.iter().for_each(|key| line("  now", key));
        }
        line("shown by", &described(&difference.witness));
        let mut name = "test";
        for row in test(new, difference, number).lines() {
            line(name, row);
            name = "";
        }
        text.push('\n');
    }
    for change in &found.settings {
        let head = match change.may_open {
            true => styled(BAD, "setting may open:"),
            false => styled(NOTE, "setting differs:"),
        };
        text.push_str(&format!("{head} {}\n", visible(&change.what)));
    }
    for path in &found.gave_up {
        text.push_str(&format!(
            "{} {}: too many overlapping rules to compare all requests; some may differ\n",
            styled(BAD, "undecided"),
            visible(path)
        ));
    }
    text.push_str(&summary(found));
    text.push('\n');
    text
}
