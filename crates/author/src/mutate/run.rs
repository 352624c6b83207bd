//! Which mutants the tests notice.
//!
//! Mutants are tried in parallel. One that no test notices is held against the author's policy once more,
//! so that a change that changes nothing is not blamed on the tests. Not here: making mutants.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use fastrand::Rng;
use tollgate_analysis::{Evaluation, Policy, diff, rule_name};
use tollgate_gate::Gate;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use super::Mutant;
use crate::judge::{self, Unbuildable};
use crate::locate::Places;
use crate::probe::{self, Made, Pool, Usual, Visit, Visitor};
use crate::suite::{Case, Got, TestFile, beside, run as ask};

/// Random visits that are tried before a mutant that no test notices is held against the policy by the
/// analysis. Visits of people the tests know make better reading than those that the analysis thinks up.
const VISITS: usize = 4_000;

/// What became of a mutant.
#[derive(Clone, Debug)]
pub enum Fate {
    /// A test failed: file and name.
    Noticed {
        /// The file of the first such test.
        file: String,
        /// Its name.
        test: String,
    },
    /// No test failed, and here is a visit that is answered differently.
    Missed(Box<Survivor>),
    /// It decides like the policy.
    Same {
        /// Whether the analysis proved it. Where it gave up, it only held on random visits.
        proven: bool,
    },
}

/// A visit that tells a mutant from the policy.
#[derive(Clone, Debug)]
pub struct Survivor {
    /// The visit.
    pub visit: Visit,
    /// The policy's answer.
    pub before: Got,
    /// The mutant's answer.
    pub after: Got,
}

/// Told about each mutant that is done.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// Counts of fates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mutants that a test noticed.
    pub noticed: usize,
    /// Mutants that no test noticed.
    pub missed: usize,
    /// Mutants that are proven to decide like the policy.
    pub same: usize,
    /// Mutants that decided like the policy on all random visits.
    pub alike: usize,
}

impl Tally {
    /// Counts.
    pub fn of<'f>(fates: impl IntoIterator<Item = &'f Fate>) -> Self {
        let mut tally = Self::default();
        for fate in fates {
            *match fate {
                Fate::Noticed { .. } => &mut tally.noticed,
                Fate::Missed(_) => &mut tally.missed,
                Fate::Same { proven: true } => &mut tally.same,
                Fate::Same { proven: false } => &mut tally.alike,
            } += 1;
        }
        tally
    }
}

/// Tries every mutant of `policy`, whose rules stand at `places`, against the tests. Tests that
/// the policy itself fails tell nothing and are left out. The fates are in the order of the mutants.
///
/// # Errors
/// If the policy does not fit an image.
pub fn run(
    policy: &ImageSpec,
    places: &[Places],
    mutants: &[Mutant],
    files: &[TestFile],
    progress: Progress<'_>,
) -> Result<Vec<Fate>, Unbuildable> {
    let original = judge::gate(policy)?;
    let trial = Trial {
        policy,
        usual: &|at| {
            let rule = places.get(at).map(|places| places.file.as_str());
            usual(rule.unwrap_or_default(), files)
        },
        cases: files
            .iter()
            .flat_map(|file| file.cases.iter().map(|case| (file.file.as_str(), case)))
            .filter(|(_, case)| ask(&original, &case.ask(), &mut ()).meets(&case.expect))
            .collect(),
        original: &original,
        exact: Policy::new(policy.clone()).map_err(Unbuildable::Unusable)?,
        pool: pool(policy, &original, files),
    };
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Fate)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(mutants.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutant) = mutants.get(at) else {
                        return;
                    };
                    let fate = trial.fate(mutant, at);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, fate));
                    }
                    progress();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, fate)| fate).collect())
}

/// Where and when the tests of a policy file take place.
pub(crate) fn usual(policy_file: &str, files: &[TestFile]) -> Usual {
    let name = beside(policy_file);
    let own = files.iter().find(|file| file.file == name);
    let file = own.or(files.first());
    Usual {
        ip: file.and_then(|file| file.ip),
        now: file.map_or(1_800_000_000, |file| file.now),
    }
}

/// What visits are made of: the policy and the people of its tests.
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
    /// Where and when the tests of a rule's file take place.
    usual: &'t (dyn Fn(usize) -> Usual + Sync),
    policy: &'t ImageSpec,
    cases: Vec<(&'t str, &'t Case)>,
    original: &'t Gate<Vec<u8>>,
    exact: Policy,
    pool: Pool,
}

impl Trial<'_> {
    fn fate(&self, mutant: &Mutant, seed: usize) -> Fate {
        let policy = mutant.policy(self.policy);
        // A mutant that does not even load would not ship.
        let Ok(gate) = judge::gate(&policy) else {
            return Fate::Same { proven: true };
        };
        let failing = self.cases.iter().find(|(_, case)| {
            let got = ask(&gate, &case.ask(), &mut ());
            !got.meets(&case.expect)
        });
        if let Some((file, case)) = failing {
            return Fate::Noticed {
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
            visit.ask(|visit| {
                let before = ask(self.original, visit, &mut ());
                let after = ask(&gate, visit, &mut ());
                // Another rule with the same answer is no difference to a visitor.
                (before.reason, before.status) != (after.reason, after.status)
            })
        };
        match probe::find(&self.pool, &focus, usual, VISITS, &mut rng, differs) {
            Some(visit) => {
                let (before, after) = visit.ask(|visit| {
                    let before = ask(self.original, visit, &mut ());
                    (before, ask(&gate, visit, &mut ()))
                });
                Fate::Missed(Box::new(Survivor {
                    visit,
                    before,
                    after,
                }))
            }
            None => self.prove(policy),
        }
    }

    /// Random visits showed no difference; the analysis knows.
    fn prove(&self, mutant: ImageSpec) -> Fate {
        let Ok(mutant) = Policy::new(mutant) else {
            return Fate::Same { proven: false };
        };
        let found = diff::diff(&self.exact, &mutant, self.pool.usual_now);
        let Some(difference) = found.differences.into_iter().next() else {
            let proven = found.gave_up.is_empty();
            return Fate::Same { proven };
        };
        let witness = difference.witness;
        let who = match witness.claims {
            Some(claims) => {
                Visitor::Made(Box::new(Made::from_claims(claims, self.original.config())))
            }
            None => Visitor::Nobody,
        };
        let got = |ruling: &Evaluation, policy: &Policy| Got {
            reason: ruling.reason,
            detail: None,
            rule: ruling.rule.and_then(|id| policy.rule(id)).map(rule_name),
            status: ruling.status,
        };
        Fate::Missed(Box::new(Survivor {
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
