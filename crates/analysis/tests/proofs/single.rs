//! Questions about one policy: dead rules, who, reach, minimal changes.

use tollgate_analysis::dead;
use tollgate_spec::generate::Generator;

use crate::support::{self, Both, NOW, Tally, both_say, in_parallel, number};

const POLICIES: u64 = 60;
const REQUESTS: u64 = 100;

#[test]
fn dead_rules_change_nothing_and_others_do() {
    let policies = number("TOLLGATE_POLICY_PAIRS").unwrap_or(POLICIES);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let total = in_parallel(first, policies, dead_rules);
    println!("{policies} policies: {total}");
}

fn dead_rules(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut generator = Generator::new(seed);
    let both = Both::of(generator.policy());
    let lives = dead::rules(&both.policy, NOW);
    tally.add("rules", both.policy.rules().len() as u128);
    tally.add("rules not judged in time", lives.unknown.len() as u128);
    for (rule, witness) in &lives.alive {
        let without = without(&both, *rule);
        let (with, without) = (
            both_say(&both, witness, seed),
            both_say(&without, witness, seed),
        );
        assert_ne!(
            with.kind, without.kind,
            "seed {seed}: {rule:?} on {witness:?}"
        );
        tally.add("rules alive, confirmed", 1);
    }
    for dead in &lives.dead {
        let without = without(&both, dead.rule);
        let name = both
            .policy
            .image()
            .rule_name(dead.rule)
            .unwrap()
            .to_string();
        if let Some(witness) = &dead.witness {
            let (with, without) = (
                both_say(&both, witness, seed),
                both_say(&without, witness, seed),
            );
            assert_eq!(
                with.kind, without.kind,
                "seed {seed}: {name} on {witness:?}"
            );
        }
        tally.add("rules dead", 1);
        for _ in 0..REQUESTS {
            let Some(request) = support::request(&mut generator, &both.model) else {
                continue;
            };
            let (with, without) = (
                both_say(&both, &request, seed),
                both_say(&without, &request, seed),
            );
            assert_eq!(
                with.kind, without.kind,
                "seed {seed}: {name} is not dead ({:?}): {request:?}",
                dead.why
            );
            tally.add("random requests about dead rules", 1);
        }
        if !dead.blockers.is_empty() {
            tally.add("dead rules with blockers", 1);
        }
    }
    tally
}

/// The policy without a rule.
fn without(both: &Both, rule: tollgate_core::RuleId) -> Both {
    let name = both.policy.image().rule_name(rule).unwrap();
    let mut model = both.model.clone();
    for course in &mut model.courses {
        if course.id == name.course {
            course.rules.retain(|rule| rule.id != name.id);
        }
    }
    Both::of(model)
}
