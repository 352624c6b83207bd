//! Runs the tests against mutants.
//!
//! Mutants are tested in parallel. One that no test catches is compared with the author's policy,
//! so that an equivalent mutant is not counted as missed.
//!
//! A mutant is not compiled as a whole: only the rules and tests near the changed rule can matter
//! ([`neighbours`](crate::neighbours)), so the time for a rule does not depend on the size of the
//! site, unless its paths are those of the whole site. Not here: generating mutants.

use core::cell::OnceCell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::sync::Mutex;

use fastrand::Rng;
use tollgate_analysis::{Evaluation, Policy, diff, rule_name};
use tollgate_gate::Gate;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use super::mutant::Mutant;
use crate::locate::RuleSpans;
use crate::neighbours::{PathIndex, among};
use crate::policy_gate::{self, GateError};
use crate::probe::{self, Pool, SyntheticUser, Visit, VisitDefaults, Visitor};
use crate::suite::{Actual, Case, TestFile, TestRequest, run as ask, test_file_for};

/// The number of random requests before the analysis compares an uncaught mutant with the policy.
/// Requests by users of the tests are easier to read than those that the analysis constructs.
const FIRST_VISITS: usize = 400;

/// The number of random requests after the analysis gave up.
const MORE_VISITS: usize = 4_000;

/// The number of mutants of one rule that a worker takes at a time.
const AT_A_TIME: usize = 8;

/// The result for a mutant.
#[derive(Clone, Debug)]
pub enum MutantOutcome {
    /// A test failed.
    Caught {
        /// The file of the first failing test.
        file: String,
        /// The name of the test.
        test: String,
    },
    /// No test failed, and this request is decided differently.
    Missed(Box<Survivor>),
    /// It decides like the policy.
    Equivalent {
        /// Whether the analysis proved it. If it gave up, this was only observed on random
        /// requests.
        proven: bool,
    },
}

/// A request that is decided differently by a mutant.
#[derive(Clone, Debug)]
pub struct Survivor {
    /// The request.
    pub visit: Visit,
    /// The policy's result.
    pub before: Actual,
    /// The mutant's result.
    pub after: Actual,
}

/// Called after each mutant.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mutants that a test catches.
    pub caught: usize,
    /// Mutants that no test catches.
    pub missed: usize,
    /// Mutants that are proven to decide like the policy.
    pub equivalent: usize,
    /// Mutants that decided like the policy on all random requests.
    pub unproven: usize,
}

impl Tally {
    /// Counts outcomes.
    pub fn of<'f>(outcomes: impl IntoIterator<Item = &'f MutantOutcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome {
                MutantOutcome::Caught { .. } => &mut tally.caught,
                MutantOutcome::Missed(_) => &mut tally.missed,
                MutantOutcome::Equivalent { proven: true } => &mut tally.equivalent,
                MutantOutcome::Equivalent { proven: false } => &mut tally.unproven,
            } += 1;
        }
        tally
    }
}

/// The work of a run, in numbers that are the same in every run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Evaluated requests: of tests, and random ones.
    pub requests: u64,
    /// Rules in all images that were built.
    pub rules: u64,
}

/// Runs the tests against every mutant of `policy`, whose rules have the spans `places`. Tests that
/// the policy itself fails are ignored. The outcomes are in the order of the mutants.
///
/// # Errors
/// Returns an error if the policy exceeds the limits of an image.
pub fn run(
    policy: &ImageSpec,
    places: &[RuleSpans],
    mutants: &[Mutant],
    files: &[TestFile],
    progress: Progress<'_>,
) -> Result<Vec<MutantOutcome>, GateError> {
    let outcomes = measured(policy, places, mutants, files, progress);
    outcomes.map(|(outcomes, _)| outcomes)
}

/// [`run`], and the work that it took.
///
/// # Errors
/// As [`run`].
pub fn measured(
    policy: &ImageSpec,
    places: &[RuleSpans],
    mutants: &[Mutant],
    files: &[TestFile],
    progress: Progress<'_>,
) -> Result<(Vec<MutantOutcome>, Effort), GateError> {
    let original = policy_gate::gate(policy)?;
    let cases: Vec<(&str, &Case)> = files
        .iter()
        .flat_map(|file| file.cases.iter().map(|case| (file.file.as_str(), case)))
        .filter(|(_, case)| ask(&original, &case.request(), &mut ()).meets(&case.expect))
        .collect();
    let targets = cases.iter().map(|(_, case)| case.target.as_str());
    let trial = Trial {
        policy,
        places,
        files: Files::new(files),
        rules: PathIndex::of_rules(policy),
        tests: PathIndex::of_targets(targets, policy.path_options()),
        requests: AtomicU64::new(cases.len() as u64),
        built: AtomicU64::new(policy.rules.len() as u64),
        cases,
        original: &original,
    };
    // Mutants of one rule are neighbours in the list, and share most of the work.
    let batches: Vec<(usize, &[Mutant])> = {
        let mut first = 0;
        let rules = mutants.chunk_by(|a, b| a.rule == b.rule);
        rules
            .flat_map(|mutants| mutants.chunks(AT_A_TIME))
            .map(|batch| {
                let start = first;
                first += batch.len();
                (start, batch)
            })
            .collect()
    };
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, MutantOutcome)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(batches.len()) {
            scope.spawn(|| {
                while let Some((first, batch)) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcomes = trial.outcomes(*first, batch, progress);
                    if let Ok(mut done) = done.lock() {
                        done.extend((*first..).zip(outcomes));
                    }
                }
            });
        }
    });
    let effort = Effort {
        requests: trial.requests.into_inner(),
        rules: trial.built.into_inner(),
    };
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    Ok((
        done.into_iter().map(|(_, outcome)| outcome).collect(),
        effort,
    ))
}

/// The test files by name.
pub(crate) struct Files<'t> {
    by_name: HashMap<&'t str, &'t TestFile>,
    first: Option<&'t TestFile>,
}

impl<'t> Files<'t> {
    pub(crate) fn new(files: &'t [TestFile]) -> Self {
        let by_name = files.iter().map(|file| (file.file.as_str(), file));
        Self {
            by_name: by_name.collect(),
            first: files.first(),
        }
    }

    /// The test file with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&'t TestFile> {
        self.by_name.get(name).copied()
    }

    /// The test file of a policy file, or the first test file.
    fn of(&self, policy_file: &str) -> Option<&'t TestFile> {
        self.named(&test_file_for(policy_file)).or(self.first)
    }

    /// The default address and time of the tests of a policy file.
    pub(crate) fn usual(&self, policy_file: &str) -> VisitDefaults {
        let file = self.of(policy_file);
        VisitDefaults {
            ip: file.and_then(|file| file.ip),
            now: file.map_or(1_800_000_000, |file| file.now),
        }
    }

    /// The values for random requests near a rule of this policy file: those of the rules near it, and the users of the
    /// test file beside it.
    pub(crate) fn pool(&self, near: &ImageSpec, gate: &Gate<Vec<u8>>, policy_file: &str) -> Pool {
        let file = self.of(policy_file);
        let mut people: Vec<_> = file.map_or(Vec::new(), |file| file.people.clone());
        people.sort_by(|a, b| (&a.name, a.claims.text()).cmp(&(&b.name, b.claims.text())));
        Pool::new(&[near], gate.config(), people, self.usual(policy_file).now)
    }
}

struct Trial<'t> {
    policy: &'t ImageSpec,
    places: &'t [RuleSpans],
    files: Files<'t>,
    /// The rules by path.
    rules: PathIndex,
    /// The tests that the policy passes, in order.
    cases: Vec<(&'t str, &'t Case)>,
    /// The tests by path.
    tests: PathIndex,
    original: &'t Gate<Vec<u8>>,
    requests: AtomicU64,
    built: AtomicU64,
}

/// The rules and tests that matter for mutants of one rule.
struct Near<'t> {
    /// The policy with only the rules near the mutated one.
    policy: ImageSpec,
    /// The position of the mutated rule in it.
    rule: usize,
    cases: Vec<(&'t str, &'t Case)>,
    pool: OnceCell<Pool>,
    /// The gate of `policy`. On paths of other rules it does not decide as the site does, but neither does a mutant.
    gate: OnceCell<Option<Gate<Vec<u8>>>>,
    /// The policy for the analysis.
    exact: OnceCell<Option<Policy>>,
}

impl<'t> Trial<'t> {
    fn outcomes(
        &self,
        first: usize,
        batch: &[Mutant],
        progress: Progress<'_>,
    ) -> Vec<MutantOutcome> {
        // For the mutants that keep the rule's paths.
        let mut shared = None;
        let outcomes = (first..).zip(batch).map(|(at, mutant)| {
            let own = self.policy.rules.get(mutant.rule);
            let moved = mutant
                .now
                .as_ref()
                .filter(|now| own.is_none_or(|own| own.patterns != now.patterns));
            let outcome = if moved.is_some() {
                self.outcome(mutant, &self.near(mutant.rule, moved), at)
            } else {
                let near = shared.get_or_insert_with(|| self.near(mutant.rule, None));
                self.outcome(mutant, near, at)
            };
            progress();
            outcome
        });
        outcomes.collect()
    }

    /// The rules and tests on the paths of a rule, and on those of its mutant if these are others.
    fn near(&self, rule: usize, moved: Option<&RuleSpec>) -> Near<'t> {
        let own = self.policy.rules.get(rule);
        let patterns = || own.into_iter().chain(moved).flat_map(|rule| &rule.patterns);
        let mut rules = self.rules.near(patterns());
        rules.insert(rule);
        let cases = self.tests.near(patterns());
        Near {
            policy: among(self.policy, &rules),
            rule: rules.range(..rule).count(),
            cases: cases
                .iter()
                .filter_map(|at| self.cases.get(*at).copied())
                .collect(),
            pool: OnceCell::new(),
            gate: OnceCell::new(),
            exact: OnceCell::new(),
        }
    }

    fn ask(&self, gate: &Gate<Vec<u8>>, request: &TestRequest<'_>) -> Actual {
        self.requests.fetch_add(1, Ordering::Relaxed);
        ask(gate, request, &mut ())
    }

    fn built(&self, policy: &ImageSpec) {
        let rules = policy.rules.len() as u64;
        self.built.fetch_add(rules, Ordering::Relaxed);
    }

    fn outcome(&self, mutant: &Mutant, near: &Near<'t>, seed: usize) -> MutantOutcome {
        let policy = mutant.applied(&near.policy, near.rule);
        self.built(&policy);
        // A mutant that does not load could not ship.
        let Ok(gate) = policy_gate::gate(&policy) else {
            return MutantOutcome::Equivalent { proven: true };
        };
        let failing = near.cases.iter().find(|(_, case)| {
            let got = self.ask(&gate, &case.request());
            !got.meets(&case.expect)
        });
        if let Some((file, case)) = failing {
            return MutantOutcome::Caught {
                file: (*file).to_owned(),
                test: case.name.clone(),
            };
        }
        let mut rng = Rng::with_seed(seed as u64);
        self.search(mutant, near, &gate, FIRST_VISITS, &mut rng)
            .or_else(|| self.compare(near, policy))
            .or_else(|| self.search(mutant, near, &gate, MORE_VISITS, &mut rng))
            .unwrap_or(MutantOutcome::Equivalent { proven: false })
    }

    /// Searches for a random request that the mutant decides differently.
    fn search(
        &self,
        mutant: &Mutant,
        near: &Near<'_>,
        gate: &Gate<Vec<u8>>,
        visits: usize,
        rng: &mut Rng,
    ) -> Option<MutantOutcome> {
        let file = self.places.get(mutant.rule);
        let file = file.map_or("", |places| places.file.as_str());
        let focus: Vec<&RuleSpec> = self
            .policy
            .rules
            .get(mutant.rule)
            .into_iter()
            .chain(&mutant.now)
            .collect();
        let original = near.gate.get_or_init(|| {
            self.built(&near.policy);
            policy_gate::gate(&near.policy).ok()
        });
        let original = original.as_ref()?;
        let both = |visit: &Visit| {
            visit.with_request(|visit| (self.ask(original, visit), self.ask(gate, visit)))
        };
        let differs = |visit: &Visit| {
            let (before, after) = both(visit);
            // Another rule with the same decision makes no difference to a client.
            (before.reason, before.status) != (after.reason, after.status)
        };
        let pool = near
            .pool
            .get_or_init(|| self.files.pool(&near.policy, self.original, file));
        let usual = self.files.usual(file);
        let visit = probe::find(pool, &focus, usual, visits, rng, differs)?;
        let (before, after) = both(&visit);
        Some(MutantOutcome::Missed(Box::new(Survivor {
            visit,
            before,
            after,
        })))
    }

    /// Compares with the analysis after random requests showed no difference. `None` if it gives up.
    fn compare(&self, near: &Near<'_>, mutant: ImageSpec) -> Option<MutantOutcome> {
        let exact = near.exact.get_or_init(|| {
            self.built(&near.policy);
            Policy::new(near.policy.clone()).ok()
        });
        let exact = exact.as_ref()?;
        self.built(&mutant);
        let mutant = Policy::new(mutant).ok()?;
        let now = near.pool.get().map_or(1_800_000_000, |pool| pool.usual_now);
        let found = diff::diff(exact, &mutant, now);
        let Some(difference) = found.differences.into_iter().next() else {
            let proven = found.gave_up.is_empty();
            return proven.then_some(MutantOutcome::Equivalent { proven });
        };
        let witness = difference.witness;
        let who = match witness.claims {
            Some(claims) => Visitor::Synthetic(Box::new(SyntheticUser::from_claims(
                claims,
                self.original.config(),
            ))),
            None => Visitor::Nobody,
        };
        let got = |ruling: &Evaluation, policy: &Policy| Actual {
            reason: ruling.reason,
            detail: None,
            rule: ruling.rule.and_then(|id| policy.rule(id)).map(rule_name),
            status: ruling.status,
        };
        Some(MutantOutcome::Missed(Box::new(Survivor {
            before: got(&difference.old, exact),
            after: got(&difference.new, &mutant),
            visit: Visit {
                who,
                method: witness.method,
                target: witness.target,
                ip: witness.ip,
                now: witness.now,
            },
        })))
    }
}
