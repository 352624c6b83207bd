//! The paths that a user can access: every pattern of an allow that grants access somewhere, with an example, and
//! the denies that restrict it.
//!
//! The user is known, so every class of paths is simply evaluated by the real evaluator. Not here: other
//! principals with access (`who`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tollgate_core::{Effect, RuleId};
use tollgate_gate::Kind;
use tollgate_token::Groups;

use crate::explain::RuleTrace;
use crate::policy::Policy;
use crate::request::{Request, assumed, evaluate_traced};
use crate::space::{Hit, Space};
use crate::walk::{Next, Walk};

/// The user and the request apart from its path.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The claims of the token; `None` is a client without a token.
    pub claims: Option<Map<String, Value>>,
    /// The method.
    pub method: String,
    /// The client's address, if it is known.
    pub ip: Option<core::net::IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}

/// Paths that a user can access by one pattern of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ReachablePattern {
    /// The rule that grants access.
    pub rule: RuleId,
    /// The pattern, base included, with the user's own names filled in where groups use captures.
    pub paths: String,
    /// The shortest such path.
    pub example: Request,
    /// Patterns of denies that match a part of it.
    pub cut_by: Vec<Cut>,
    /// A path of the pattern to which the rule does not grant access, because its conditions read the path.
    pub not: Option<Request>,
}

/// A pattern of a deny that denies a part of what an allow allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// The deny.
    pub rule: RuleId,
    /// Its pattern, base included.
    pub paths: String,
    /// The shortest path that both match.
    pub example: Request,
}

/// The paths that a user can access.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// By rule and pattern.
    pub reached: Vec<ReachablePattern>,
    /// The number of classes of paths that were evaluated.
    pub kinds: usize,
    /// Whether the classes are too many to evaluate: more paths may be accessible than listed.
    pub gave_up: bool,
}

/// Finds the paths that a user can access.
pub fn reach(policy: &Policy, person: &Person) -> Reach {
    let space = Space::new(&[policy], person.now);
    let mut walk = Walk::new(&space);
    walk.also_ask(names_of(person));
    let own = own_names(policy, person);
    for number in 0..walk.pattern_count() {
        let id = crate::walk::PatternId(u32::try_from(number).unwrap_or(u32::MAX));
        let allows = walk
            .owners(id, 0)
            .into_iter()
            .any(|rule| policy.rules().get(rule).map(|rule| rule.effect) == Some(Effect::Allow));
        walk.set_interesting(id, allows);
    }
    let mut found: BTreeMap<(usize, String), Part> = BTreeMap::new();
    let mut kinds = 0;
    let complete = walk.run(&mut |_, kind| {
        kinds += 1;
        let request = Request {
            method: person.method.clone(),
            target: kind.target.clone(),
            ip: person.ip,
            now: person.now,
            claims: person.claims.clone(),
        };
        let mut trace = RuleTrace::default();
        let evaluation = evaluate_traced(policy, &request, &mut trace);
        let matching = trace.matching();
        for hit in &kind.hits {
            if hit.spec.effect == Effect::Deny {
                continue;
            }
            let rule = id(hit.rule);
            let part = found.entry((hit.rule, paths(hit, &own))).or_default();
            if !matching.contains(&rule) {
                part.not.get_or_insert(request.clone());
            } else if evaluation.kind == Kind::Allow {
                part.example.get_or_insert(request.clone());
            } else {
                let denies = kind.hits.iter().filter(|hit| {
                    hit.spec.effect == Effect::Deny && matching.contains(&id(hit.rule))
                });
                for deny in denies {
                    let (rule, paths) = (id(deny.rule), source(deny));
                    let mut known = part.cut_by.iter();
                    if !known.any(|cut| cut.rule == rule && cut.paths == paths) {
                        part.cut_by.push(Cut {
                            rule,
                            paths,
                            example: request.clone(),
                        });
                    }
                }
            }
        }
        Next::Continue
    });
    let reached = found
        .into_iter()
        .filter_map(|((rule, paths), part)| {
            Some(ReachablePattern {
                rule: id(rule),
                paths,
                example: part.example?,
                cut_by: part.cut_by,
                not: part.not,
            })
        })
        .collect();
    Reach {
        reached,
        kinds,
        gave_up: !complete,
    }
}

#[derive(Default)]
struct Part {
    example: Option<Request>,
    cut_by: Vec<Cut>,
    not: Option<Request>,
}

fn id(rule: usize) -> RuleId {
    RuleId(u32::try_from(rule).unwrap_or(u32::MAX))
}

/// The pattern, base included.
fn source(hit: &Hit<'_>) -> String {
    let pattern = hit.spec.patterns.get(hit.pattern);
    pattern.map_or_else(String::new, |pattern| pattern.source.clone())
}

/// The pattern, with those captures filled in that make the person one of the rule's people.
fn paths(hit: &Hit<'_>, own: &[Vec<String>; 3]) -> String {
    let mut source = source(hit);
    let who = &hit.spec.who;
    let asked = [&who.groups, &who.scopes, &who.subjects];
    for (names, own) in asked.into_iter().zip(own) {
        let names = || names.iter().flatten();
        let has = |name: &str| own.iter().any(|known| known == name);
        if names().any(|name| name.capture.is_none() && has(&name.prefix)) {
            continue;
        }
        for name in names() {
            if let Some(capture) = &name.capture
                && let Some(value) = hit.capture(capture)
                && has(&format!("{}{value}{}", name.prefix, name.suffix))
            {
                source = source.replace(&format!("{{{capture}}}"), value);
            }
        }
    }
    source
}

/// The person's groups, scopes and subject, as the policy reads them.
fn own_names(policy: &Policy, person: &Person) -> [Vec<String>; 3] {
    let Some((claims, issuer)) = assumed(policy, person.claims.as_ref()) else {
        return Default::default();
    };
    let rules = &issuer.claims;
    let groups = match claims.groups(rules.groups.as_ref()) {
        Ok(Groups::Listed(groups)) => groups,
        Ok(Groups::Elsewhere) | Err(_) => Vec::new(),
    };
    let scopes = claims.scopes(rules.scopes.as_ref()).unwrap_or_default();
    let subject = claims.subject().ok().flatten();
    [
        groups
            .into_iter()
            .filter_map(|group| rules.group(group).map(String::from))
            .collect(),
        scopes.into_iter().map(str::to_owned).collect(),
        subject
            .into_iter()
            .map(|subject| rules.subject(subject).into_owned())
            .collect(),
    ]
}

/// Every string in the user's token: a capture may be one of them.
fn names_of(person: &Person) -> Vec<String> {
    let mut names = Vec::new();
    for value in person.claims.iter().flat_map(|claims| claims.values()) {
        match value {
            Value::String(text) => {
                names.push(text.clone());
                names.extend(text.split(' ').map(str::to_owned));
            }
            Value::Array(items) => {
                names.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }
    names
}
