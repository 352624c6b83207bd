//! The compiler and the core compared with the executable specification, on random policies and
//! requests.
//!
//! Every policy goes through all stages: text, compiler, image, core. Both sides must agree on the
//! reason, the rule and the methods of every decision. `TOLLGATE_PAIRS` sets the number of (policy,
//! request) pairs, `TOLLGATE_SEED` the first seed, so that a failure can be reproduced.

#![cfg(test)]

mod sides;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use sides::{compiled, core_answer, spec_answer};
use tollgate_spec::generate::Generator;
use tollgate_spec::model::{Course, Policy, Request, Rule};
use tollgate_spec::{features, render};

const PAIRS: u64 = 1_000_000;
const REQUESTS_PER_POLICY: u64 = 200;

#[test]
fn core_and_specification_agree() {
    let pairs = number("TOLLGATE_PAIRS").unwrap_or(PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let policies = pairs.div_ceil(REQUESTS_PER_POLICY);
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let work = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + policies || failed.load(Ordering::Relaxed) {
                return Ok(seen);
            }
            compare(seed, &mut seen).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<Seen, Box<Disagreement>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .collect()
    });
    assert_eq!(results.len(), threads, "a worker panicked");
    let mut all = Seen::default();
    for result in results {
        match result {
            Ok(seen) => all.add(seen),
            Err(disagreement) => panic!("{disagreement}"),
        }
    }
    println!("{policies} policies, {all}");
    assert!(all.pairs >= pairs);
    // A few pairs cannot cover all features.
    if pairs >= 100_000 {
        assert_eq!(all.features.into_iter().collect::<Vec<_>>(), features::ALL);
        assert_eq!(all.reasons.len(), 7);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The coverage of the comparison.
#[derive(Default)]
struct Seen {
    pairs: u64,
    rules: usize,
    image_bytes: usize,
    reasons: BTreeMap<&'static str, u64>,
    features: BTreeSet<&'static str>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.rules += other.rules;
        self.image_bytes += other.image_bytes;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.features.extend(other.features);
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pairs, rules, bytes) = (self.pairs, self.rules, self.image_bytes);
        write!(
            f,
            "{rules} rules, {bytes} bytes of images, {pairs} pairs compared;"
        )?;
        for (reason, count) in &self.reasons {
            write!(f, " {reason} {count}")?;
        }
        let known = features::ALL.len();
        write!(f, "; {} of {known} features", self.features.len())
    }
}

/// A pair on which the two sides differ.
struct Disagreement {
    seed: u64,
    policy: Policy,
    request: Option<Request>,
    core: String,
    spec: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        for (name, text) in render::to_toml(&self.policy) {
            writeln!(f, "--- {name}\n{text}")?;
        }
        if let Some(request) = &self.request {
            let target = request.target.escape_ascii();
            writeln!(f, "--- request\n{} {target}\n{request:?}", request.method)?;
        }
        write!(
            f,
            "--- compiler and core: {}\n--- specification: {}",
            self.core, self.spec
        )
    }
}

fn compare(seed: u64, seen: &mut Seen) -> Result<(), Box<Disagreement>> {
    let mut generator = Generator::new(seed);
    let policy = generator.policy();
    let image = compiled(&policy).map_err(|errors| {
        Box::new(Disagreement {
            seed,
            policy: policy.clone(),
            request: None,
            core: errors,
            spec: "a policy without mistakes".to_owned(),
        })
    })?;
    seen.rules += image.rule_count();
    seen.image_bytes += image.as_bytes().len();
    seen.features.extend(features::of_policy(&policy));
    for _ in 0..REQUESTS_PER_POLICY {
        let request = generator.request(&policy);
        let verdict = tollgate_spec::decide(&policy, &request);
        let (core, spec) = (core_answer(&image, &request), spec_answer(&verdict));
        if core != spec {
            return Err(Box::new(smallest(seed, policy, request)));
        }
        seen.pairs += 1;
        *seen.reasons.entry(verdict.reason).or_default() += 1;
        seen.features
            .extend(features::of_request(&policy, &request));
    }
    Ok(())
}

/// Removes everything from the policy that the disagreement does not need.
fn smallest(seed: u64, mut policy: Policy, request: Request) -> Disagreement {
    let answers = |policy: &Policy| {
        let image = compiled(policy).ok()?;
        let spec = spec_answer(&tollgate_spec::decide(policy, &request));
        Some((core_answer(&image, &request), spec)).filter(|(core, spec)| core != spec)
    };
    while let Some(smaller) = smaller(&policy)
        .into_iter()
        .find(|smaller| answers(smaller).is_some())
    {
        policy = smaller;
    }
    let (core, spec) = answers(&policy).unwrap_or_default();
    Disagreement {
        seed,
        policy,
        request: Some(request),
        core,
        spec,
    }
}

/// The policies with one part removed.
fn smaller(policy: &Policy) -> Vec<Policy> {
    let mut smaller = Vec::new();
    for (at, course) in policy.courses.iter().enumerate() {
        let mut without = policy.clone();
        without.courses.remove(at);
        smaller.push(without);
        for (rule_at, rule) in course.rules.iter().enumerate() {
            let with = |rules: &dyn Fn(&mut Course)| {
                let mut changed = policy.clone();
                changed.courses.get_mut(at).into_iter().for_each(rules);
                changed
            };
            smaller.push(with(&|course| drop(course.rules.remove(rule_at))));
            for rule in smaller_rules(rule) {
                smaller.push(with(&|course| {
                    course
                        .rules
                        .get_mut(rule_at)
                        .into_iter()
                        .for_each(|old| *old = rule.clone());
                }));
            }
        }
    }
    smaller
}

fn smaller_rules(rule: &Rule) -> Vec<Rule> {
    let mut rules = vec![
        Rule {
            methods: None,
            ..rule.clone()
        },
        Rule {
            networks: None,
            ..rule.clone()
        },
        Rule {
            from: None,
            ..rule.clone()
        },
        Rule {
            until: None,
            ..rule.clone()
        },
        Rule {
            when: None,
            ..rule.clone()
        },
        Rule {
            unless: None,
            ..rule.clone()
        },
    ];
    rules.retain(|smaller| smaller != rule);
    if rule.paths.len() > 1 {
        for at in 0..rule.paths.len() {
            let mut smaller = rule.clone();
            smaller.paths.remove(at);
            rules.push(smaller);
        }
    }
    rules
}
