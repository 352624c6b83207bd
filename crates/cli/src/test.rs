//! `tollgate test`: runs the authors' tests (requests with expected decisions) against the compiled policy, and reports
//! their coverage and the mutants that they miss.

mod object;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_author::annotate;
use tollgate_author::coverage::{Coverage, Meter};
use tollgate_author::lint::name;
use tollgate_author::locate::{self, RuleSpans};
use tollgate_author::mutate::{self, Mutant, MutantOutcome, Tally};
use tollgate_author::report::{self, FileResult, TestResult};
use tollgate_author::suggest::{Suggester, Suggestion};
use tollgate_author::suite::{self, TestFile};
use tollgate_compiler::Diagnostic;
use tollgate_gate::Gate;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use crate::diff;
use crate::failure::{Failure, print_findings};
use crate::form::{Form, FormArgs};
use crate::notes::Notes;
use crate::output::{note, print, print_json};
use crate::overwrite::{self, Output};
use crate::policy;
use crate::progress::Progress;
use crate::verdict::Verdict;
use crate::watch;
use crate::write::write_whole;

/// Run the policy's tests, `*.test.toml`, and report their coverage
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate test policy
  tollgate test policy --filter rust-101 --junit report.xml
  tollgate test policy --mutate --suggest --html report.html
  tollgate test policy --mutate --since origin/main
  tollgate test policy --format github

Exit code: 0 if all tests pass, 3 if a test fails, coverage is too low or a mutant is missed, 2 if a
file cannot be read or no test is found.")]
pub(crate) struct Test {
    /// The policy directory [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// Run only tests whose file or name contains this text; coverage and mutants are
    /// restricted to the rules that these tests concern
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Fail unless tests cover this share of the rules, of the paths and of the branches [default: `[tests]`
    /// in site.toml]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Make many small changes to the policy and list those that no test catches
    #[arg(long)]
    mutate: bool,
    /// With `--mutate`: change only rules that differ from the policy at this git revision
    #[arg(long, value_name = "REV", requires = "mutate")]
    since: Option<String>,
    /// Print tests to paste for uncovered parts and for missed mutants
    #[arg(long)]
    suggest: bool,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write an HTML report that shows coverage in the policy's files
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Skip invalid keys of key sets with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Run the tests again whenever a file of the policy changes
    #[arg(long, conflicts_with_all = ["format", "json"])]
    watch: bool,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

impl Test {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir.clone())?;
        let outputs: Vec<&Path> = [&self.junit, &self.html]
            .into_iter()
            .filter_map(|path| path.as_deref())
            .collect();
        match self.watch {
            true => watch::repeat(&dir, &outputs, || self.once(&dir)),
            false => self.once(&dir),
        }
    }

    /// Runs the tests once.
    fn once(&self, dir: &Path) -> Result<Verdict, Failure> {
        let form = self.form.form();
        for (path, output) in [(&self.junit, Output::Junit), (&self.html, Output::Html)] {
            if let Some(path) = path {
                overwrite::check(path, output)?;
            }
        }
        let policy = policy::preview_with_tests(dir, self.lenient_jwks)?;
        let gate = policy.gate(dir, None)?;
        let (compiled, notes) = (policy.compiled().clone(), policy.notes());
        let sources = policy.sources;
        let (all, mut findings) = suite::read(&sources.test_files(), &sources, Some(&gate));
        if findings.iter().any(Diagnostic::is_error) {
            let sources = Box::new(sources);
            return Err(Failure::Policy { findings, sources });
        }
        let spec = compiled.policy.unwrap_or_default();
        let places = locate::places(&sources, &compiled.origins);
        let files = self.chosen(all);
        if files.is_empty() {
            return Err(Failure::NoTests);
        }
        // Print why a test can only fail before it fails.
        findings.extend(suite::advice(&files, &spec, &gate));
        findings.extend(notes.iter().cloned());
        if form == Form::Human {
            print_findings(&findings, &sources);
        }
        let mut annotations = annotate::diagnostics(&findings, &sources);
        let work = Work {
            spec: &spec,
            places: &places,
            files: &files,
            gate: &gate,
        };
        let results = work.results();
        let passed = results.iter().all(FileResult::passed);
        let meter = Meter::new(&spec).map_err(Failure::Measure)?;
        let is_chosen = self.chosen_rules(&work, &results);
        let mut coverage = meter.measure(&files);
        // If tests fail for the policy itself, they cannot distinguish it from its mutants.
        let has_changed = self.changed_rules(dir, &spec)?;
        let mutants = (self.mutate && passed)
            .then(|| work.mutants(&|rule| is_chosen(rule) && has_changed(rule)))
            .transpose()?;
        let suggestions = if self.suggest {
            work.suggestions(&meter, &coverage, mutants.as_ref(), &is_chosen)
        } else {
            Vec::new()
        };
        coverage.items.retain(|item| is_chosen(item.rule));
        let findings = report::Findings {
            site: &gate.config().site,
            policy: gate.policy(),
            sources: &sources,
            places: &places,
            rules: spec.rules.iter().map(name).collect(),
            results: &results,
            coverage: &coverage,
            mutants: mutants
                .as_ref()
                .map(|(mutants, fates)| (mutants.as_slice(), fates.as_slice())),
            suggestions: &suggestions,
        };
        if let Some(path) = &self.junit {
            let xml = report::junit(&findings).map_err(|error| Failure::Write {
                path: path.clone(),
                error: std::io::Error::other(error),
            })?;
            write(path, Output::Junit, &xml)?;
        }
        if let Some(path) = &self.html {
            write(path, Output::Html, &report::html(&findings))?;
        }
        // The minimum in site.toml is for all tests, not for a selection.
        let usual = compiled.min_coverage;
        let wanted = self
            .min_coverage
            .or(usual.filter(|_| self.filter.is_none()));
        let covered = wanted.is_none_or(|percent| coverage.reaches(usize::from(percent)));
        annotations.extend(annotate::tests(&findings, covered));
        form.print(&annotations)?;
        match form {
            Form::Human => print(text::text(&findings, wanted, &gate))?,
            Form::Json => {
                let mut object = object::object(&findings, wanted);
                Notes::new(notes, sources.clone()).add_to(&mut object);
                print_json(object)?;
            }
            Form::Sarif | Form::Gitlab => {}
            Form::Github => note(text::text(&findings, wanted, &gate)),
        }
        let (_, fates) = mutants.unwrap_or_default();
        let missed = Tally::of(&fates).missed > 0;
        Ok((passed && covered && !missed).into())
    }

    /// The rules that the chosen tests concern, by position. With a filter, these are the rules of the files whose
    /// tests were chosen by file name, and the rules that decide the tests chosen by their own names.
    fn chosen_rules(&self, work: &Work<'_>, results: &[FileResult]) -> impl Fn(usize) -> bool {
        let chosen: Option<BTreeSet<usize>> = self.filter.as_deref().map(|text| {
            let rules = || work.spec.rules.iter().zip(work.places).enumerate();
            let own: BTreeMap<String, Vec<usize>> = rules().fold(
                BTreeMap::new(),
                |mut own: BTreeMap<String, Vec<usize>>, (at, (_, spans))| {
                    let tests = suite::test_file_for(&spans.file);
                    own.entry(tests).or_default().push(at);
                    own
                },
            );
            let mut chosen = BTreeSet::new();
            let mut answers: BTreeSet<&str> = BTreeSet::new();
            for result in results {
                match own.get(&result.file) {
                    Some(rules) if result.file.contains(text) => chosen.extend(rules),
                    _ => {
                        let tests = result.tests.iter();
                        answers.extend(tests.filter_map(|test| test.got.rule.as_deref()));
                    }
                }
            }
            let decides = rules().filter(|(_, (rule, _))| answers.contains(name(rule).as_str()));
            chosen.extend(decides.map(|(at, _)| at));
            chosen
        });
        move |rule| chosen.as_ref().is_none_or(|chosen| chosen.contains(&rule))
    }

    /// The rules that differ from those of the same name at the revision `--since`, by position; without it, all.
    fn changed_rules(
        &self,
        dir: &Path,
        spec: &ImageSpec,
    ) -> Result<impl Fn(usize) -> bool, Failure> {
        let changed = self.since.as_deref().map(|revision| -> Result<_, Failure> {
            // Without a policy at the revision, every rule is new.
            let Some(old) = diff::folder_at(revision, dir)? else {
                return Ok((0..spec.rules.len()).collect());
            };
            let old = old.policy.spec();
            // Conditions name claims by their positions in the list of declared claims.
            let same_claims = old.claims == spec.claims;
            let by_name: BTreeMap<_, _> = old
                .rules
                .iter()
                .map(|rule| ((&rule.course, &rule.id), rule))
                .collect();
            let is_changed = |rule: &RuleSpec| {
                let reads_claims = rule.when.is_some() || rule.unless.is_some();
                by_name.get(&(&rule.course, &rule.id)) != Some(&rule)
                    || (reads_claims && !same_claims)
            };
            let rules = spec.rules.iter().enumerate();
            let rules = rules.filter(|(_, rule)| is_changed(rule));
            Ok(rules.map(|(at, _)| at).collect::<BTreeSet<usize>>())
        });
        let changed = changed.transpose()?;
        Ok(move |rule| {
            changed
                .as_ref()
                .is_none_or(|changed| changed.contains(&rule))
        })
    }

    /// The tests that the filter matches.
    fn chosen(&self, mut files: Vec<TestFile>) -> Vec<TestFile> {
        if let Some(text) = self.filter.as_deref() {
            for file in &mut files {
                let whole = file.file.contains(text);
                file.cases.retain(|case| whole || case.name.contains(text));
            }
        }
        files.retain(|file| !file.cases.is_empty());
        files
    }
}

/// A policy and its tests.
struct Work<'a> {
    spec: &'a ImageSpec,
    places: &'a [RuleSpans],
    files: &'a [TestFile],
    gate: &'a Gate<Vec<u8>>,
}

impl Work<'_> {
    fn results(&self) -> Vec<FileResult> {
        let count = self.files.iter().map(|file| file.cases.len()).sum();
        let progress = Progress::start("testing", Some(count));
        let run = |case: &suite::Case| {
            progress.step();
            TestResult {
                got: suite::run(self.gate, &case.request(), &mut ()),
                case: case.clone(),
            }
        };
        self.files
            .iter()
            .map(|file| FileResult {
                file: file.file.clone(),
                tests: file.cases.iter().map(run).collect(),
            })
            .collect()
    }

    fn mutants(
        &self,
        is_chosen: &dyn Fn(usize) -> bool,
    ) -> Result<(Vec<Mutant>, Vec<MutantOutcome>), Failure> {
        let mut mutants = mutate::mutants(self.spec, self.places);
        mutants.retain(|mutant| is_chosen(mutant.rule));
        let progress = Progress::start("running mutants", Some(mutants.len()));
        let fates = mutate::run(self.spec, self.places, &mutants, self.files, &|| {
            progress.step();
        });
        Ok((mutants, fates.map_err(Failure::Measure)?))
    }

    fn suggestions(
        &self,
        meter: &Meter,
        coverage: &Coverage,
        mutants: Option<&(Vec<Mutant>, Vec<MutantOutcome>)>,
        is_chosen: &dyn Fn(usize) -> bool,
    ) -> Vec<Suggestion> {
        let mut suggester = Suggester::new(self.spec, self.places, self.files, self.gate);
        let items: Vec<_> = coverage
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| !item.is_covered() && is_chosen(item.rule))
            .collect();
        let progress = Progress::start("searching for tests", Some(items.len()));
        let mut all = suggester.cover(meter, &items, &|| progress.step());
        if let Some((mutants, fates)) = mutants {
            for (mutant, fate) in mutants.iter().zip(fates) {
                all.extend(suggester.catch_mutant(mutant, fate));
            }
        }
        all
    }
}

fn write(path: &Path, output: Output, text: &str) -> Result<(), Failure> {
    // Checked again, because both reports may have the same path.
    overwrite::check(path, output)?;
    write_whole(path, text.as_bytes()).map_err(|error| Failure::Write {
        path: path.to_owned(),
        error,
    })
}
