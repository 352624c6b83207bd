//! Random pairs of policies: every difference reported has a witness that the core and the specification
//! confirm, and where none is reported, random requests find none.
use tollgate_analysis::diff::{self, Diff};
use tollgate_analysis::{Kind, Policy, Request, Ruling, ask};
use tollgate_spec::generate::Generator;

use crate::support::{self, NOW, Pair, both_say, in_parallel, number};

const PAIRS: u64 = 60;
const REQUESTS: u64 = 200;
const PERSISTENT: u64 = 10_000;

#[test]
fn differences_are_real_and_complete() {
    let pairs = number("TOLLGATE_POLICY_PAIRS").unwrap_or(PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let total = in_parallel(first, pairs, |seed| check(seed, pairs));
    println!("{pairs} pairs: {total}");
}

fn check(seed: u64, pairs: u64) -> support::Tally {
    let mut tally = support::Tally::default();
    let pair = Pair::random(seed);
    let started = std::time::Instant::now();
    let found = diff::diff(&pair.old.policy, &pair.new.policy, NOW);
    tally.add("milliseconds", started.elapsed().as_millis());
    if !found.gave_up.is_empty() {
        tally.add("pairs given up on", 1);
    }
    for difference in &found.differences {
        let old = both_say(&pair.old, &difference.witness, seed);
        let new = both_say(&pair.new, &difference.witness, seed);
        assert_eq!(
            (old.kind, old.status),
            (difference.old.kind, difference.old.status),
            "seed {seed}: {difference:?}"
        );
        assert_eq!(
            (new.kind, new.status),
            (difference.new.kind, difference.new.status),
            "seed {seed}: {difference:?}"
        );
        assert!(!old.looks_like(&new), "seed {seed}: {difference:?}");
        tally.add("differences confirmed", 1);
    }
    if found.is_empty() {
        tally.add("pairs without difference", 1);
    }
    let mut generator = Generator::new(seed ^ 0x5EED);
    let persistent = found.is_empty() && pairs > 100;
    let requests = if persistent { PERSISTENT } else { REQUESTS };
    for number in 0..requests {
        let side = if number % 2 == 0 {
            &pair.old
        } else {
            &pair.new
        };
        let Some(request) = support::request(&mut generator, &side.model) else {
            continue;
        };
        let (old, new) = (
            both_say(&pair.old, &request, seed),
            both_say(&pair.new, &request, seed),
        );
        tally.add("random requests", 1);
        if old.looks_like(&new) {
            continue;
        }
        tally.add("random requests that differ", 1);
        assert!(
            covers(&found, &request, &old, &new),
            "seed {seed}: not reported: {request:?}\n{old:?}\n{new:?}\n{:#?}",
            found.differences
        );
    }
    tally
}

/// Whether a difference of this direction is reported through a pattern that names the path.
fn covers(found: &Diff, request: &Request, old: &Ruling, new: &Ruling) -> bool {
    found.differences.iter().any(|difference| {
        let same_kinds = (difference.old.kind, difference.new.kind) == (old.kind, new.kind);
        // Where a pattern lets somebody in or shuts somebody out, that is what is told of it.
        (same_kinds || old.kind == new.kind) && names(&difference.paths, request)
    })
}

/// Whether a pattern names the request's path, asked of a policy that has just this pattern.
fn names(pattern: &str, request: &Request) -> bool {
    let mut sources = tollgate_compiler::SourceTree::new();
    let site = "schema = 1\n[site]\nname = \"one\"\n[[rule]]\nid = \"r\"\nanyone = true\n";
    let methods =
        "methods = [\"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\"]\n";
    sources.insert(
        "site.toml",
        format!("{site}{methods}allow = ['''{pattern}''']\n"),
    );
    let compiled = tollgate_compiler::compile(&sources, &Default::default());
    let policy = Policy::new(compiled.policy.unwrap()).unwrap();
    let request = Request {
        method: "GET".to_owned(),
        ..request.clone()
    };
    ask(&policy, &request).kind == Kind::Allow
}
