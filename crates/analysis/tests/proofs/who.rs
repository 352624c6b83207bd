//! The principals who can access a path: those named are allowed, and no others.

use tollgate_analysis::who::{self, Access, Times};
use tollgate_analysis::{Kind, Policy, Request, evaluate};
use tollgate_core::{Effect, RuleId};
use tollgate_spec::generate::Generator;

use crate::models::{alone_of_its_effect, without_denies};
use crate::printed::{lines, with_keys};
use crate::support::{self, Both, NOW, Tally, both_say, matching, prove, spec_says};

/// Paths analysed in each policy, and random requests for each path.
const PATHS: usize = 3;
const REQUESTS: usize = 100;
/// The first of them, for which the time is fixed as well.
const AT_ONE_TIME: usize = 10;

#[test]
fn those_named_get_in_and_nobody_else_does() {
    prove("who", check);
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut generator = Generator::new(seed);
    let both = Both::of(generator.policy());
    for _ in 0..PATHS {
        if let Some(request) = support::request(&mut generator, &both.model) {
            path(&both, &request.target, &mut generator, seed, &mut tally);
        }
    }
    tally
}

fn path(both: &Both, target: &str, generator: &mut Generator, seed: u64, tally: &mut Tally) {
    let unauthenticated = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        ip: None,
        now: NOW,
        claims: None,
    };
    let evaluation = both_say(both, &unauthenticated, seed);
    let Ok(found) = who::who(&both.policy, target, Times::Any(NOW)) else {
        assert_eq!(evaluation.kind, Kind::Reject, "seed {seed}: {target}");
        tally.add("paths refused, confirmed", 1);
        return;
    };
    assert_eq!(found.unauthenticated, evaluation, "seed {seed}: {target}");
    for access in found.allows.iter().chain(&found.denies) {
        confirm(both, access, seed, tally);
    }
    let effective = effective(both, &found.allows);
    for number in 0..REQUESTS {
        let Some(request) = support::request(generator, &both.model) else {
            continue;
        };
        let request = Request {
            target: target.to_owned(),
            ..request
        };
        let evaluation = both_say(both, &request, seed);
        let rules = matching(both, &request);
        let is = |rule: &RuleId, effect| both.rule(*rule).effect == effect;
        let named = |list: &[Access], rule: &RuleId| {
            let mut of_rule = list.iter().filter(|access| access.rule == *rule);
            of_rule.any(|access| access.witness.is_some() || access.gave_up)
        };
        let allows = rules.iter().filter(|rule| is(rule, Effect::Allow));
        let denies = rules.iter().filter(|rule| is(rule, Effect::Deny));
        let explained = if evaluation.kind == Kind::Allow {
            tally.add("random requests allowed", 1);
            allows.clone().all(|rule| named(&found.allows, rule))
        } else if allows.clone().next().is_some() {
            tally.add("random requests denied by a deny", 1);
            denies.clone().all(|rule| named(&found.denies, rule))
        } else {
            true
        };
        assert!(explained, "seed {seed}: {request:?}\n{rules:?}\n{found:#?}");
        for access in &found.allows {
            let is_named = |deny: &&RuleId| access.overridden_by.contains(deny);
            let concerns = rules.contains(&access.rule);
            assert!(
                !concerns || denies.clone().all(|deny| is_named(&deny)),
                "seed {seed}: {request:?}\n{access:#?}"
            );
        }
        for (access, policy) in &effective {
            if rules.contains(&access.rule) {
                assert_eq!(
                    evaluate(policy, &request).kind,
                    evaluation.kind,
                    "seed {seed}: {request:?}\n{access:#?}"
                );
                tally.add("requests decided by the effective principals", 1);
            }
        }
        if number < AT_ONE_TIME && evaluation.kind == Kind::Allow {
            let found = who::who(&both.policy, target, Times::At(request.now)).unwrap();
            assert!(
                allows.clone().all(|rule| named(&found.allows, rule)),
                "seed {seed}: {request:?}\n{found:#?}"
            );
            let is_then = |access: &Access| {
                let witness = access.witness.as_ref();
                witness.is_none_or(|witness| witness.now == request.now)
            };
            assert!(
                found.allows.iter().chain(&found.denies).all(is_then),
                "seed {seed}: {found:#?}"
            );
            tally.add("requests allowed at their time", 1);
        }
        tally.add("random requests", 1);
    }
}

/// The allows whose principals beside all denies can be written as one rule, and a policy of that rule alone. Rules of
/// which two patterns match the path have several.
fn effective<'a>(both: &Both, allows: &'a [Access]) -> Vec<(&'a Access, Policy)> {
    let is_only = |access: &&Access| {
        let same = allows.iter().filter(|other| other.rule == access.rule);
        same.count() == 1
    };
    let policy = |access: &'a Access| {
        let keys = access.effective.as_ref()?;
        if keys.contains(['{', '\\']) || keys.contains("path.") {
            return None;
        }
        let keys = format!("allow = [\"/**\"]\n{}", lines(keys));
        let spec = both.policy.spec();
        let mut alone = with_keys(spec, &keys).unwrap_or_else(|text| panic!("{text}"));
        alone.gate = spec.gate.clone();
        Some((access, Policy::new(alone).unwrap()))
    };
    allows.iter().filter(is_only).filter_map(policy).collect()
}

/// Checks with both evaluators that a witness is allowed, or denied, because of its rule.
fn confirm(both: &Both, access: &Access, seed: u64, tally: &mut Tally) {
    if access.gave_up {
        tally.add("searches given up", 1);
    }
    let Some(witness) = &access.witness else {
        tally.add("rules that allow or deny no request there", 1);
        return;
    };
    let context = format!("seed {seed}: {access:#?}");
    assert_eq!(
        Some(&both_say(both, witness, seed)),
        access.evaluation.as_ref(),
        "{context}"
    );
    assert!(matching(both, witness).contains(&access.rule), "{context}");
    let alone = alone_of_its_effect(&both.model, both.rule(access.rule));
    if both.rule(access.rule).effect == Effect::Allow {
        assert_eq!(spec_says(both, &alone, witness), "allow", "{context}");
        tally.add("ways in confirmed", 1);
    } else {
        let open = without_denies(&both.model);
        assert_eq!(spec_says(both, &open, witness), "allow", "{context}");
        assert_eq!(spec_says(both, &alone, witness), "deny", "{context}");
        tally.add("denials confirmed", 1);
    }
}
