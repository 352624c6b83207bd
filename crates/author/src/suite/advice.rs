//! Errors in tests that can be read: rules that do not exist, targets that no request can have, and
//! groups in a claim that is not read.
//!
//! Such a test fails, and the failure alone does not explain why. A test that passes is as
//! intended. Not here: parsing tests.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_analysis::rule_name;
use tollgate_compiler::diagnostic::{Applicability, Diagnostic, Edit, Span, codes};
use tollgate_compiler::edit::quoted;
use tollgate_core::{Effect, Reason};
use tollgate_gate::Gate;
use tollgate_policy::spec::ImageSpec;

use super::case::{Case, TestFile, TestUser};
use super::reader::nearest;
use super::run::{Actual, run};
use crate::syntax::{key, visible};

/// All errors, in the order of the files; each rule and each target is reported once per span.
pub fn advice(files: &[TestFile], policy: &ImageSpec, gate: &Gate<Vec<u8>>) -> Vec<Diagnostic> {
    let rules: BTreeMap<String, Effect> = policy
        .rules
        .iter()
        .map(|rule| (rule_name(rule), rule.effect))
        .collect();
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut seen: BTreeSet<(String, &'static str, Span)> = BTreeSet::new();
    for file in files {
        for case in &file.cases {
            let got = run(gate, &case.request(), &mut ());
            if got.meets(&case.expect) {
                continue;
            }
            let found = [
                rule(file, case, &rules, &got),
                target(file, case, gate, &got),
                groups(case),
            ];
            for finding in found.into_iter().flatten() {
                let place = (
                    finding.file.clone(),
                    finding.code.id,
                    finding.span.unwrap_or_default(),
                );
                // A path in a table is the target of many cases, and a user is available in many
                // files.
                if seen.insert(place) {
                    findings.push(finding);
                }
            }
        }
    }
    findings
}

/// Reports a rule that does not exist, or that cannot cause the expected decision.
fn rule(
    file: &TestFile,
    case: &Case,
    rules: &BTreeMap<String, Effect>,
    got: &Actual,
) -> Option<Diagnostic> {
    let wanted = case.expect.rule.as_deref()?;
    let effect = rules.get(wanted).copied();
    let expected = if case.expect.reason == Reason::Allow {
        Effect::Allow
    } else {
        Effect::Deny
    };
    if effect == Some(expected) {
        return None;
    }
    let shown = visible(wanted);
    let mut finding = match effect {
        None => {
            let message = format!("rule `{shown}` does not exist");
            Diagnostic::new(&codes::UNKNOWN_TEST_RULE, &file.file, message)
        }
        Some(_) => {
            let (word, reason) = match expected {
                Effect::Allow => ("deny", "allow"),
                Effect::Deny => ("allow", "denied_by_rule"),
            };
            let message =
                format!("rule `{shown}` has `{word}`, so it cannot be named by `{reason}`");
            Diagnostic::new(&codes::UNKNOWN_TEST_RULE, &file.file, message)
        }
    };
    finding.at(case.rule_at);
    // The rule that decides today is the most likely candidate, if it has the right effect.
    let today = got
        .rule
        .as_ref()
        .filter(|_| got.reason == case.expect.reason);
    let of_effect = rules.iter().filter(|(_, effect)| **effect == expected);
    match nearest(wanted, of_effect.map(|(name, _)| name.as_str())) {
        Some(near) => {
            finding.help(format!("did you mean `{near}`?"));
            let text = match case.is_cell {
                true => format!("{} {near}", case.expect.reason.code()),
                false => near.to_owned(),
            };
            // Names are the author's, so this stays a guess.
            finding.fix(
                Applicability::Unsure,
                Edit::new(case.rule_at, quoted(&text)),
            );
        }
        None => {
            finding.help(match today {
                Some(today) => format!("today `{today}` decides"),
                None => {
                    "write `course/id` of a rule, or `site/id` of one in `site.toml`".to_owned()
                }
            });
        }
    }
    Some(finding)
}

/// Reports a target that is not a valid request path, unless the test expects that.
fn target(file: &TestFile, case: &Case, gate: &Gate<Vec<u8>>, got: &Actual) -> Option<Diagnostic> {
    if got.reason != Reason::BadPath || case.expect.reason == Reason::BadPath {
        return None;
    }
    let detail = got.detail.unwrap_or_default();
    let message = format!(
        "every edge rejects a request for `{}` ({detail})",
        visible(&case.target)
    );
    let mut finding = Diagnostic::new(&codes::BAD_TEST_TARGET, &file.file, message);
    finding.at(case.target_at);
    let is_path = |target: &String| {
        let mut ask = case.request();
        ask.target = target;
        run(gate, &ask, &mut ()).reason != Reason::BadPath
    };
    let cures = [relative(&case.target), escaped(&case.target)];
    let both = relative(&case.target).as_deref().and_then(escaped);
    match cures.into_iter().flatten().chain(both).find(is_path) {
        Some(cure) => finding.help(format!("write `{cure}`")).fix(
            Applicability::Safe,
            Edit::new(case.target_at, quoted(&cure)),
        ),
        None => finding.help("if the test is about an invalid path, write `expect = \"bad_path\"`"),
    };
    Some(finding)
}

/// Reports groups in a claim from which the issuer of the test's user reads none.
fn groups(case: &Case) -> Option<Diagnostic> {
    let TestUser::Person(person) = &case.who else {
        return None;
    };
    let found = person.misplaced.as_ref()?;
    let message = format!(
        "issuer `{}` reads groups from `{}`, not from `{}`",
        found.issuer, found.place, found.claim
    );
    let mut finding = Diagnostic::new(&codes::GROUPS_ELSEWHERE, &found.file, message);
    let names = found.place.names().iter();
    let keys: Vec<String> = names.map(|name| key(name)).collect();
    finding
        .at(found.at)
        .help(format!("write `{} = [\"…\"]`", keys.join(".")));
    Some(finding)
}

/// The path of an absolute URL, or of a path without its leading slash.
fn relative(target: &str) -> Option<String> {
    match target.split_once("://") {
        Some((_, rest)) => Some(match rest.find('/') {
            Some(at) => rest.get(at..)?.to_owned(),
            None => "/".to_owned(),
        }),
        None => (!target.starts_with('/')).then(|| format!("/{target}")),
    }
}

/// The target with everything escaped that browsers escape.
fn escaped(target: &str) -> Option<String> {
    let mut text = String::new();
    for byte in target.bytes() {
        match byte {
            b'+' => text.push_str("%2B"),
            b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^' | 0x80.. => {
                text.push_str(&format!("%{byte:02X}"));
            }
            byte => text.push(char::from(byte)),
        }
    }
    (text != target).then_some(text)
}

#[cfg(test)]
mod tests;
