//! The paths that a user can access: listed paths are accessible, and no others.

use tollgate_analysis::reach::{Person, Reach, ReachablePattern, reach};
use tollgate_analysis::{Kind, Request};
use tollgate_core::{Effect, RuleId};
use tollgate_spec::generate::Generator;

use crate::models::{alone_of_its_effect, of_pattern, without_denies};
use crate::support::{self, Both, Tally, both_say, matching, prove, spec_says};

/// Users analysed in each policy, and random paths tried for each.
const PEOPLE: usize = 2;
const PATHS: usize = 150;

#[test]
fn what_is_listed_can_be_had_and_nothing_else() {
    prove("reach", check);
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut generator = Generator::new(seed);
    let both = Both::of(generator.policy());
    if support::is_passed_over(seed, &[&both], &mut tally) {
        return tally;
    }
    for _ in 0..PEOPLE {
        let Some(request) = support::request(&mut generator, &both.model) else {
            continue;
        };
        let person = Person {
            claims: request.claims,
            method: request.method,
            ip: request.ip,
            now: request.now,
        };
        let found = reach(&both.policy, &person);
        tally.add("people", 1);
        if found.gave_up {
            tally.add("users with an incomplete search", 1);
        }
        for reached in &found.reached {
            confirm(&both, reached, seed, &mut tally);
        }
        for _ in 0..PATHS {
            let Some(request) = support::request(&mut generator, &both.model) else {
                continue;
            };
            let request = Request {
                method: person.method.clone(),
                target: request.target,
                ip: person.ip,
                now: person.now,
                claims: person.claims.clone(),
            };
            tried(&both, &found, &request, seed, &mut tally);
        }
    }
    tally
}

/// Every random request that is allowed must be listed.
fn tried(both: &Both, found: &Reach, request: &Request, seed: u64, tally: &mut Tally) {
    tally.add("random paths", 1);
    if both_say(both, request, seed).kind != Kind::Allow {
        return;
    }
    tally.add("random paths that can be had", 1);
    if found.gave_up {
        // The report states that more may be accessible.
        return;
    }
    for rule in matching(both, request) {
        let listed = |reached: &&ReachablePattern| {
            reached.rule == rule && names(both, &reached.paths, request)
        };
        assert!(
            found.reached.iter().any(|reached| listed(&reached)),
            "seed {seed}: {rule:?} allows {request:?}\n{found:#?}"
        );
    }
}

fn confirm(both: &Both, reached: &ReachablePattern, seed: u64, tally: &mut Tally) {
    let context = format!("seed {seed}: {reached:#?}");
    let rule = reached.rule;
    let alone = alone_of_its_effect(&both.model, both.rule(rule));
    assert_eq!(
        both_say(both, &reached.example, seed).kind,
        Kind::Allow,
        "{context}"
    );
    assert!(
        matching(both, &reached.example).contains(&rule),
        "{context}"
    );
    assert_eq!(
        spec_says(both, &alone, &reached.example),
        "allow",
        "{context}"
    );
    assert!(names(both, &reached.paths, &reached.example), "{context}");
    tally.add("patterns confirmed", 1);
    for cut in &reached.cut_by {
        confirm_cut(both, rule, cut.rule, &cut.example, seed, &context);
        assert!(names(both, &reached.paths, &cut.example), "{context}");
        assert!(names(both, &cut.paths, &cut.example), "{context}");
        tally.add("cuts confirmed", 1);
    }
    if let Some(not) = &reached.not {
        assert!(!matching(both, not).contains(&rule), "{context}");
        let open = without_denies(&alone);
        assert_ne!(spec_says(both, &open, not), "allow", "{context}");
        assert!(names(both, &reached.paths, not), "{context}");
        tally.add("exceptions confirmed", 1);
    }
}

/// A deny denies a request that the rule would allow.
fn confirm_cut(
    both: &Both,
    rule: RuleId,
    deny: RuleId,
    request: &Request,
    seed: u64,
    context: &str,
) {
    assert_ne!(both_say(both, request, seed).kind, Kind::Allow, "{context}");
    let rules = matching(both, request);
    assert!(rules.contains(&rule) && rules.contains(&deny), "{context}");
    assert_eq!(both.rule(deny).effect, Effect::Deny, "{context}");
    let open = without_denies(&alone_of_its_effect(&both.model, both.rule(rule)));
    assert_eq!(spec_says(both, &open, request), "allow", "{context}");
    let alone = alone_of_its_effect(&both.model, both.rule(deny));
    assert_eq!(spec_says(both, &alone, request), "deny", "{context}");
}

/// Whether a pattern names the request's path.
fn names(both: &Both, pattern: &str, request: &Request) -> bool {
    let request = Request {
        method: "GET".to_owned(),
        ..request.clone()
    };
    spec_says(both, &of_pattern(&both.model, pattern), &request) == "allow"
}
