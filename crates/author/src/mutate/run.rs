//! Runs the tests against mutants.
//!
//! Mutants are tested in parallel. One that no test catches is compared with the author's policy,
//! so that an equivalent mutant is not counted as missed. Not here: generating mutants.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use fastrand::Rng;
use tollgate_analysis::{Evaluation, Policy, diff, rule_name};
use tollgate_gate::Gate;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use super::mutant::Mutant;
use crate::locate::RuleSpans;
use crate::policy_gate::{self, GateError};
use crate::probe::{self, Pool, SyntheticUser, Visit, VisitDefaults, Visitor};
use crate::suite::{Actual, Case, TestFile, run as ask, test_file_for};

/// The number of random requests tried before the analysis compares an uncaught mutant with the
/// policy. Requests by users of the tests are easier to read than those that the analysis
/// constructs.
const VISITS: usize = 4_000;

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
    let original = policy_gate::gate(policy)?;
    let trial = Trial {
        policy,
        usual: &|at| {
            let rule = places.get(at).map(|places| places.file.as_str());
            usual(rule.unwrap_or_default(), files)
        },
        cases: files
            .iter()
            .flat_map(|file| file.cases.iter().map(|case| (file.file.as_str(), case)))
            .filter(|(_, case)| ask(&original, &case.request(), &mut ()).meets(&case.expect))
            .collect(),
        original: &original,
        exact: Policy::new(policy.clone()).map_err(GateError::Unusable)?,
        pool: pool(policy, &original, files),
    };
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, MutantOutcome)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(mutants.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutant) = mutants.get(at) else {
                        return;
                    };
                    let outcome = trial.outcome(mutant, at);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, outcome));
                    }
                    progress();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The default address and time of the tests of a policy file.
pub(crate) fn usual(policy_file: &str, files: &[TestFile]) -> VisitDefaults {
    let name = test_file_for(policy_file);
    let own = files.iter().find(|file| file.file == name);
    let file = own.or(files.first());
    VisitDefaults {
        ip: file.and_then(|file| file.ip),
        now: file.map_or(1_800_000_000, |file| file.now),
    }
}

/// The values that random requests are built from: those of the policy and the users of its tests.
pub(crate) fn pool(policy: &ImageSpec, gate: &Gate<Vec<u8>>, files: &[TestFile]) -> Pool {
    let mut people: Vec<_> = files
        .iter()
        .flat_map(|file| &file.people)
        .cloned()
        .collect();
    people.sort_by(|a, b| (&a.name, a.claims.text()).cmp(&(&b.name, b.claims.text())));
    people.dedup_by(|a, b| a.name == b.name && a.claims.text() == b.claims.text());
    let now = files
        .iter()
        .flat_map(|file| &file.cases)
        .map(|case| case.now)
        .next();
    Pool::new(
        &[policy],
        gate.config(),
        people,
        now.unwrap_or(1_800_000_000),
    )
}

struct Trial<'t> {
    /// The default address and time of the tests of a rule's file.
    usual: &'t (dyn Fn(usize) -> VisitDefaults + Sync),
    policy: &'t ImageSpec,
    cases: Vec<(&'t str, &'t Case)>,
    original: &'t Gate<Vec<u8>>,
    exact: Policy,
    pool: Pool,
}

impl Trial<'_> {
    fn outcome(&self, mutant: &Mutant, seed: usize) -> MutantOutcome {
        let policy = mutant.policy(self.policy);
        // A mutant that does not load could not ship.
        let Ok(gate) = policy_gate::gate(&policy) else {
            return MutantOutcome::Equivalent { proven: true };
        };
        let failing = self.cases.iter().find(|(_, case)| {
            let got = ask(&gate, &case.request(), &mut ());
            !got.meets(&case.expect)
        });
        if let Some((file, case)) = failing {
            return MutantOutcome::Caught {
                file: (*file).to_owned(),
                test: case.name.clone(),
            };
        }
        let focus: Vec<&RuleSpec> = self
            .policy
            .rules
            .get(mutant.rule)
            .into_iter()
            .chain(&mutant.now)
            .collect();
        let mut rng = Rng::with_seed(seed as u64);
        let usual = (self.usual)(mutant.rule);
        let differs = |visit: &Visit| {
            visit.with_request(|visit| {
                let before = ask(self.original, visit, &mut ());
                let after = ask(&gate, visit, &mut ());
                // Another rule with the same decision makes no difference to a client.
                (before.reason, before.status) != (after.reason, after.status)
            })
        };
        match probe::find(&self.pool, &focus, usual, VISITS, &mut rng, differs) {
            Some(visit) => {
                let (before, after) = visit.with_request(|visit| {
                    let before = ask(self.original, visit, &mut ());
                    (before, ask(&gate, visit, &mut ()))
                });
                MutantOutcome::Missed(Box::new(Survivor {
                    visit,
                    before,
                    after,
                }))
            }
            None => self.prove(policy),
        }
    }

    /// Compares with the analysis after random requests showed no difference.
    fn prove(&self, mutant: ImageSpec) -> MutantOutcome {
        let Ok(mutant) = Policy::new(mutant) else {
            return MutantOutcome::Equivalent { proven: false };
        };
        let found = diff::diff(&self.exact, &mutant, self.pool.usual_now);
        let Some(difference) = found.differences.into_iter().next() else {
            let proven = found.gave_up.is_empty();
            return MutantOutcome::Equivalent { proven };
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
        MutantOutcome::Missed(Box::new(Survivor {
            before: got(&difference.old, &self.exact),
            after: got(&difference.new, &mutant),
            visit: Visit {
                who,
                method: witness.method,
                target: witness.target,
                ip: witness.ip,
                now: witness.now,
            },
        }))
    }
}
