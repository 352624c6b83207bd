//! Visits that come near a rule: made at random from what the policy itself speaks of.
//!
//! They answer "is there a visit for which …?" when a yes with an example is worth having and a no may stay
//! unproven. Every example is replayed by the real evaluator, because that is how it is found. Not here:
//! proofs.

mod made;
mod paths;
mod pool;

use core::net::IpAddr;
use std::sync::Arc;

use fastrand::Rng;
use tollgate_policy::spec::RuleSpec;

use crate::suite::{Ask, Person, Who};

pub use made::Made;
pub use paths::target_of;
pub use pool::Pool;

/// Who visits.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Somebody without a token.
    Nobody,
    /// Somebody with a bad token.
    BadToken,
    /// Somebody the tests know.
    Known(Arc<Person>),
    /// Somebody made up.
    Made(Box<Made>),
}

/// A visit that was made up.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who visits.
    pub who: Visitor,
    /// The method.
    pub method: String,
    /// The raw target.
    pub target: String,
    /// The address, if it is known.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}

impl Visit {
    /// Calls `with` with the visit as a request. A made-up visitor whom no token could describe has a bad
    /// token.
    pub fn ask<T>(&self, with: impl FnOnce(&Ask<'_>) -> T) -> T {
        let who = match &self.who {
            Visitor::Nobody => Who::Nobody,
            Visitor::BadToken => Who::BadToken,
            Visitor::Known(person) => Who::Person(Arc::clone(person)),
            Visitor::Made(made) => made.who(),
        };
        let ip = self.ip.map(|ip| ip.to_string());
        with(&Ask {
            who: &who,
            method: &self.method,
            target: &self.target,
            ip: ip.as_deref(),
            now: self.now,
        })
    }
}

/// Where and when visits take place unless it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The address.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}

/// Looks for a visit that `is_it`, among `tries` random ones near `focus`, and makes it as plain as it can
/// be while it still is.
pub fn find(
    pool: &Pool,
    focus: &[&RuleSpec],
    usual: Usual,
    tries: usize,
    rng: &mut Rng,
    mut is_it: impl FnMut(&Visit) -> bool,
) -> Option<Visit> {
    let found = (0..tries)
        .map(|_| pool.visit(focus, rng))
        .find(|visit| is_it(visit))?;
    Some(plainest(found, pool, usual, &mut is_it))
}

/// Replaces one thing after another by something plainer, as long as the visit is still one of those.
// Each step makes the visit shorter or more usual, so this ends.
fn plainest(
    mut visit: Visit,
    pool: &Pool,
    usual: Usual,
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
    let Visitor::Made(made) = visit.who.clone() else {
        return visit;
    };
    let mut made = made;
    loop {
        let simpler = made.simpler().find(|simpler| {
            let better = Visit {
                who: Visitor::Made(Box::new(simpler.clone())),
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

/// The target with a segment less, or with a plainer one.
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
        // Fewer letters each time, or the search would never end.
        if removed.len() > PLAIN.len() {
            less.insert(at, PLAIN);
            all.push(format!("/{}", less.join("/")));
        }
    }
    all
}
