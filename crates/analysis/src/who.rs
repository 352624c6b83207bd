//! The principals who can access a path: the rules that allow it and those that deny it, each with an example
//! request.
//!
//! Not here: the paths that a given user can access (`reach`).

use tollgate_core::{Effect, PathError, RuleId};
use tollgate_gate::Kind;
use tollgate_policy::spec::{Expr, Principals, RuleSpec, Template};

use crate::change::parse;
use crate::narrow::{Narrow, Part};
use crate::policy::Policy;
use crate::request::{Evaluation, Request, evaluate};
use crate::search::{Found, Search, request};
use crate::shrink::shrunk;
use crate::space::{Hit, Space};
use crate::walk::on_path;

/// The times of the requests that are considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Every time. Requests for which the time does not matter are of this one.
    Any(i64),
    /// This time only.
    At(i64),
}

/// A rule that matches the path.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The rule.
    pub rule: RuleId,
    /// The pattern that matches the path, base included.
    pub pattern: String,
    /// The rule's principals and conditions, with the path's captures filled in.
    pub who: String,
    /// For an allow the denies that win over it for some of its requests, or for all.
    pub overridden_by: Vec<RuleId>,
    /// For an allow its principals and conditions without what these denies deny, if keys of one rule can express that.
    pub effective: Option<String>,
    /// For an allow a request that it allows; for a deny a request that would be allowed without any deny. `None` if
    /// none exists.
    pub witness: Option<Request>,
    /// The result for the witness.
    pub evaluation: Option<Evaluation>,
    /// The search for a witness took too long, so one may exist.
    pub gave_up: bool,
}

/// The principals who can access a path.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessReport {
    /// Allows, in the order of their names.
    pub allows: Vec<Access>,
    /// Denies, in the order of their names.
    pub denies: Vec<Access>,
    /// The result for a GET without a token.
    pub unauthenticated: Evaluation,
}

/// Finds the principals who can access the path of a request target.
///
/// # Errors
/// Returns an error if the policy rejects the path.
pub fn who(policy: &Policy, target: &str, times: Times) -> Result<AccessReport, PathError> {
    let (segments, slash) = parse(policy, target)?;
    let (now, is_only_now) = match times {
        Times::Any(now) => (now, false),
        Times::At(now) => (now, true),
    };
    let mut space = Space::new(&[policy], now);
    space.is_only_now = is_only_now;
    let kind = on_path(&space, &segments, slash);
    let mut found = AccessReport {
        allows: Vec::new(),
        denies: Vec::new(),
        unauthenticated: evaluate(
            policy,
            &Request {
                method: "GET".to_owned(),
                target: kind.target.clone(),
                ip: None,
                now,
                claims: None,
            },
        ),
    };
    for hit in &kind.hits {
        let access = access(policy, &space, &kind.target, hit, &kind.hits);
        let list = match hit.spec.effect {
            Effect::Allow => &mut found.allows,
            Effect::Deny => &mut found.denies,
        };
        // Overlapping patterns of one rule give the same result twice.
        if !list
            .iter()
            .any(|known: &Access| known.rule == access.rule && known.who == access.who)
        {
            list.push(access);
        }
    }
    for list in [&mut found.allows, &mut found.denies] {
        list.sort_by_key(|access| access.rule);
    }
    Ok(found)
}

fn access<'p>(
    policy: &'p Policy,
    space: &Space<'p>,
    target: &str,
    hit: &Hit<'p>,
    hits: &[Hit<'p>],
) -> Access {
    let rule = id(hit);
    let allows = |hits: &'_ [Hit<'p>]| -> Vec<Hit<'p>> {
        let allows = hits.iter().filter(|hit| hit.spec.effect == Effect::Allow);
        allows.cloned().collect()
    };
    let allows = allows(hits);
    let is_allow = hit.spec.effect == Effect::Allow;
    let shows = |request: &Request| {
        let evaluation = evaluate(policy, request);
        if is_allow {
            evaluation.kind == Kind::Allow && matching(policy, request).contains(&rule)
        } else {
            evaluation.kind == Kind::Deny && {
                let matching = matching(policy, request);
                matching.contains(&rule)
                    && matching
                        .iter()
                        .any(|other| is_effect(policy, *other, Effect::Allow))
            }
        }
    };
    let mut search = Search::new(space, hits);
    let witness = search.find(
        &|eval| {
            eval.matches(hit).and(|| {
                if is_allow {
                    eval.allowed(0, hits)
                } else {
                    eval.any(&allows)
                }
            })
        },
        &mut |chosen| {
            let witness = request(space, target, chosen);
            shows(&witness).then(|| shrunk(witness, space.now, &shows))
        },
    );
    let gave_up = witness == Found::GaveUp;
    let witness = witness.found();
    let filled = filled_in(hit);
    let denies: Vec<&Hit<'p>> = hits
        .iter()
        .filter(|deny| is_allow && deny.spec.effect == Effect::Deny)
        .filter(|deny| search.is_possible(&|eval| eval.matches(hit).and(|| eval.matches(deny))))
        .collect();
    let mut overridden_by: Vec<RuleId> = denies.iter().map(|deny| id(deny)).collect();
    overridden_by.sort_unstable();
    overridden_by.dedup();
    Access {
        rule,
        pattern: hit
            .spec
            .patterns
            .get(hit.pattern)
            .map(|pattern| pattern.source.clone())
            .unwrap_or_default(),
        who: crate::text::who(policy, &filled),
        effective: is_allow
            .then(|| without(&filled, &denies))
            .flatten()
            .map(|rule| crate::text::who(policy, &rule)),
        overridden_by,
        evaluation: witness.as_ref().map(|witness| evaluate(policy, witness)),
        witness,
        gave_up,
    }
}

fn id(hit: &Hit<'_>) -> RuleId {
    RuleId(u32::try_from(hit.rule).unwrap_or(u32::MAX))
}

/// An allow without the requests that the denies deny, if keys of one rule can express that.
fn without(allow: &RuleSpec, denies: &[&Hit<'_>]) -> Option<RuleSpec> {
    let mut rest = allow.clone();
    for deny in denies {
        let deny = filled_in(deny);
        let part = only_part(&deny, allow)?;
        if !rest.outside(&deny, part) {
            return None;
        }
    }
    rest.simplify();
    let window = rest.from.zip(rest.until);
    // No rule can have an empty window, and nobody is left to name.
    window
        .is_none_or(|(from, until)| from < until)
        .then_some(rest)
}

/// The only part of a deny that decides which requests of an allow it matches, if it is one.
fn only_part(deny: &RuleSpec, allow: &RuleSpec) -> Option<Part> {
    // Without `..`, so that a new part does not compile before it is decided what it means here.
    let RuleSpec {
        methods,
        who,
        networks,
        from,
        until,
        when,
        unless,
        // Both are about the path.
        course: _,
        id: _,
        effect: _,
        because: _,
        patterns: _,
    } = deny;
    let Principals {
        // A deny for everyone has no principals.
        anyone: _,
        signed_in,
        groups,
        scopes,
        subjects,
        issuers,
    } = who;
    let parts = [
        (Part::Methods, !methods.contains(allow.methods)),
        (Part::OtherPrincipals, *signed_in && allow.who.anyone),
        (Part::Groups, groups.is_some()),
        (Part::Scopes, scopes.is_some()),
        (Part::Subjects, subjects.is_some()),
        (Part::Issuers, issuers.is_some()),
        (Part::Networks, networks.is_some()),
        (Part::From, from.is_some()),
        (Part::Until, until.is_some()),
        (Part::When, when.is_some()),
        (Part::Unless, unless.is_some()),
    ];
    let mut parts = parts.into_iter().filter(|(_, is_there)| *is_there);
    match (parts.next(), parts.next()) {
        (Some((part, _)), None) => Some(part),
        _ => None,
    }
}

fn matching(policy: &Policy, request: &Request) -> Vec<RuleId> {
    let mut trace = crate::explain::RuleTrace::default();
    crate::request::evaluate_traced(policy, request, &mut trace);
    trace.matching()
}

fn is_effect(policy: &Policy, rule: RuleId, effect: Effect) -> bool {
    policy.rule(rule).is_some_and(|rule| rule.effect == effect)
}

/// The rule as it reads on this path: names and conditions with their captures filled in.
pub(crate) fn filled_in(hit: &Hit<'_>) -> RuleSpec {
    let mut rule = hit.spec.clone();
    let fill = |name: &mut Template| {
        if let Some(value) = name.capture.as_deref().and_then(|name| hit.capture(name)) {
            name.prefix = format!("{}{value}{}", name.prefix, name.suffix);
            name.suffix.clear();
            name.capture = None;
        }
    };
    let who = &mut rule.who;
    let scopes = who.scopes.clone();
    for names in [&mut who.groups, &mut who.scopes, &mut who.subjects] {
        names.iter_mut().flatten().for_each(fill);
    }
    // Of names that no scope can have only the template is left, if all are such.
    let is_scope = |name: &Template| !name.prefix.contains([' ', '"', '\\']);
    if let Some(names) = &mut who.scopes {
        names.retain(is_scope);
        if names.is_empty() {
            who.scopes = scopes;
        }
    }
    for condition in [&mut rule.when, &mut rule.unless].into_iter().flatten() {
        condition.each_mut(&mut |expr| {
            if let Expr::Capture(name) = expr
                && let Some(value) = hit.capture(name)
            {
                *expr = Expr::Str(value.to_string());
            }
        });
    }
    rule
}
