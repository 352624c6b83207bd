//! The principals of differences: every principal who gains or loses access is among those that are printed, also
//! where one part of one rule was edited.

use std::collections::BTreeSet;

use tollgate_analysis::diff::{self, Difference};
use tollgate_analysis::{Kind, Policy, Request, evaluate};
use tollgate_spec::generate::Generator;
use tollgate_spec::model;

use crate::printed::{lines, with_keys};
use crate::support::{self, Both, NOW, Pair, Tally, prove};

/// Random requests for each pair.
const REQUESTS: usize = 60;

/// A pair in which one part of one rule is that of another one.
fn edited(seed: u64) -> Pair {
    let mut generator = Generator::new(seed);
    let old = generator.policy();
    let mut new = old.clone();
    let rules: Vec<model::Rule> = old
        .courses
        .iter()
        .flat_map(|course| course.rules.clone())
        .collect();
    let mut random = fastrand::Rng::with_seed(seed);
    if rules.is_empty() {
        return Pair {
            old: Both::of(old),
            new: Both::of(new),
        };
    }
    let other = rules[random.usize(..rules.len())].clone();
    let course = random.usize(..new.courses.len());
    let count = new.courses[course].rules.len();
    if count > 0 {
        let rule = &mut new.courses[course].rules[random.usize(..count)];
        match random.u8(..8) {
            0 => rule.methods = other.methods,
            1 => rule.networks = other.networks,
            2 => rule.from = other.from.or(Some(NOW - 50)),
            3 => rule.until = other.until.or(Some(NOW + 50)),
            4 if rule.who.groups.is_some() => rule.who.groups = Some(vec!["staff".to_owned()]),
            5 if !reads_captures(&other) => rule.when = other.when,
            6 if !reads_captures(&other) => rule.unless = other.unless,
            _ => rule.who.signed_in = !rule.who.anyone,
        }
    }
    Pair {
        new: Both::if_it_compiles(new).unwrap_or_else(|| Both::of(old.clone())),
        old: Both::of(old),
    }
}

/// Whether a rule may read captures, which another rule does not have.
fn reads_captures(rule: &model::Rule) -> bool {
    format!("{:?}{:?}", rule.when, rule.unless).contains("Capture")
}

/// The principals of a difference, each as a policy of one rule about every path.
struct Named<'d> {
    difference: &'d Difference,
    policies: Vec<Policy>,
}

impl<'d> Named<'d> {
    /// None if a capture is read, which means nothing on another path.
    fn new(pair: &Pair, difference: &'d Difference) -> Option<Self> {
        let policy = match difference.opens() {
            true => &pair.new.policy,
            false => &pair.old.policy,
        };
        let reads_captures = |keys: &String| keys.contains('{') || keys.contains("path.");
        let principals = &difference.principals;
        if principals.is_empty() || principals.iter().any(reads_captures) {
            return None;
        }
        let one = |keys: &String| {
            let keys = format!("allow = [\"/**\"]\n{}", lines(keys));
            let mut spec = with_keys(policy.spec(), &keys).unwrap_or_else(|text| panic!("{text}"));
            spec.gate = policy.spec().gate.clone();
            Policy::new(spec).unwrap()
        };
        Some(Self {
            difference,
            policies: principals.iter().map(one).collect(),
        })
    }

    fn include(&self, request: &Request) -> bool {
        let allows = |policy| evaluate(policy, request).kind == Kind::Allow;
        self.policies.iter().any(allows)
    }
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let pair = if seed.is_multiple_of(2) {
        edited(seed)
    } else {
        Pair::random(seed)
    };
    if support::is_passed_over(seed, &[&pair.old, &pair.new], &mut tally) {
        return tally;
    }
    let found = diff::diff(&pair.old.policy, &pair.new.policy, NOW);
    let changes_access = |difference: &&Difference| difference.opens() || difference.closes();
    let all: Vec<&Difference> = found.differences.iter().filter(changes_access).collect();
    let named: Vec<Named<'_>> = all
        .iter()
        .filter_map(|difference| Named::new(&pair, difference))
        .collect();
    for named in &named {
        let difference = named.difference;
        assert!(
            named.include(&difference.witness),
            "seed {seed}: {difference:#?}"
        );
        tally.add("witnesses among the principals", 1);
    }
    // Where one rule differs, everyone who gains or loses access does so because of it.
    let rules: BTreeSet<_> = all
        .iter()
        .filter_map(|difference| difference.cause)
        .map(|cause| match cause.side {
            diff::Side::Old => (Some(cause.rule), cause.counterpart),
            diff::Side::New => (cause.counterpart, Some(cause.rule)),
        })
        .collect();
    if rules.len() != 1 || !seed.is_multiple_of(2) || named.len() != all.len() {
        return tally;
    }
    let mut generator = Generator::new(seed ^ 0x5EED);
    for _ in 0..REQUESTS {
        let Some(request) = support::request(&mut generator, &pair.old.model) else {
            continue;
        };
        let (before, after) = (
            evaluate(&pair.old.policy, &request),
            evaluate(&pair.new.policy, &request),
        );
        for (opens, allowed) in [(true, &after), (false, &before)] {
            if allowed.kind != Kind::Allow || before.kind == after.kind {
                continue;
            }
            let is_named =
                |named: &&Named<'_>| named.difference.opens() == opens && named.include(&request);
            assert!(
                named.iter().any(|named| is_named(&named)),
                "seed {seed}: {request:?}\n{:#?}",
                found.differences
            );
            tally.add("random requests among the principals", 1);
        }
    }
    tally
}

#[test]
fn every_principal_who_gains_or_loses_access_is_listed() {
    prove("principals", check);
}
