//! The sample policy of the repository: its tests cover everything and catch every mutant.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::path::{Path, PathBuf};

use tollgate_author::coverage::{Kind, Meter};
use tollgate_author::mutate::{self, MutantOutcome, Tally};
use tollgate_author::suite::{self, TestFile};
use tollgate_author::{locate, policy_gate};
use tollgate_compiler::{CompileOptions, Compiled, SourceTree, compile};

fn sample() -> (Compiled, SourceTree, Vec<TestFile>) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
    let mut sources = SourceTree::read(&folder);
    let compiled = compile(&sources, &CompileOptions::default());
    let gate = policy_gate::gate(compiled.policy.as_ref().expect("the sample compiles")).unwrap();
    let names = suite::find(&folder).unwrap();
    for name in &names {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        sources.insert(name.clone(), text);
    }
    let files = suite::read_all(&names, &sources, &gate).expect("the tests can be read");
    (compiled, sources, files)
}

#[test]
fn everything_is_covered() {
    let (compiled, sources, files) = sample();
    let policy = compiled.policy.unwrap();
    let places = locate::places(&sources, &compiled.origins);
    let coverage = Meter::new(&policy).unwrap().measure(&files);
    let missed: Vec<String> = coverage
        .missed()
        .map(|item| {
            let places = places.get(item.rule).unwrap();
            let line = places.line(&item.part, &sources);
            format!(
                "{}:{line} {:?}: {}",
                places.file,
                item.part,
                item.wanted.missed()
            )
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(coverage.ratio(Kind::Rule).all > 30);
}

#[test]
fn every_test_passes() {
    let (compiled, _, files) = sample();
    let gate = policy_gate::gate(&compiled.policy.unwrap()).unwrap();
    for file in &files {
        for case in &file.cases {
            let got = suite::run(&gate, &case.request(), &mut ());
            assert!(
                got.meets(&case.expect),
                "{} {}: {got:?}",
                file.file,
                case.name
            );
        }
    }
}

#[test]
fn every_mutant_is_caught() {
    let (compiled, sources, files) = sample();
    let policy = compiled.policy.unwrap();
    let places = locate::places(&sources, &compiled.origins);
    let mutants = mutate::mutants(&policy, &places);
    let outcomes = mutate::run(&policy, &places, &mutants, &files, &|| ()).unwrap();
    let tally = Tally::of(&outcomes);
    let missed: Vec<String> = mutants
        .iter()
        .zip(&outcomes)
        .filter_map(|(mutant, outcome)| {
            let places = places.get(mutant.rule)?;
            let line = places.line(&mutant.part, &sources);
            let place = format!("{}:{line}", places.file);
            match outcome {
                MutantOutcome::Missed(survivor) => Some(format!(
                    "{place} {}: {:?} → {:?} {:?}",
                    mutant.change, survivor.before.reason, survivor.after.reason, survivor.visit
                )),
                MutantOutcome::Equivalent { .. } => {
                    println!("{place} {}: same", mutant.change);
                    None
                }
                MutantOutcome::Caught { .. } => None,
            }
        })
        .collect();
    println!("{tally:?}");
    assert!(missed.is_empty(), "{tally:?}\n{}", missed.join("\n"));
    assert!(tally.caught > 500, "{tally:?}");
    // Each of the others is proven to be equivalent.
    assert_eq!(tally.unproven, 0, "{tally:?}");
}
