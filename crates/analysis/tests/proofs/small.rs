//! Small policies about which the analysis was once wrong.

use tollgate_analysis::dead::{self, Dead};
use tollgate_analysis::diff;
use tollgate_analysis::{Kind, Policy};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::support::NOW;

/// A token's scopes stand in one text with spaces between, so none has a space in its name.
const SPACED_SCOPE: &str = r#"
[[rule]]
id = "spaced"
allow = ["/{c}/x"]
scopes = ["course-{c}"]
when = 'path.c == "a b"'
"#;

const OPEN: &str = r#"
[[rule]]
id = "open"
allow = ["/{c}/y"]
anyone = true
when = 'path.c == "a b"'
"#;

fn policy(rules: &[&str]) -> Policy {
    let mut sources = SourceTree::new();
    let head = "schema = 1\n[site]\nname = \"small\"\n".to_owned();
    sources.insert("site.toml", head + &rules.concat());
    let compiled = compile(&sources, &CompileOptions::default());
    Policy::new(compiled.policy.unwrap()).unwrap()
}

#[test]
fn a_rule_for_a_scope_with_a_space_lets_nobody_in() {
    let lives = dead::rules(&policy(&[OPEN, SPACED_SCOPE]), NOW);
    let whys: Vec<Dead> = lives.dead.iter().map(|dead| dead.why).collect();
    assert_eq!(whys, [Dead::NeverMatches], "{lives:?}");
    assert_eq!((lives.alive.len(), lives.unknown.len()), (1, 0));
}

#[test]
fn such_a_rule_added_lets_nobody_in_for_certain() {
    let (old, new) = (policy(&[OPEN]), policy(&[OPEN, SPACED_SCOPE]));
    let found = diff::diff(&old, &new, NOW);
    // Strangers are told 401 instead of 403: the core does not know which scopes there can be.
    let changes: Vec<(u16, u16)> = found
        .differences
        .iter()
        .map(|difference| (difference.old.status, difference.new.status))
        .collect();
    assert_eq!(changes, [(403, 401)]);
    assert!(found.opens_nothing(), "{found:?}");
}

#[test]
fn paths_that_one_policy_refuses_are_told_once() {
    let text = |extra: &str| {
        policy(&[
            extra,
            "[[rule]]\nid = \"all\"\nallow = [\"/**\"]\nanyone = true\n",
        ])
    };
    let (old, new) = (text(""), text("[paths]\nascii_only = true\n"));
    let told: Vec<(Kind, Kind)> = diff::diff(&old, &new, NOW)
        .differences
        .iter()
        .map(|difference| (difference.old.kind, difference.new.kind))
        .collect();
    assert_eq!(told, [(Kind::Allow, Kind::Reject)]);
}

/// Every way in which `[paths]` can differ, below every kind of pattern: what is newly allowed is shown, and
/// what may be is reported.
#[test]
fn path_settings_that_allow_more_are_reported() {
    let site = |paths: &str, pattern: &str| {
        let rule = format!("[[rule]]\nid = \"r\"\nallow = [\"{pattern}\"]\nanyone = true\n");
        policy(&[&format!("[paths]\n{paths}\n"), &rule])
    };
    let strict = "origin = \"strict\"";
    let (s3, files) = ("origin = \"s3\"", "origin = \"files\"");
    for pattern in [
        "/**", "/a/**", "/a/*", "/a/{x}", "/**/x", "/a/*.pdf", "/*/b/**",
    ] {
        let settings = [
            ("ascii_only = true", strict, Some("%C3%A9")),
            (strict, s3, Some("%25")),
            (strict, files, Some("%25")),
            (
                "ascii_only = true",
                "ascii_only = true\norigin = \"s3\"",
                Some("%25"),
            ),
            (s3, files, None),
            (files, s3, None),
            (strict, "index = \"index.html\"", None),
            ("index = \"index.html\"", strict, None),
            ("index = \"index.html\"", "index = \"home.html\"", None),
        ];
        for (old, new, witness) in settings {
            let found = diff::diff(&site(old, pattern), &site(new, pattern), NOW);
            assert!(!found.opens_nothing(), "{pattern}: {old} to {new}");
            let shown = found.differences.iter().any(|difference| {
                witness.is_some_and(|letter| difference.witness.target.contains(letter))
                    && (difference.old.kind, difference.new.kind) == (Kind::Reject, Kind::Allow)
            });
            assert_eq!(
                shown,
                witness.is_some(),
                "{pattern}: {old} to {new}: {found:#?}"
            );
        }
        for (old, new) in [
            (strict, "ascii_only = true"),
            (s3, strict),
            (files, strict),
            ("", strict),
        ] {
            let found = diff::diff(&site(old, pattern), &site(new, pattern), NOW);
            assert!(
                found.opens_nothing(),
                "{pattern}: {old} to {new}: {found:#?}"
            );
        }
    }
}
