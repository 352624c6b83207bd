//! The random cases contain all features.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_spec::generate::Generator;
use tollgate_spec::{decide, features, render};

const REASONS: [&str; 7] = [
    "allow",
    "bad_method",
    "bad_path",
    "bad_token",
    "denied_by_rule",
    "forbidden",
    "no_token",
];

#[test]
fn everything_occurs_and_nothing_dominates() {
    let mut seen = BTreeSet::new();
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..400 {
        let mut generator = Generator::new(seed);
        let policy = generator.policy();
        seen.extend(features::of_policy(&policy));
        for _ in 0..50 {
            let request = generator.request(&policy);
            seen.extend(features::of_request(&policy, &request));
            *reasons.entry(decide(&policy, &request).reason).or_default() += 1;
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), features::ALL);
    assert_eq!(reasons.keys().copied().collect::<Vec<_>>(), REASONS);
    for (reason, count) in reasons {
        // Of 20,000 decisions.
        assert!((200..12_000).contains(&count), "{reason}: {count}");
    }
}

#[test]
fn the_same_seed_gives_the_same_case() {
    let case = |seed| {
        let mut generator = Generator::new(seed);
        let policy = generator.policy();
        let requests: Vec<_> = (0..20).map(|_| generator.request(&policy)).collect();
        (render::to_toml(&policy), policy, requests)
    };
    for seed in 0..20 {
        assert_eq!(case(seed), case(seed));
    }
}
