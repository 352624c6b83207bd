//! Random requests close to a rule, built from the values in the policy itself.
//!
//! They answer "is there a request for which …?" where a yes with an example is useful and a no may
//! remain unproven. Every example is checked by the real evaluator, because that is how it is
//! found. Not here: proofs.

mod paths;
mod pool;
mod synthetic;
mod visit;

use fastrand::Rng;
use tollgate_policy::spec::RuleSpec;

pub use paths::target_of;
pub use pool::Pool;
pub use synthetic::SyntheticUser;
pub use visit::{Visit, VisitDefaults, Visitor};

/// Searches `tries` random requests near `focus` for one that satisfies `is_it`, and simplifies it
/// as far as it still does.
pub fn find(
    pool: &Pool,
    focus: &[&RuleSpec],
    usual: VisitDefaults,
    tries: usize,
    rng: &mut Rng,
    mut is_it: impl FnMut(&Visit) -> bool,
) -> Option<Visit> {
    let found = (0..tries)
        .map(|_| pool.visit(focus, rng))
        .find(|visit| is_it(visit))?;
    Some(plainest(found, pool, usual, &mut is_it))
}

/// Replaces one part after another by something simpler, as long as the request still satisfies
/// `is_it`.
// Each step makes the request shorter or more usual, so this terminates.
fn plainest(
    mut visit: Visit,
    pool: &Pool,
    usual: VisitDefaults,
    is_it: &mut impl FnMut(&Visit) -> bool,
) -> Visit {
    let mut accept = |better: Visit, visit: &mut Visit| {
        let good = is_it(&better);
        if good {
            *visit = better;
        }
        good
    };
    for method in ["GET", "PUT"] {
        let method = method.to_owned();
        if visit.method == method {
            break;
        }
        let better = Visit {
            method,
            ..visit.clone()
        };
        if accept(better, &mut visit) {
            break;
        }
    }
    for ip in [usual.ip, None] {
        let better = Visit {
            ip,
            ..visit.clone()
        };
        if accept(better, &mut visit) {
            break;
        }
    }
    let now = usual.now;
    let better = Visit {
        now,
        ..visit.clone()
    };
    accept(better, &mut visit);
    while plainer_targets(&visit.target).into_iter().any(|target| {
        let better = Visit {
            target,
            ..visit.clone()
        };
        accept(better, &mut visit)
    }) {}
    let known = pool.people.iter().cloned().map(Visitor::Known);
    for who in [Visitor::Nobody].into_iter().chain(known) {
        let better = Visit {
            who,
            ..visit.clone()
        };
        if accept(better, &mut visit) {
            return visit;
        }
    }
    let Visitor::Synthetic(made) = visit.who.clone() else {
        return visit;
    };
    let mut made = made;
    loop {
        let simpler = made.simpler().find(|simpler| {
            let better = Visit {
                who: Visitor::Synthetic(Box::new(simpler.clone())),
                ..visit.clone()
            };
            accept(better, &mut visit)
        });
        match simpler {
            Some(simpler) => *made = simpler,
            None => return visit,
        }
    }
}

/// The target without one of its segments, or with a simpler one.
fn plainer_targets(target: &str) -> Vec<String> {
    const PLAIN: &str = "a";
    let segments: Vec<&str> = target.trim_start_matches('/').split('/').collect();
    let mut all = Vec::new();
    for at in 0..segments.len() {
        let mut less = segments.clone();
        let removed = less.remove(at);
        if !less.is_empty() {
            all.push(format!("/{}", less.join("/")));
        }
        // Fewer letters each time, so that the search terminates.
        if removed.len() > PLAIN.len() {
            less.insert(at, PLAIN);
            all.push(format!("/{}", less.join("/")));
        }
    }
    all
}
