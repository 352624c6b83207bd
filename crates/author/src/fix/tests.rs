//! Fixes are applied until none is left, and fixes that would change a decision are withheld.

use tollgate_compiler::diagnostic::{Applicability, codes};
use tollgate_compiler::{CompileOptions, compile};

use super::*;
use crate::lint::{self, LintContext};
use tollgate_compiler::diagnostic::Span;

const NOW: i64 = 1_900_000_000;

/// The compiler and the lints.
fn check(sources: &SourceTree) -> Option<Checked> {
    let mut compiled = compile(sources, &CompileOptions::default());
    let mut findings = core::mem::take(&mut compiled.diagnostics);
    if let Some(context) = LintContext::new(&compiled, sources) {
        findings.extend(lint::lint(&context, NOW));
        findings = lint::apply_suppressions(&context, findings).findings;
    }
    let policy = compiled.policy.zip(compiled.image);
    Some(Checked {
        findings,
        policy: policy.map(|(spec, image)| CheckedPolicy { spec, image }),
    })
}

fn site(rest: &str) -> SourceTree {
    let mut sources = SourceTree::new();
    sources.insert(
        "site.toml",
        format!("schema = 1\n[site]\nname = \"x\"\n{rest}"),
    );
    sources
}

fn rest(fixed: &Fixed) -> &str {
    let text = fixed.sources.text("site.toml").unwrap();
    text.strip_prefix("schema = 1\n[site]\nname = \"x\"\n")
        .unwrap()
}

#[test]
fn fixes_are_applied_until_none_is_left() {
    let rule = "[[rule]]\nid = \"a\"\n";
    for (before, after, codes) in [
        // One error hides others.
        (
            format!("{rule}allow: [\"a\"]\nanyone = True\n"),
            format!("{rule}allow = [\"/a\"]\nanyone = true\n"),
            vec!["TG0101", "TG0101", "TG0206"],
        ),
        (
            format!("{rule}allow = \"/b c\" # why\nanyoen = true\nmethods = [\"get\"]\n"),
            format!("{rule}allow = [\"/b c\"] # why\nanyone = true\nmethods = [\"GET\"]\n"),
            vec!["TG0104", "TG0102", "TG0105"],
        ),
        (
            format!(
                "{rule}allow = [\"/a\", \"/b\", \"/a\",\n  \"/a\", # no\n]\nanyone = true\nwhen = 'true'\n"
            ),
            format!("{rule}allow = [\"/a\", \"/b\",\n]\nanyone = true\n"),
            vec!["TG0705", "TG0705", "TG0704"],
        ),
        (
            format!(
                "{rule}allow = [\"/a\"]\nanyone = true\n\n[[lint]]\nallow = \"TG0710\"\nbecause = \"x\"\n\n# b\n[[rule]]\nid = \"b\"\nallow = [\"/b\"]\nanyone = true\n"
            ),
            format!(
                "{rule}allow = [\"/a\"]\nanyone = true\n\n# b\n[[rule]]\nid = \"b\"\nallow = [\"/b\"]\nanyone = true\n"
            ),
            vec!["TG0720"],
        ),
        // A guess, or a change of who can access what, stays.
        (
            format!("{rule}allow = [\"/a\"]\npublic = true\n"),
            format!("{rule}allow = [\"/a\"]\npublic = true\n"),
            vec![],
        ),
        (
            format!("{rule}allow = [\"/a\"]\nanyone = true\nnetworks = [\"10.1.0.0/8\"]\n"),
            format!("{rule}allow = [\"/a\"]\nanyone = true\nnetworks = [\"10.1.0.0/8\"]\n"),
            vec![],
        ),
    ] {
        let fixed = apply(&site(&before), &check, NOW);
        assert_eq!(rest(&fixed), after, "{before}");
        let mut applied: Vec<&str> = fixed.applied.iter().map(|done| done.code).collect();
        let mut codes = codes;
        applied.sort_unstable();
        codes.sort_unstable();
        assert_eq!(applied, codes, "{before}");
        assert!(fixed.withheld.is_empty(), "{:?}", fixed.withheld);
        // A second run has nothing to do.
        let again = apply(&fixed.sources, &check, NOW);
        assert!(again.applied.is_empty(), "{:?}", again.applied);
    }
}

/// Fixes that promise to be safe and are not: the analysis finds out, and applies the others.
#[test]
fn what_changes_a_decision_is_withheld() {
    let text = "[[rule]]\nid = \"a\"\nallow = [\"/a\", \"/a\"]\nanyone = true\n\n[[rule]]\nid = \"b\"\nallow = [\"/b\"]\nanyone = true\n";
    let check = |sources: &SourceTree| {
        let mut checked = check(sources)?;
        let text = sources.text("site.toml").unwrap_or_default();
        for (wrong, right) in [
            ("\"/b\"", "\"/b/**\""),
            ("name = \"x\"", "name = \"y\""),
            ("\"b\"", "broken"),
        ] {
            if let Some(start) = text.find(wrong) {
                let end = start + wrong.len();
                let mut finding = Diagnostic::new(&codes::FILE_NAME, "site.toml", wrong);
                finding.at((start..end).into()).help("write it");
                finding.fix(Applicability::Safe, Edit::new((start..end).into(), right));
                checked.findings.push(finding);
            }
        }
        Some(checked)
    };
    let fixed = apply(&site(text), &check, NOW);
    assert!(fixed.is_compared);
    assert_eq!(rest(&fixed), text.replace("[\"/a\", \"/a\"]", "[\"/a\"]"));
    let withheld: Vec<&str> = fixed
        .withheld
        .iter()
        .map(|done| done.message.as_str())
        .collect();
    assert_eq!(withheld.len(), 3, "{withheld:?}");
    assert_eq!(fixed.applied.len(), 1);
}

/// Edits that overlap, or that do not fit the text, are never applied together.
#[test]
fn edits_that_meet_wait_for_each_other() {
    let edit = |start, end, text| Edit::new(Span { start, end }, text);
    assert_eq!(edited("abc", &[&edit(0, 2, "x"), &edit(1, 3, "y")]), None);
    assert_eq!(edited("abc", &[&edit(2, 4, "x")]), None);
    assert_eq!(edited("é", &[&edit(1, 2, "x")]), None);
    assert_eq!(
        edited("abc", &[&edit(2, 3, ""), &edit(0, 1, "xy")]).as_deref(),
        Some("xyb")
    );
    for (at, expected) in [(0, 0), (1, 2), (2, 3), (4, 3), (5, 4)] {
        assert_eq!(
            moved(at, &[&edit(0, 1, "xy"), &edit(2, 4, "")]),
            expected,
            "{at}"
        );
    }
}

#[test]
fn diffs_have_context_and_ranges() {
    let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
    let new = old
        .replace("\n3\n", "\nthree\n")
        .replace("\n17\n", "\n")
        .replace("20\n", "20");
    let expected = "--- a/f\n+++ b/f\n@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n@@ -14,7 +14,6 @@\n 14\n 15\n 16\n-17\n 18\n 19\n-20\n+20\n\\ No newline at end of file\n";
    assert_eq!(unified("f", &old, &new), expected);
    assert_eq!(
        unified("f", "", "a\n"),
        "--- a/f\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n"
    );
    assert_eq!(unified("f", "a\n", "a\n"), "");
}

/// A file with many mistakes costs few checks, and bad fixes among them end.
#[test]
fn the_number_of_checks_is_bounded() {
    let calls = core::cell::Cell::new(0);
    let counted = |sources: &SourceTree| {
        calls.set(calls.get() + 1);
        check(sources)
    };
    let rules: String = (0..2_000)
        .map(|at| {
            format!("[[rule]]\nid = \"r{at}\"\nallow = [\"/{at}\", \"/{at}\"]\nanyone = true\n")
        })
        .collect();
    let fixed = apply(&site(&rules), &counted, NOW);
    assert_eq!(fixed.applied.len(), 2_000);
    // One at the start, and one for every thousand.
    assert_eq!(calls.get(), 3);
    calls.set(0);
    let first = check(&site(&rules));
    let stubborn = |_: &SourceTree| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 {
            return first.clone();
        }
        // Whatever is changed, the file is no TOML afterwards.
        let finding = Diagnostic::new(&codes::NOT_TOML, "site.toml", "broken");
        Some(Checked {
            findings: vec![finding],
            policy: None,
        })
    };
    let fixed = apply(&site(&rules), &stubborn, NOW);
    assert!(fixed.applied.is_empty());
    assert_eq!(calls.get(), MAX_CHECKS + 1);
}
