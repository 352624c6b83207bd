//! Dead rules: a policy decides the same without each of them, and without any other rule it does not.

use tollgate_analysis::dead;
use tollgate_spec::generate::Generator;

use crate::support::{self, Both, NOW, Tally, both_say, prove};

/// Random requests about each dead rule.
const REQUESTS: u64 = 50;

#[test]
fn dead_rules_change_nothing_and_others_do() {
    prove("dead rules", check);
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut generator = Generator::new(seed);
    let both = Both::of(generator.policy());
    if support::is_passed_over(seed, &[&both], &mut tally) {
        return tally;
    }
    let lives = dead::rules(&both.policy, NOW);
    tally.add("rules", both.policy.rules().len() as u128);
    tally.add("rules not judged in time", lives.unknown.len() as u128);
    for (rule, witness) in &lives.alive {
        let without = both.without(*rule);
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
        let without = both.without(dead.rule);
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
