//! The sample policy of the repository: its tests cover everything and miss nothing.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::path::{Path, PathBuf};

use tollgate_author::coverage::{Kind, Meter};
use tollgate_author::mutate::{self, Fate, Tally};
use tollgate_author::suite::{self, TestFile};
use tollgate_author::{judge, locate};
use tollgate_compiler::{CompileOptions, Compiled, SourceTree, compile};

fn sample() -> (Compiled, SourceTree, Vec<TestFile>) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
    let mut sources = SourceTree::read(&folder);
    let compiled = compile(&sources, &CompileOptions::default());
    let gate = judge::gate(compiled.policy.as_ref().expect("the sample compiles")).unwrap();
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
    let gate = judge::gate(&compiled.policy.unwrap()).unwrap();
    for file in &files {
        for case in &file.cases {
            let got = suite::run(&gate, &case.ask(), &mut ());
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
fn every_mutant_is_noticed() {
    let (compiled, sources, files) = sample();
    let policy = compiled.policy.unwrap();
    let places = locate::places(&sources, &compiled.origins);
    let mutants = mutate::mutants(&policy, &places);
    let fates = mutate::run(&policy, &places, &mutants, &files, &|| ()).unwrap();
    let tally = Tally::of(&fates);
    let missed: Vec<String> = mutants
        .iter()
        .zip(&fates)
        .filter_map(|(mutant, fate)| {
            let places = places.get(mutant.rule)?;
            let line = places.line(&mutant.part, &sources);
            let place = format!("{}:{line}", places.file);
            match fate {
                Fate::Missed(survivor) => Some(format!(
                    "{place} {}: {:?} → {:?} {:?}",
                    mutant.change, survivor.before.reason, survivor.after.reason, survivor.visit
                )),
                Fate::Same { .. } => {
                    println!("{place} {}: same", mutant.change);
                    None
                }
                Fate::Noticed { .. } => None,
            }
        })
        .collect();
    println!("{tally:?}");
    assert!(missed.is_empty(), "{tally:?}\n{}", missed.join("\n"));
    assert!(tally.noticed > 500, "{tally:?}");
    // Each of the others is proven to change nothing.
    assert_eq!(tally.alike, 0, "{tally:?}");
}
