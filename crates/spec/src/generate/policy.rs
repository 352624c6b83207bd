//! Random policies that the compiler accepts.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Names, condition};
use super::names::{
    BASES, CAPTURES, COURSES, ISSUERS, NETWORKS, OFFSETS, PEOPLE, RULES, TEMPLATES,
};
use super::pattern::pattern;
use super::{NOW, Random};
use crate::model::{ClaimType, Course, Effect, METHODS, Network, Origin, Policy, Rule, Who};

const CLAIMS: &[(&str, ClaimType)] = &[
    ("team", ClaimType::Text),
    ("custom:cohort", ClaimType::Text),
    ("level", ClaimType::Int),
    ("quota", ClaimType::Int),
    ("beta", ClaimType::Bool),
    ("email_verified", ClaimType::Bool),
    ("roles", ClaimType::Texts),
];

pub(super) fn policy(random: &mut Random) -> Policy {
    let claims = if random.percent(80) {
        CLAIMS.to_vec()
    } else {
        random.some(CLAIMS, CLAIMS.len())
    };
    let mut policy = Policy {
        origin: random.pick(&[
            Origin::Strict,
            Origin::Strict,
            Origin::Strict,
            Origin::S3,
            Origin::Files,
        ]),
        index: random.percent(15).then(|| "index.html".to_owned()),
        ascii_only: random.percent(8),
        places: BTreeMap::new(),
        claims: claims
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), kind))
            .collect(),
        courses: Vec::new(),
    };
    let mut courses = vec![("site", String::new())];
    for id in random.some(COURSES, 4) {
        // On a site that rejects other paths, a non-ASCII base or pattern is an error.
        let base = random.pick(BASES);
        courses.push((
            id,
            if policy.ascii_only && !base.is_ascii() {
                "/a"
            } else {
                base
            }
            .to_owned(),
        ));
    }
    random.shuffle(&mut courses);
    for (id, base) in courses {
        let most = if random.percent(10) { RULES.len() } else { 4 };
        let mut ids = if random.percent(90) {
            random.some(RULES, most)
        } else {
            Vec::new()
        };
        random.shuffle(&mut ids);
        let rules = ids
            .into_iter()
            .map(|id| rule(random, &policy, id))
            .collect();
        policy.courses.push(Course {
            id: id.to_owned(),
            base,
            rules,
        });
    }
    if random.percent(2) {
        policy.courses.push(many_rules(random, &policy));
    }
    policy
}

/// A course whose patterns differ early, as those of a large site do.
fn many_rules(random: &mut Random, policy: &Policy) -> Course {
    let count = 50 + random.below(200);
    let numbered = |at: usize| {
        let mut rule = rule(random, policy, &format!("r{at}"));
        let first = random
            .pick(&["n#", "n#", "n#", "n#*", "*#", "n*#"])
            .replace('#', &at.to_string());
        rule.paths
            .iter_mut()
            .for_each(|path| *path = format!("/{first}{path}"));
        rule
    };
    let rules = (0..count).map(numbered).collect();
    Course {
        id: "many".to_owned(),
        base: "/many".to_owned(),
        rules,
    }
}

fn rule(random: &mut Random, policy: &Policy, id: &str) -> Rule {
    let effect = if random.percent(70) {
        Effect::Allow
    } else {
        Effect::Deny
    };
    let captures = if random.percent(30) {
        random.some(CAPTURES, 2)
    } else {
        Vec::new()
    };
    let mut paths = BTreeSet::new();
    for _ in 0..=random.below(3) {
        paths.insert(pattern(random, policy.origin, &captures));
    }
    paths.retain(|path| path.is_ascii() || !policy.ascii_only);
    if paths.is_empty() {
        let captured: String = captures.iter().map(|name| format!("/{{{name}}}")).collect();
        paths.insert(format!("{captured}/**"));
    }
    let from = random.percent(9).then(|| NOW + random.pick(OFFSETS));
    let until = random.percent(9).then(|| NOW + random.pick(OFFSETS));
    let until = until.filter(|until| from.is_none_or(|from| from < *until));
    let names = Names {
        policy,
        captures: &captures,
    };
    let mut paths: Vec<String> = paths.into_iter().collect();
    random.shuffle(&mut paths);
    Rule {
        id: id.to_owned(),
        effect,
        paths,
        who: who(random, effect, &captures),
        methods: random.percent(25).then(|| {
            let mut methods: Vec<String> = random
                .some(&METHODS, 4)
                .into_iter()
                .map(String::from)
                .collect();
            random.shuffle(&mut methods);
            methods
        }),
        networks: random.percent(11).then(|| networks(random)),
        from,
        until,
        when: random.percent(20).then(|| condition(random, &names, 3)),
        unless: random.percent(15).then(|| condition(random, &names, 2)),
    }
}

fn who(random: &mut Random, effect: Effect, captures: &[&str]) -> Who {
    let mut who = Who::default();
    match random.below(100) {
        0..25 => who.anyone = true,
        25..50 if effect == Effect::Deny => {}
        25..35 => who.signed_in = true,
        35..75 => who.groups = Some(people(random, captures)),
        75..82 => who.scopes = Some(people(random, captures)),
        82..89 => who.subjects = Some(people(random, captures)),
        _ => {
            who.signed_in = random.percent(30);
            who.groups = Some(people(random, captures));
            who.scopes = random.percent(60).then(|| people(random, captures));
            who.subjects = random.percent(40).then(|| people(random, captures));
        }
    }
    // A rule with issuers requires a token.
    if !who.anyone && random.percent(12) {
        let issuers = random.some(ISSUERS, 2).into_iter();
        who.issuers = Some(issuers.map(String::from).collect());
    }
    who
}

fn people(random: &mut Random, captures: &[&str]) -> Vec<String> {
    let mut people: Vec<String> = random
        .some(PEOPLE, 3)
        .into_iter()
        .map(String::from)
        .collect();
    if !captures.is_empty() && random.percent(60) {
        people.push(random.pick(TEMPLATES).replace('?', random.pick(captures)));
        random.shuffle(&mut people);
    }
    people
}

fn networks(random: &mut Random) -> Vec<Network> {
    let some = random.some(NETWORKS, 3).into_iter();
    some.filter_map(|(address, prefix)| {
        Some(Network {
            address: address.parse().ok()?,
            prefix,
        })
    })
    .collect()
}
