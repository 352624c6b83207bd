//! The decision: any matching deny wins, otherwise any matching allow, otherwise deny; and the deny reason for
//! unauthenticated requests.
//!
//! Every rule whose pattern matches the path is evaluated in three-valued logic: an allow matches when it is
//! certainly true, a deny unless it is certainly false. Not here: paths and images
//! ([`path`](crate::path), [`image`](crate::image)); statuses and responses, which belong to the gate.

mod condition;
mod rule;
mod walk;

use core::net::IpAddr;
use core::ops::ControlFlow;

use crate::facts::Facts;
use crate::image::format::{NONE, flag};
use crate::image::{Image, RuleId, View};
use crate::method::MethodSet;
use crate::path::Path;
use crate::reason::{Effect, Reason, UnixSeconds};
use crate::tri::Tri;
use condition::{Env, Token};

pub use rule::Parts;

/// The result of verifying the request's token.
#[derive(Clone, Copy, Debug)]
pub enum TokenState<'a> {
    /// The request has none.
    Absent,
    /// It has one that could not be verified.
    Bad,
    /// It has one that was verified, with these facts.
    Verified(&'a Facts),
}

/// The parts of a request that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The canonical path.
    pub path: &'a Path<'a>,
    /// The method, case-sensitive.
    pub method: &'a str,
    /// The client's address, if known.
    pub ip: Option<IpAddr>,
    /// The time of the request.
    pub now: UnixSeconds,
    /// The token.
    pub token: TokenState<'a>,
}

/// The result of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The reason.
    pub reason: Reason,
    /// The rule responsible for `allow` and `denied_by_rule`: of several, the first by name.
    pub rule: Option<RuleId>,
    /// For `bad_method`: the methods that would be allowed. Otherwise empty.
    pub allow_methods: MethodSet,
    /// For `allow`: whether the request would be denied without its token, so that the response must not be
    /// shared. Otherwise false.
    pub needs_token: bool,
}

impl Decision {
    const fn because(reason: Reason) -> Self {
        Self {
            reason,
            rule: None,
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        }
    }
}

/// Receives each rule that is evaluated, for explanations.
pub trait Trace {
    /// A rule whose pattern matches the path was evaluated with the request's token.
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts);
}

impl Trace for () {
    fn rule(&mut self, _: RuleId, _: Effect, _: Parts) {}
}

impl<T: Trace> Trace for &mut T {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        (**self).rule(rule, effect, parts);
    }
}

/// Decides a query. Never panics, never allocates; the result is deny in any doubt.
pub fn decide<B: AsRef<[u8]>>(image: &Image<B>, query: &Query<'_>) -> Decision {
    decide_traced(image, query, &mut ())
}

/// Decides a query and reports each rule that was evaluated to `trace`.
pub fn decide_traced<B: AsRef<[u8]>>(
    image: &Image<B>,
    query: &Query<'_>,
    trace: &mut impl Trace,
) -> Decision {
    let token = match query.token {
        // Facts interned for another image would be compared with the wrong numbers.
        TokenState::Verified(facts) if facts.policy != image.id() => {
            return Decision::because(Reason::Internal);
        }
        TokenState::Verified(facts) => Token::Verified(facts),
        TokenState::Absent | TokenState::Bad => Token::None,
    };
    let env = Env {
        view: image.view(),
        token,
        method: query.method,
        ip: query.ip.map(|ip| ip.to_canonical()),
        now: query.now,
    };
    answer(&env, query, trace).unwrap_or(Decision::because(Reason::Internal))
}

fn answer(env: &Env<'_>, query: &Query<'_>, trace: &mut impl Trace) -> Option<Decision> {
    let path = query.path;
    let found = evaluate(env, path, trace)?;
    if let (None, Some(rule)) = (found.deny, found.allow) {
        return Some(Decision {
            reason: Reason::Allow,
            rule: Some(RuleId(rule)),
            allow_methods: MethodSet::EMPTY,
            needs_token: needs_token(env, path, &found)?,
        });
    }
    let without = match query.token {
        TokenState::Absent => Some(Reason::NoToken),
        TokenState::Bad => Some(Reason::BadToken),
        TokenState::Verified(_) => None,
    };
    if let Some(reason) = without
        && token_could_allow(env, path)?
    {
        return Some(Decision::because(reason));
    }
    if let Some(rule) = found.deny {
        return Some(Decision {
            reason: Reason::DeniedByRule,
            rule: Some(RuleId(rule)),
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        });
    }
    let mut allow_methods = MethodSet::EMPTY;
    for name in found.methods.names().filter(|name| *name != env.method) {
        let other = evaluate(
            &Env {
                method: name,
                ..*env
            },
            path,
            &mut (),
        )?;
        if other.deny.is_none() && other.allow.is_some() {
            allow_methods = allow_methods | MethodSet::from_name(name)?;
        }
    }
    if allow_methods.is_empty() {
        return Some(Decision::because(Reason::Forbidden));
    }
    Some(Decision {
        reason: Reason::BadMethod,
        rule: None,
        allow_methods,
        needs_token: false,
    })
}

/// The result of evaluating every rule for a path.
struct Found {
    /// The first deny that matches.
    deny: Option<u32>,
    /// The first allow that matches.
    allow: Option<u32>,
    /// The methods of those allow rules that only their method or conditions can keep from matching.
    methods: MethodSet,
    /// Whether an allow for anyone matches.
    anyone: bool,
    /// Whether a deny matches the path, or a rule for anyone has constraints.
    depends: bool,
}

/// Whether an allowed request would be denied without its token.
fn needs_token(env: &Env<'_>, path: &Path<'_>, found: &Found) -> Option<bool> {
    if !matches!(env.token, Token::Verified(_)) {
        return Some(false);
    }
    // Only a rule for anyone can match without a token. In most cases nothing else depends on one.
    if !found.anyone || !found.depends {
        return Some(!found.anyone);
    }
    let token = Token::None;
    let without = evaluate(&Env { token, ..*env }, path, &mut ())?;
    Some(without.deny.is_some() || without.allow.is_none())
}

fn evaluate(env: &Env<'_>, path: &Path<'_>, trace: &mut impl Trace) -> Option<Found> {
    let mut found = Found {
        deny: None,
        allow: None,
        methods: MethodSet::EMPTY,
        anyone: false,
        depends: false,
    };
    let method = MethodSet::from_name(env.method).unwrap_or(MethodSet::EMPTY);
    each_rule(&env.view, path, |id, rule, captures| {
        let parts = rule::evaluate(env, &rule, method, captures)?;
        trace.rule(RuleId(id), rule.effect, parts);
        let value = parts.all();
        let (place, matches) = match rule.effect {
            Effect::Allow => {
                // Another method changes neither the principal, nor the address, nor the time.
                let others = [parts.who, parts.networks, parts.time];
                if others.iter().all(|part| part.may_be_true()) {
                    found.methods = found.methods | rule.methods;
                }
                let matches = value == Tri::TRUE;
                if matches && rule.flags & flag::ANYONE != 0 {
                    found.anyone = true;
                    found.depends |= rule.extra != NONE;
                }
                (&mut found.allow, matches)
            }
            Effect::Deny => {
                found.depends = true;
                (&mut found.deny, !value.may_be_false())
            }
        };
        if matches && place.is_none_or(|best| id < best) {
            *place = Some(id);
        }
        Some(())
    })?;
    Some(found)
}

/// Whether some verified token could grant access to the path: some allow could be true while every deny
/// could be false, where everything that depends on the token is undetermined.
fn token_could_allow(env: &Env<'_>, path: &Path<'_>) -> Option<bool> {
    let env = Env {
        token: Token::Any,
        ..*env
    };
    let method = MethodSet::from_name(env.method).unwrap_or(MethodSet::EMPTY);
    let (mut opened, mut barred) = (false, false);
    each_rule(&env.view, path, |_, rule, captures| {
        let value = rule::evaluate(&env, &rule, method, captures)?.all();
        match rule.effect {
            Effect::Allow => opened |= value.may_be_true(),
            Effect::Deny => barred |= !value.may_be_false(),
        }
        Some(())
    })?;
    Some(opened && !barred)
}

/// Calls `visit` for every rule and pattern of it that matches the path. `None` if a record of the image cannot be read.
fn each_rule<'a>(
    view: &View<'a>,
    path: &Path<'_>,
    mut visit: impl FnMut(u32, crate::image::Rule, &walk::Fit<'_, '_>) -> Option<()>,
) -> Option<()> {
    let flow = walk::each_fit(view, path, |id, fit| {
        match view.rule(id).and_then(|rule| visit(id, rule, fit)) {
            Some(()) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        }
    });
    flow.is_continue().then_some(())
}
