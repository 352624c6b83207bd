//! The mutations, and which of them tests catch.

use tollgate_compiler::{CompileOptions, Compiled, SourceTree, compile};

use super::*;
use crate::suite::{self, TestFile};
use crate::{locate, policy_gate};

fn policy(rules: &str) -> (Compiled, SourceTree) {
    let mut sources = SourceTree::new();
    sources.insert(
        "site.toml",
        format!(
            "schema = 1\n[site]\nname = \"x\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n\
             clients = [\"c\"]\nalgorithms = [\"HS256\"]\nsecrets = [{{ kid = \"k\", file = \"k.key\" }}]\n\
             groups_claim = \"groups\"\n[claims]\nlevel = \"int\"\n{rules}"
        ),
    );
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    (compiled, sources)
}

fn changes(rule: &str) -> Vec<String> {
    let (compiled, sources) = policy(&format!("[[rule]]\nid = \"r\"\n{rule}\n"));
    let places = locate::places(&sources, &compiled.origins);
    let policy = compiled.policy.unwrap();
    let list = mutants(&policy, &places);
    for mutant in &list {
        policy_gate::gate(&mutant.policy(&policy)).expect(&mutant.change);
    }
    list.into_iter().map(|mutant| mutant.change).collect()
}

#[test]
fn every_part_of_a_rule_is_changed() {
    let table: &[(&str, &[&str])] = &[
        (
            "allow = [\"/a/**\"]\nanyone = true",
            &[
                "the rule was removed",
                "`allow` became `deny`",
                "`/a/**` became `/*/**`",
                "`/a/**` became `/**`",
                "`/a/**` became `/a/*`",
                "`/a/**` became `/a/`",
                "`anyone` became `signed_in`",
                "`methods` became every method",
            ],
        ),
        (
            "allow = [\"/{c}/\", \"/{c}/x-*y\"]\ngroups = [\"g-{c}\"]\nmethods = [\"GET\", \"PUT\"]",
            &[
                "`/{c}/` was removed",
                "`/{c}/` became `/{c}`",
                "`/{c}/x-*y` became `/{c}/*`",
                "`/{c}/x-*y` became `/{c}/x-y`",
                "`g-{c}` became `{c}`",
                "`groups` became `anyone`",
                "`PUT` was removed from `methods`",
            ],
        ),
        (
            "deny = [\"/b\"]\nsubjects = [\"s\", \"t\"]\nnetworks = [\"10.0.0.0/8\"]\nuntil = 2027-01-01T00:00:00Z",
            &[
                "`/b` became `/*`",
                "`/b` became `/**`",
                "`/b` became `/b/`",
                "`s` was removed from `subjects`",
                "`subjects` was removed",
                "`networks` was removed",
                "`10.0.0.0/8` became `10.0.0.0/7`",
                "`10.0.0.0/8` became `10.0.0.0/9`",
                "`until` was removed",
                "`until` became a second later",
            ],
        ),
        (
            "allow = [\"/b\"]\nsigned_in = true\nwhen = 'claims.level >= 3 && !(sub in [\"a\", \"b\"])'",
            &[
                "`signed_in` became `anyone`",
                "`when` was removed",
                "`when` became `unless`",
                "`claims.level >= 3 && !(sub in [\"a\", \"b\"])` became `claims.level >= 3 || !(sub in [\"a\", \"b\"])`",
                "`claims.level >= 3` became `claims.level > 3`",
                "`claims.level >= 3` became `claims.level < 3`",
                "`3` became `4`",
                "`3` became `2`",
                "`!(sub in [\"a\", \"b\"])` became `sub in [\"a\", \"b\"]`",
                "`sub in [\"a\", \"b\"]` became `sub in [\"b\"]`",
            ],
        ),
    ];
    for (rule, expected) in table {
        let found = changes(rule);
        for change in *expected {
            assert!(
                found.iter().any(|found| found == change),
                "{change} is not in {found:#?}"
            );
        }
    }
}

#[test]
fn every_mutant_could_be_written_by_an_author() {
    // A capture that a name uses does not change, nor does the base of a file.
    let found = changes("allow = [\"/{c}/**\"]\ngroups = [\"g-{c}\"]");
    assert!(
        !found
            .iter()
            .any(|change| change.starts_with("`/{c}/**` became `/*/**`")),
        "{found:?}"
    );
    assert!(
        found.contains(&"`g-{c}` became `{c}`".to_owned()),
        "{found:?}"
    );
    // An implicit list of methods loses no entry.
    assert!(
        !found
            .iter()
            .any(|change| change.contains("left out of `methods`")),
        "{found:?}"
    );
}

fn outcomes(rule: &str, tests: &str) -> Vec<(String, MutantOutcome)> {
    let (compiled, mut sources) = policy(&format!("[[rule]]\nid = \"r\"\n{rule}\n"));
    let places = locate::places(&sources, &compiled.origins);
    let policy = compiled.policy.unwrap();
    let gate = policy_gate::gate(&policy).unwrap();
    let name = "site.test.toml".to_owned();
    sources.insert(name.clone(), format!("now = 2027-01-15T00:00:00Z\n{tests}"));
    let files: Vec<TestFile> = suite::read_all(&[name], &sources, &gate).unwrap();
    let list = mutants(&policy, &places);
    let outcomes = run(&policy, &places, &list, &files, &|| ()).unwrap();
    let changes = list.into_iter().map(|mutant| mutant.change);
    changes.zip(outcomes).collect()
}

#[test]
fn a_missed_mutant_has_an_example_request() {
    let rule = "allow = [\"/a/**\"]\ngroups = [\"g\", \"h\"]\nwhen = 'claims.level >= 3'";
    let tests = "[people.g]\nclaims = { groups = [\"g\"], level = 9 }\n[[table]]\nname = \"t\"\n\
                 people = [\"nobody\", \"g\"]\npaths = [\"/a/x\", \"/b\"]\n\
                 expect = [[\"no_token\", \"allow\"], [\"forbidden\", \"forbidden\"]]\n";
    let all = outcomes(rule, tests);
    let missed: Vec<&str> = all
        .iter()
        .filter(|(_, outcome)| matches!(outcome, MutantOutcome::Missed(_)))
        .map(|(change, _)| change.as_str())
        .collect();
    for change in [
        "`h` was removed from `groups`",
        "`3` became `4`",
        "`/a/**` became `/a/*`",
    ] {
        assert!(missed.contains(&change), "{change} is not in {missed:?}");
    }
    for change in [
        "the rule was removed",
        "`g` was removed from `groups`",
        "`when` became `unless`",
    ] {
        assert!(!missed.contains(&change), "{change} is in {missed:?}");
    }
    for (change, outcome) in &all {
        if let MutantOutcome::Missed(survivor) = outcome {
            assert_ne!(survivor.before.reason, survivor.after.reason, "{change}");
        }
    }
}

#[test]
fn an_equivalent_mutant_is_not_counted_as_missed() {
    // The second rule allows everyone, so the first cannot matter.
    let rule =
        "allow = [\"/a\"]\nsigned_in = true\n[[rule]]\nid = \"s\"\nallow = [\"/a\"]\nanyone = true";
    let all = outcomes(
        rule,
        "[[test]]\nname = \"t\"\nget = \"/a\"\nexpect = \"allow\"\n",
    );
    let same = |change: &str| {
        let (_, outcome) = all.iter().find(|(found, _)| found == change).unwrap();
        matches!(outcome, MutantOutcome::Equivalent { .. })
    };
    assert!(same("the rule was removed"));
    assert!(same("`signed_in` became `anyone`"));
}
