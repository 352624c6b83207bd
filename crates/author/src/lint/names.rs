//! TG0714: names that are used once and look like a misspelling of another.

use std::collections::BTreeMap;

use tollgate_compiler::diagnostic::{Applicability, codes};
use tollgate_compiler::edit::quoted;
use tollgate_compiler::{Diagnostic, skeleton_of};
use tollgate_policy::spec::{Expr, Template};

use super::context::LintContext;
use crate::locate::Part;

/// Names shorter than this are too similar anyway.
const SHORTEST: usize = 4;

struct Use {
    rule: usize,
    part: Part,
    count: usize,
}

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    for kind in ["groups", "scopes", "subjects"] {
        let used = uses(context, kind);
        twins(context, kind, &used, findings);
        let near = Neighbours::new(used.keys().map(String::as_str));
        for (name, once) in used.iter().filter(|(_, used)| used.count == 1) {
            let likely = near
                .of(name)
                .filter_map(|other| Some((other, used.get(other)?)));
            // If both are used only once, the second in alphabetical order is reported.
            let is_meant = |other: &str, used: &Use| {
                used.count > 1 || (used.count == 1 && other < name.as_str())
            };
            let Some((other, meant)) = likely
                .filter(|(other, used)| is_meant(other, used))
                .max_by_key(|(_, used)| used.count)
            else {
                continue;
            };
            let what = kind.strip_suffix('s').unwrap_or(kind);
            let message = format!("{what} `{name}` is used only here and looks like `{other}`");
            let mut finding = context.finding(&codes::LONELY_NAME, once.rule, &once.part, message);
            context.mark(&mut finding, meant.rule, &meant.part, "this one");
            finding.help(format!("write `{other}` if you meant that"));
            replace(context, &mut finding, &once.part, other);
            findings.push(finding);
        }
    }
}

/// Adds the replacement of a name by another. A name with a capture stays as it is.
fn replace(context: &LintContext<'_>, finding: &mut Diagnostic, part: &Part, other: &str) {
    if matches!(part, Part::Entry(..)) && !other.contains("{}") {
        context.replace(finding, Applicability::Access, &quoted(other));
    }
}

/// Reports two names that look identical, such as Latin `ape` and Cyrillic `аре`. Names in ASCII
/// only are distinguished by their spelling.
fn twins(
    context: &LintContext<'_>,
    kind: &'static str,
    used: &BTreeMap<String, Use>,
    findings: &mut Vec<Diagnostic>,
) {
    if used.keys().all(|name| name.is_ascii()) {
        return;
    }
    let mut looks: BTreeMap<String, &str> = BTreeMap::new();
    // ASCII sorts first, so the other name is reported.
    for (name, this) in used {
        let Some(other) = looks.insert(skeleton_of(name), name) else {
            continue;
        };
        if name.is_ascii() {
            continue;
        }
        let what = kind.strip_suffix('s').unwrap_or(kind);
        let code = |text: &str| -> Vec<String> {
            let odd = text.chars().filter(|c| !c.is_ascii());
            odd.map(|c| format!("U+{:04X}", u32::from(c))).collect()
        };
        let message = format!(
            "{what} `{name}` looks like `{other}` but is spelled differently: {}",
            code(name).join(" ")
        );
        let mut finding = context.finding(&codes::LONELY_NAME, this.rule, &this.part, message);
        if let Some(other) = used.get(other) {
            context.mark(&mut finding, other.rule, &other.part, "this one");
        }
        finding.help(format!("write `{other}` if you meant that"));
        replace(context, &mut finding, &this.part, other);
        findings.push(finding);
    }
}

/// The names of one kind, with the first occurrence and the count of each.
fn uses(context: &LintContext<'_>, kind: &'static str) -> BTreeMap<String, Use> {
    let mut used: BTreeMap<String, Use> = BTreeMap::new();
    let mut add = |text: &str, rule: usize, part: Part| {
        let first = used.entry(text.to_owned()).or_insert(Use {
            rule,
            part,
            count: 0,
        });
        first.count += 1;
    };
    for (at, rule, _) in context.rules() {
        let list = match kind {
            "groups" => &rule.who.groups,
            "scopes" => &rule.who.scopes,
            _ => &rule.who.subjects,
        };
        for (nth, entry) in list.iter().flatten().enumerate() {
            // The text around a capture is compared with that around other captures.
            let Template {
                prefix,
                capture,
                suffix,
            } = entry;
            let capture = capture.as_ref().map_or("", |_| "{}");
            add(
                &format!("{prefix}{capture}{suffix}"),
                at,
                Part::Entry(kind, nth),
            );
        }
        for (key, condition) in [("when", &rule.when), ("unless", &rule.unless)] {
            let Some(condition) = condition else { continue };
            condition.each(&mut |expr| match expr {
                Expr::InGroups(inner) if kind == "groups" => {
                    if let Expr::Str(text) = &**inner {
                        let piece = format!("\"{text}\"");
                        add(text, at, Part::Piece(key, piece, 0));
                    }
                }
                _ => {}
            });
        }
    }
    used
}

/// Finds names with an edit distance of one without comparing all pairs: two such names become
/// equal when at most one letter is removed from each.
struct Neighbours<'n> {
    by_rest: BTreeMap<String, Vec<&'n str>>,
}

impl<'n> Neighbours<'n> {
    fn new(names: impl Iterator<Item = &'n str>) -> Self {
        let mut by_rest: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names.filter(|name| name.chars().count() >= SHORTEST) {
            for rest in rests(name) {
                by_rest.entry(rest).or_default().push(name);
            }
        }
        Self { by_rest }
    }

    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'n str> + use<'n, 'a> {
        let long = name.chars().count() >= SHORTEST;
        let found = rests(name).into_iter().filter(move |_| long);
        found
            .filter_map(|rest| self.by_rest.get(&rest))
            .flatten()
            .copied()
            .filter(move |other| *other != name && !is_series(name, other))
            .filter(move |other| strsim::damerau_levenshtein(name, other) == 1)
    }
}

/// The name, and the name with each of its letters removed.
fn rests(name: &str) -> Vec<String> {
    let mut rests = vec![name.to_owned()];
    for (at, c) in name.char_indices() {
        let before = name.get(..at).unwrap_or_default();
        let after = name.get(at + c.len_utf8()..).unwrap_or_default();
        rests.push(format!("{before}{after}"));
    }
    rests.dedup();
    rests
}

/// Whether the names differ only in digits, as members of a series do.
fn is_series(left: &str, right: &str) -> bool {
    let letters = |name: &str| -> String { name.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let has_digit = |name: &str| name.contains(|c: char| c.is_ascii_digit());
    has_digit(left) && has_digit(right) && letters(left) == letters(right)
}
