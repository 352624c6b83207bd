//! The sample policy with errors inserted, one at a time and each of another kind: the authors'
//! tools find every one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::path::{Path, PathBuf};

use tollgate_analysis::{Policy, diff};
use tollgate_author::lint::{self, LintContext};
use tollgate_author::mutate::{self, MutantOutcome};
use tollgate_author::{locate, policy_gate, suite};
use tollgate_compiler::{CompileOptions, Compiled, SourceTree, compile};

/// Late in 2026, before all time windows of the sample.
const NOW: i64 = 1_795_000_000;

/// The tool that finds an error.
enum Found {
    /// `tollgate check`, with this code.
    Check(&'static str),
    /// `tollgate diff` against the original policy: newly allows a request for this path.
    Opens(&'static str),
    /// `tollgate diff` against the original policy: newly denies a request for this path.
    Closes(&'static str),
    /// `tollgate test --mutate`: no test catches this change.
    Mutate(&'static str),
}

struct Mistake {
    what: &'static str,
    file: &'static str,
    was: &'static str,
    is: &'static str,
    found: Found,
}

const MISTAKES: [Mistake; 12] = [
    Mistake {
        what: "a public folder became everything",
        file: "courses/rust-101.toml",
        was: "allow = [\"/preview/**\", \"/syllabus.pdf\"]",
        is: "allow = [\"/**\", \"/syllabus.pdf\"]",
        found: Found::Check("TG0717"),
    },
    Mistake {
        what: "a group is misspelled",
        file: "courses/rust-101.toml",
        was: "groups = [\"rust-101\", \"staff\"]",
        is: "groups = [\"rust-101\", \"staf\"]",
        found: Found::Check("TG0714"),
    },
    Mistake {
        what: "a deny protects what nobody has anyway",
        file: "courses/rust-101.toml",
        was: "deny = [\"/exams/**\"]",
        is: "deny = [\"/exams/**\"]\nmethods = [\"PUT\"]",
        found: Found::Check("TG0711"),
    },
    Mistake {
        what: "a deny lost its exception, so an allow is dead",
        file: "courses/go-201.toml",
        was: "unless = 'now < timestamp(\"2027-03-01T00:00:00Z\") || \"go-201-teachers\" in groups'",
        is: "",
        found: Found::Check("TG0712"),
    },
    Mistake {
        what: "a rule for those who have everything already",
        file: "courses/data-bundle.toml",
        was: "groups = [\"sql-110\"]\n\n[[rule]]\nid = \"stats\"",
        is: "groups = [\"bundle-data\"]\n\n[[rule]]\nid = \"stats\"",
        found: Found::Check("TG0710"),
    },
    Mistake {
        what: "one path, two owners",
        file: "courses/users.toml",
        was: "allow = [\"/{user}/**\"]\nsubjects",
        is: "allow = [\"/{user}/**\", \"/shared/{user}/**\"]\nsubjects",
        found: Found::Check("TG0713"),
    },
    Mistake {
        what: "a condition that is true for every request",
        file: "courses/acme-onboarding.toml",
        was: "groups = [\"acme\"]\nissuers",
        is: "groups = [\"acme\"]\nwhen = 'issuer != \"https://a.example\" || issuer != \"https://b.example\"'\nissuers",
        found: Found::Check("TG0715"),
    },
    Mistake {
        what: "a window of last year",
        file: "courses/winter-2027.toml",
        was: "until = 2027-01-11T07:00:00Z",
        is: "until = 2026-01-11T07:00:00Z",
        found: Found::Check("TG0716"),
    },
    Mistake {
        what: "both conditions became either",
        file: "courses/rust-101.toml",
        was: "\"2027-spring\"\n&& now",
        is: "\"2027-spring\"\n|| now",
        found: Found::Opens("/courses/rust-101/exams/"),
    },
    Mistake {
        what: "a network with a prefix too short",
        file: "courses/acme-onboarding.toml",
        was: "\"203.0.113.64/26\"",
        is: "\"203.0.113.0/24\"",
        found: Found::Opens("/courses/acme-onboarding/"),
    },
    Mistake {
        what: "a course moved, its rule did not",
        file: "courses/library.toml",
        was: "allow = [\"/books/**\"]",
        is: "allow = [\"/book/**\"]",
        found: Found::Closes("/library/books/"),
    },
    Mistake {
        what: "a test was deleted",
        file: "courses/go-201.test.toml",
        was: "[[test]]\nname = \"nobody sends homework by form\"\nmethod = \"POST\"\ntarget = \"/courses/go-201/homework/alice/week1.zip\"\nexpect = \"forbidden\"\n",
        is: "",
        found: Found::Mutate("`methods` became every method"),
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy")
}

fn sample() -> SourceTree {
    let mut sources = SourceTree::read(&folder());
    for name in suite::find(&folder()).unwrap() {
        let text = std::fs::read_to_string(folder().join(&name)).unwrap();
        sources.insert(name, text);
    }
    sources
}

fn compiled(sources: &SourceTree, what: &str) -> Compiled {
    let compiled = compile(sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{what}: {:?}", compiled.diagnostics);
    compiled
}

fn advice(compiled: &Compiled, sources: &SourceTree) -> Vec<&'static str> {
    let finding = |finding: &tollgate_compiler::Diagnostic| finding.code.id;
    findings(compiled, sources).iter().map(finding).collect()
}

fn findings(compiled: &Compiled, sources: &SourceTree) -> Vec<tollgate_compiler::Diagnostic> {
    let subject = LintContext::new(compiled, sources).unwrap();
    lint::apply_suppressions(&subject, lint::lint(&subject, NOW)).findings
}

fn unnoticed(compiled: &Compiled, sources: &SourceTree) -> Vec<String> {
    let policy = compiled.policy.as_ref().unwrap();
    let gate = policy_gate::gate(policy).unwrap();
    let names = suite::find(&folder()).unwrap();
    let files = suite::read_all(&names, sources, &gate).unwrap();
    let places = locate::places(sources, &compiled.origins);
    let mutants = mutate::mutants(policy, &places);
    let outcomes = mutate::run(policy, &places, &mutants, &files, &|| ()).unwrap();
    let missed = mutants.into_iter().zip(outcomes);
    missed
        .filter(|(_, outcome)| matches!(outcome, MutantOutcome::Missed(_)))
        .map(|(mutant, _)| mutant.change)
        .collect()
}

#[test]
fn every_inserted_error_is_found() {
    let before = sample();
    let sound = compiled(&before, "the sample");
    // Everybody has the sample's keys, and `check` says so; otherwise it is clean.
    let codes: Vec<&str> = findings(&sound, &before)
        .iter()
        .map(|finding| finding.code.id)
        .collect();
    assert_eq!(codes, ["TG0740"; 3], "the sample itself is clean");
    let old = Policy::new(sound.policy.clone().unwrap()).unwrap();
    for mistake in &MISTAKES {
        let Mistake {
            what,
            file,
            was,
            is,
            ..
        } = mistake;
        let text = before.text(file).unwrap();
        assert_eq!(text.matches(was).count(), 1, "{what}: the place to change");
        let mut after = before.clone();
        after.insert(*file, text.replace(was, is));
        let broken = compiled(&after, what);
        match mistake.found {
            Found::Check(code) => {
                let found = advice(&broken, &after);
                assert!(found.contains(&code), "{what}: {found:?}");
                println!("{what}: `tollgate check` reports {code}");
            }
            Found::Opens(path) | Found::Closes(path) => {
                let new = Policy::new(broken.policy.clone().unwrap()).unwrap();
                let found = diff::diff(&old, &new, NOW);
                let opens = matches!(mistake.found, Found::Opens(_));
                let is_it = |difference: &&diff::Difference| {
                    let target = &difference.witness.target;
                    target.starts_with(path) && difference.opens() == opens
                };
                let shown = found.differences.iter().find(is_it);
                let shown = shown.unwrap_or_else(|| panic!("{what}: {:?}", found.differences));
                println!("{what}: `tollgate diff` shows {}", shown.witness.target);
            }
            Found::Mutate(change) => {
                let found = unnoticed(&broken, &after);
                assert!(
                    found.iter().any(|found| found == change),
                    "{what}: {found:?}"
                );
                println!("{what}: `tollgate test --mutate` finds {change}");
            }
        }
    }
}
