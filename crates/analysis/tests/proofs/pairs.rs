//! Random pairs of policies: every difference reported has a witness that the core and the specification
//! confirm, and where none is reported, random requests find none.

use tollgate_analysis::diff::{self, Diff, Setting};
use tollgate_analysis::{Evaluation, Kind, Request};
use tollgate_spec::generate::Generator;

use crate::models::of_pattern;
use crate::support::{self, Both, NOW, Pair, Tally, both_say, prove, spec_says};

/// Random requests for a pair: only results that differ are informative.
const REQUESTS: usize = 60;
/// Random requests for a pair without difference, and for one of few pairs.
const MANY_REQUESTS: usize = 10_000;
const FEW_REQUESTS: usize = 200;

#[test]
fn differences_are_real_and_complete() {
    prove("differences", check);
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let pair = Pair::random(seed);
    if support::is_passed_over(seed, &[&pair.old, &pair.new], &mut tally) {
        return tally;
    }
    let found = diff::diff(&pair.old.policy, &pair.new.policy, NOW);
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
        assert!(!old.same_response(&new), "seed {seed}: {difference:?}");
        tally.add("differences confirmed", 1);
    }
    if found.is_empty() {
        tally.add("pairs without difference", 1);
    }
    let mut generator = Generator::new(seed ^ 0x5EED);
    let requests = match (found.is_empty(), support::is_thorough()) {
        (false, _) => REQUESTS,
        (true, false) => FEW_REQUESTS,
        (true, true) => MANY_REQUESTS,
    };
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
        if old.same_response(&new) {
            continue;
        }
        tally.add("random requests that differ", 1);
        let is_covered = [&pair.old, &pair.new]
            .into_iter()
            .any(|both| covers(both, &found, &request, &old, &new));
        if is_covered || is_read_otherwise(&found, &request) {
            continue;
        }
        // If a search gave up, the report states that more may differ.
        assert!(
            !found.gave_up.is_empty(),
            "seed {seed}: not reported: {request:?}\n{old:?}\n{new:?}\n{:#?}",
            found.differences
        );
        tally.add("random requests that differ where a search gave up", 1);
    }
    tally
}

/// Whether a difference of this direction is reported through a pattern that names the path.
fn covers(
    both: &Both,
    found: &Diff,
    request: &Request,
    old: &Evaluation,
    new: &Evaluation,
) -> bool {
    found.differences.iter().any(|difference| {
        let same_kinds = (difference.old.kind, difference.new.kind) == (old.kind, new.kind);
        // Of all paths that only one policy accepts, the most severe is reported.
        let is_accepted = |evaluation: &Evaluation| evaluation.kind != Kind::Reject;
        let sides = [(&difference.old, old), (&difference.new, new)];
        let only_one_takes = is_accepted(old) != is_accepted(new)
            && sides
                .iter()
                .all(|(reported, got)| is_accepted(reported) == is_accepted(got));
        if only_one_takes && difference.cause.is_none() {
            return true;
        }
        // If a pattern newly allows or denies a request, that is reported.
        (same_kinds || old.kind == new.kind) && names(both, &difference.paths, request)
    })
}

/// Whether a setting is reported because of which the policies may decide the request's path as different ones.
fn is_read_otherwise(found: &Diff, request: &Request) -> bool {
    let path = request.target.split('?').next().unwrap_or_default();
    found.settings.iter().any(|change| match change.setting {
        Setting::PathIndex => path.ends_with('/'),
        Setting::PathReader => path.contains('+'),
        _ => false,
    })
}

/// Whether a pattern names the request's path.
fn names(both: &Both, pattern: &str, request: &Request) -> bool {
    let request = Request {
        method: "GET".to_owned(),
        ..request.clone()
    };
    spec_says(both, &of_pattern(&both.model, pattern), &request) == "allow"
}
