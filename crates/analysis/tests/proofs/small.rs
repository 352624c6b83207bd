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
