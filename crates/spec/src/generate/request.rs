//! Random requests for a policy.

use std::collections::BTreeMap;

use super::names::{ADDRESSES, INTS, ISSUERS, MAPPED, OFFSETS, PEOPLE, SEGMENTS, TEXTS};
use super::{NOW, Random, target};
use crate::model::{ClaimType, Facts, METHODS, Policy, Request, Rule, Token, Value};

pub(super) fn request(random: &mut Random, policy: &Policy) -> Request {
    let mut rules = Vec::new();
    for course in &policy.courses {
        rules.extend(course.rules.iter().map(|rule| (course.base.as_str(), rule)));
    }
    let about = (!rules.is_empty() && random.percent(92)).then(|| random.pick(&rules));
    let (mut pieces, captures) = match about {
        Some((base, rule)) => {
            let patterns: Vec<&String> = rule.paths.iter().collect();
            let pattern = format!("{base}{}", random.pick(&patterns));
            target::fitting(random, policy.origin, &pattern)
        }
        None => target::fitting(random, policy.origin, "/**"),
    };
    while random.percent(18) {
        target::nudge(random, policy.origin, &mut pieces);
    }
    let mut raw = target::raw(random, policy.origin, &pieces);
    if random.percent(1) {
        target::at_a_limit(random, policy.origin, &mut pieces, &mut raw);
    }
    if random.percent(8) {
        target::damage(random, &mut raw);
    }
    if random.percent(10) {
        raw.extend(
            random
                .pick(&["?", "?x=1", "?/../a", "?a?b", "?%zz#\\", "?token=a"])
                .bytes(),
        );
    }
    let rule = about.map(|(_, rule)| rule);
    Request {
        method: method(random, rule),
        target: raw,
        ip: address(random),
        now: if random.percent(2) {
            random.pick(&[0, -1, i64::MIN, i64::MAX, i64::MAX - 3_600])
        } else {
            NOW + random.pick(OFFSETS)
        },
        token: match random.below(100) {
            0..24 => Token::Absent,
            24..36 => Token::Bad,
            _ => Token::Verified(facts(random, policy, rule, &captures)),
        },
    }
}

fn method(random: &mut Random, rule: Option<&Rule>) -> String {
    let named = rule.and_then(|rule| rule.methods.as_ref());
    match (random.below(100), named) {
        (0..55, Some(methods)) => {
            let methods: Vec<&String> = methods.iter().collect();
            random.pick(&methods).clone()
        }
        (0..75, None) => random.pick(&["GET", "GET", "HEAD"]).to_owned(),
        (75..80, _) => random
            .pick(&["PROPFIND", "get", "Get", "", "GET ", "CONNECT", "TRACE"])
            .to_owned(),
        _ => random.pick(&METHODS).to_owned(),
    }
}

fn address(random: &mut Random) -> Option<core::net::IpAddr> {
    match random.below(100) {
        0..12 => None,
        12..22 => random.pick(MAPPED).parse().ok(),
        _ => random.pick(ADDRESSES).parse().ok(),
    }
}

fn facts(
    random: &mut Random,
    policy: &Policy,
    rule: Option<&Rule>,
    captures: &BTreeMap<String, String>,
) -> Facts {
    let who = rule.map(|rule| &rule.who);
    let subjects = people(
        random,
        who.and_then(|who| who.subjects.as_deref()),
        captures,
    );
    let mut claims = BTreeMap::new();
    for (name, kind) in &policy.claims {
        match random.below(100) {
            0..15 => {}
            15..23 => drop(claims.insert(name.clone(), None)),
            _ => drop(claims.insert(name.clone(), Some(claim(random, *kind)))),
        }
    }
    let groups = people(random, who.and_then(|who| who.groups.as_deref()), captures);
    Facts {
        issuer: random.pick(ISSUERS).to_owned(),
        subject: subjects.into_iter().next().filter(|_| random.percent(85)),
        groups: (!random.percent(4)).then_some(groups),
        scopes: people(random, who.and_then(|who| who.scopes.as_deref()), captures),
        claims,
    }
}

/// Names, usually including one that a rule requires.
fn people(
    random: &mut Random,
    asked: Option<&[String]>,
    captures: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut people = Vec::new();
    if let Some(asked) = asked.filter(|_| random.percent(75)) {
        let asked: Vec<&String> = asked.iter().collect();
        let mut name = random.pick(&asked).clone();
        for (capture, value) in captures {
            // Sometimes the name for another path, or the template itself.
            let value = if random.percent(90) {
                value.as_str()
            } else {
                random.pick(SEGMENTS)
            };
            if random.percent(97) {
                name = name.replace(&format!("{{{capture}}}"), value);
            }
        }
        people.push(name);
    }
    for _ in 0..random.below(3) {
        people.push(random.pick(PEOPLE).to_owned());
    }
    if people.is_empty() && random.percent(40) {
        people.push(random.pick(SEGMENTS).to_owned());
    }
    people
}

fn claim(random: &mut Random, kind: ClaimType) -> Value {
    let text = |random: &mut Random| {
        let from = random.pick(&[TEXTS, TEXTS, TEXTS, PEOPLE, SEGMENTS, ISSUERS]);
        random.pick(from).to_owned()
    };
    match kind {
        ClaimType::Text => Value::Text(text(random)),
        ClaimType::Int if random.percent(5) => Value::Int(i64::MIN),
        ClaimType::Int => Value::Int(random.pick(INTS)),
        ClaimType::Bool => Value::Bool(random.percent(60)),
        ClaimType::Texts => Value::List(
            (0..random.below(4))
                .map(|_| Value::Text(text(random)))
                .collect(),
        ),
    }
}
