//! The decision.

use crate::condition::{Truth, is_within, truth};
use crate::model::{Effect, METHODS, Policy, Request, Rule, Token, Verdict, Who};
use crate::path::pieces;
use crate::pattern::{Captures, fill, matches};

/// A rule with a pattern that matches the path, its course, and the captures.
struct Hit<'a>(&'a str, &'a Rule, Captures);

/// Decides `request` under `policy`.
pub fn decide(policy: &Policy, request: &Request) -> Verdict {
    let raw = request.target.split(|byte| *byte == b'?').next();
    let Some(path) = pieces(raw.unwrap_or_default(), policy) else {
        return verdict("reject", 400, "bad_path", None);
    };
    let allows = hits(policy, &path, Effect::Allow);
    let denies = hits(policy, &path, Effect::Deny);
    // An allow matches if it is true, a deny if it is not false. The first match is reported.
    let allow = |request: &Request| allows.iter().find(|hit| holds(hit, request).yes);
    let deny = |request: &Request| denies.iter().find(|hit| !holds(hit, request).no);
    let allowed = |request: &Request| deny(request).is_none() && allow(request).is_some();

    if allowed(request) {
        return verdict("allow", 200, "allow", allow(request));
    }
    // For an imagined token: can an allow match while every deny does not?
    let mut imagined = request.clone();
    imagined.token = Token::Imagined;
    match request.token {
        Token::Absent if allowed(&imagined) => return verdict("deny", 401, "no_token", None),
        Token::Bad if allowed(&imagined) => return verdict("deny", 401, "bad_token", None),
        _ => {}
    }
    if deny(request).is_some() {
        return verdict("deny", 403, "denied_by_rule", deny(request));
    }
    let mut bad_method = verdict("deny", 405, "bad_method", None);
    for method in METHODS {
        let mut other = request.clone();
        other.method = method.to_owned();
        if allowed(&other) {
            bad_method.allow_methods.push(other.method);
        }
    }
    if bad_method.allow_methods.is_empty() {
        return verdict("deny", 403, "forbidden", None);
    }
    bad_method
}

fn verdict(outcome: &'static str, status: u16, reason: &'static str, hit: Option<&Hit>) -> Verdict {
    let rule = hit.map(|Hit(course, rule, _)| format!("{course}/{}", rule.id));
    Verdict {
        outcome,
        reason,
        status,
        rule,
        allow_methods: Vec::new(),
    }
}

/// The rules of one effect that match the path, in the order of their names.
fn hits<'a>(policy: &'a Policy, path: &[String], effect: Effect) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    for course in &policy.courses {
        for rule in course.rules.iter().filter(|rule| rule.effect == effect) {
            for pattern in &rule.paths {
                let absolute = format!("{}{pattern}", course.base);
                let pattern: Vec<&str> = absolute.split('/').skip(1).collect();
                if let Some(captures) = matches(&pattern, path) {
                    hits.push(Hit(&course.id, rule, captures));
                }
            }
        }
    }
    hits.sort_by_key(|Hit(course, rule, _)| (*course, &rule.id));
    hits
}

/// Evaluates every part of a rule except the path.
fn holds(Hit(_, rule, captures): &Hit, request: &Request) -> Truth {
    let method = match &rule.methods {
        Some(methods) => methods.contains(&request.method),
        None => request.method == "GET" || request.method == "HEAD",
    };
    let from = rule.from.is_none_or(|from| from <= request.now);
    let until = rule.until.is_none_or(|until| request.now < until);
    let network = match (&rule.networks, request.ip) {
        (None, _) => Truth::known(true),
        (Some(networks), Some(ip)) => Truth::known(is_within(ip, networks)),
        (Some(_), None) => Truth::new(false, false),
    };
    let mut holds = who(&rule.who, request, captures).and(network);
    holds = holds.and(Truth::known(method && from && until));
    if let Some(when) = &rule.when {
        holds = holds.and(truth(when, request, captures));
    }
    if let Some(unless) = &rule.unless {
        holds = holds.and(truth(unless, request, captures).not());
    }
    holds
}

/// Evaluates the principals. Without a token the user is not signed in, and every list is known to
/// be empty.
fn who(who: &Who, request: &Request, captures: &Captures) -> Truth {
    let asked = [&who.groups, &who.scopes, &who.subjects, &who.issuers];
    let facts = match &request.token {
        Token::Absent | Token::Bad => return Truth::known(!who.signed_in && asked == [&None; 4]),
        Token::Imagined => return Truth::new(true, asked != [&None; 4]),
        Token::Verified(facts) => facts,
    };
    let subjects = Some(facts.subject.iter().cloned().collect());
    let issuers = Some(vec![facts.issuer.clone()]);
    let own = [
        &facts.groups,
        &Some(facts.scopes.clone()),
        &subjects,
        &issuers,
    ];
    let mut holds = Truth::known(true);
    for (asked, own) in asked.into_iter().zip(own) {
        holds = holds.and(match (asked, own) {
            (None, _) => Truth::known(true),
            (Some(_), None) => Truth::new(false, false),
            (Some(names), Some(own)) => {
                Truth::known(names.iter().any(|name| own.contains(&fill(name, captures))))
            }
        });
    }
    holds
}
