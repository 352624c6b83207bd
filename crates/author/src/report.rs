//! What came of a test run, as data, and as files for machines (JUnit) and people (HTML).
//!
//! Not here: running, and what goes to a terminal.

mod html;
mod junit;
mod paint;

use std::collections::BTreeMap;

use tollgate_compiler::SourceTree;

use crate::coverage::Coverage;
use crate::locate::Places;
use crate::mutate::{Fate, Mutant};
use crate::suggest::Suggestion;
use crate::suite::{Case, Got};

pub use html::html;
pub use junit::junit;

/// The results of one test file.
#[derive(Clone, Debug)]
pub struct FileResult {
    /// The file, relative to the policy folder.
    pub file: String,
    /// Its tests, in order.
    pub tests: Vec<TestResult>,
}

/// One test and the answer it got.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The test.
    pub case: Case,
    /// The answer.
    pub got: Got,
}

impl TestResult {
    /// Whether the answer is the one that was expected.
    pub fn passed(&self) -> bool {
        self.got.meets(&self.case.expect)
    }

    /// What was expected: `allow by course/id`.
    pub fn expected(&self) -> String {
        let expect = &self.case.expect;
        answer(expect.reason.code(), expect.rule.as_deref(), None)
    }

    /// What came.
    pub fn answered(&self) -> String {
        let got = &self.got;
        answer(got.reason.code(), got.rule.as_deref(), got.detail)
    }
}

impl FileResult {
    /// Whether all tests passed.
    pub fn passed(&self) -> bool {
        self.tests.iter().all(TestResult::passed)
    }

    /// How many passed and how many failed.
    pub fn counts(&self) -> (usize, usize) {
        let passed = self.tests.iter().filter(|test| test.passed()).count();
        (passed, self.tests.len() - passed)
    }
}

fn answer(reason: &str, rule: Option<&str>, detail: Option<&str>) -> String {
    let parts = [("by", rule), ("because of", detail)];
    let parts = parts
        .into_iter()
        .filter_map(|(word, part)| Some((word, part?)));
    parts.fold(reason.to_owned(), |text, (word, part)| {
        format!("{text} {word} {part}")
    })
}

/// How many passed and how many failed in all files.
pub fn total(results: &[FileResult]) -> (usize, usize) {
    results
        .iter()
        .map(FileResult::counts)
        .fold((0, 0), |(all_passed, all_failed), (passed, failed)| {
            (all_passed + passed, all_failed + failed)
        })
}

/// Everything that one run found.
pub struct Findings<'a> {
    /// The name of the site.
    pub site: &'a str,
    /// The content id of the policy.
    pub policy: String,
    /// The texts of the policy.
    pub sources: &'a SourceTree,
    /// Where the rules stand.
    pub places: &'a [Places],
    /// The names of the rules, `course/id`.
    pub rules: Vec<String>,
    /// The tests.
    pub results: &'a [FileResult],
    /// What they cover.
    pub coverage: &'a Coverage,
    /// The mutants and what became of them, if they were tried.
    pub mutants: Option<(&'a [Mutant], &'a [Fate])>,
    /// Tests to paste.
    pub suggestions: &'a [Suggestion],
}

impl Findings<'_> {
    /// The mutants that no test noticed, with the place and the rule of each.
    pub fn missed_mutants(&self) -> impl Iterator<Item = Missed<'_>> {
        let (mutants, fates) = self.mutants.unwrap_or_default();
        mutants.iter().zip(fates).filter_map(|(mutant, fate)| {
            let Fate::Missed(survivor) = fate else {
                return None;
            };
            let places = self.places.get(mutant.rule)?;
            Some(Missed {
                file: &places.file,
                line: places.line(&mutant.part, self.sources),
                rule: self.rules.get(mutant.rule)?,
                mutant,
                survivor,
            })
        })
    }

    /// The policy files that hold rules, by name, with the positions of their rules.
    fn files(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, places) in self.places.iter().enumerate() {
            files.entry(places.file.as_str()).or_default().push(at);
        }
        files
    }
}

/// A mutant that no test noticed.
pub struct Missed<'a> {
    /// The policy file.
    pub file: &'a str,
    /// The line of what was changed, from 1.
    pub line: usize,
    /// The rule, `course/id`.
    pub rule: &'a str,
    /// The mutant.
    pub mutant: &'a Mutant,
    /// The visit that tells it from the policy.
    pub survivor: &'a crate::mutate::Survivor,
}
