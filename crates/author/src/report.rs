//! The results of a test run, as data and as files: JUnit XML for machines, HTML for people.
//!
//! Not here: running tests, and terminal output.

mod html;
mod junit;
mod paint;

use std::collections::BTreeMap;

use tollgate_compiler::SourceTree;

use crate::coverage::Coverage;
use crate::locate::RuleSpans;
use crate::mutate::{Mutant, MutantOutcome};
use crate::suggest::Suggestion;
use crate::suite::{Actual, Case};

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

/// A test and its result.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The test.
    pub case: Case,
    /// The result.
    pub got: Actual,
}

impl TestResult {
    /// Whether the result is the expected one.
    pub fn passed(&self) -> bool {
        self.got.meets(&self.case.expect)
    }

    /// The expected result: `allow by course/id`.
    pub fn expected(&self) -> String {
        let expect = &self.case.expect;
        answer(expect.reason.code(), expect.rule.as_deref(), None)
    }

    /// The actual result.
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

    /// The numbers of passed and failed tests.
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

/// The numbers of passed and failed tests in all files.
pub fn total(results: &[FileResult]) -> (usize, usize) {
    results
        .iter()
        .map(FileResult::counts)
        .fold((0, 0), |(all_passed, all_failed), (passed, failed)| {
            (all_passed + passed, all_failed + failed)
        })
}

/// All results of a run.
pub struct Findings<'a> {
    /// The name of the site.
    pub site: &'a str,
    /// The content id of the policy; `None` if it is unknown, because secrets are missing.
    pub policy: Option<String>,
    /// The source files of the policy.
    pub sources: &'a SourceTree,
    /// The spans of the rules.
    pub places: &'a [RuleSpans],
    /// The names of the rules, `course/id`.
    pub rules: Vec<String>,
    /// The tests.
    pub results: &'a [FileResult],
    /// The coverage of the tests.
    pub coverage: &'a Coverage,
    /// The mutants and their outcomes, if they were tested.
    pub mutants: Option<(&'a [Mutant], &'a [MutantOutcome])>,
    /// Suggested tests.
    pub suggestions: &'a [Suggestion],
}

impl Findings<'_> {
    /// The mutants that no test catches, with the location and the rule of each.
    pub fn missed_mutants(&self) -> impl Iterator<Item = Missed<'_>> {
        let (mutants, outcomes) = self.mutants.unwrap_or_default();
        mutants
            .iter()
            .zip(outcomes)
            .filter_map(|(mutant, outcome)| {
                let MutantOutcome::Missed(survivor) = outcome else {
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

    /// The policy files with rules, by name, with the indices of their rules.
    fn files(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, places) in self.places.iter().enumerate() {
            files.entry(places.file.as_str()).or_default().push(at);
        }
        files
    }
}

/// A mutant that no test catches.
pub struct Missed<'a> {
    /// The policy file.
    pub file: &'a str,
    /// The line of the changed part, from 1.
    pub line: usize,
    /// The rule, `course/id`.
    pub rule: &'a str,
    /// The mutant.
    pub mutant: &'a Mutant,
    /// The request that the mutant decides differently.
    pub survivor: &'a crate::mutate::Survivor,
}
