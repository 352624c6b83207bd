//! Evaluating one rule whose pattern matches the path.
//!
//! Not here: finding such rules (`walk`), and the decision that follows from them.

use super::condition::{self, Captures, Env, Token};
use crate::facts::Names;
use crate::image::format::{NONE, flag};
use crate::image::{Extra, Members, Rule, View};
use crate::method::MethodSet;
use crate::tri::Tri;

/// The truth value of each part of a rule; a part that the rule does not have is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The method is one of the rule's.
    pub method: Tri,
    /// The principal is one of the rule's.
    pub who: Tri,
    /// The client's address is in one of the rule's networks.
    pub networks: Tri,
    /// The time is in the rule's window.
    pub time: Tri,
    /// The `when` condition.
    pub when: Tri,
    /// The negated `unless` condition.
    pub unless: Tri,
}

impl Parts {
    /// Whether all parts hold.
    pub const fn all(&self) -> Tri {
        let Self {
            method,
            who,
            networks,
            time,
            when,
            unless,
        } = *self;
        Tri::all([method, who, networks, time, when, unless])
    }
}

/// Evaluates a rule. `None` if a record of the image cannot be read.
pub(super) fn evaluate(
    env: &Env<'_>,
    rule: &Rule,
    method: MethodSet,
    captures: &impl Captures,
) -> Option<Parts> {
    let view = &env.view;
    let mut parts = Parts {
        method: Tri::known(rule.methods.contains(method)),
        who: Tri::TRUE,
        networks: Tri::TRUE,
        time: Tri::TRUE,
        when: Tri::TRUE,
        unless: Tri::TRUE,
    };
    if rule.flags & flag::SIGNED_IN != 0 {
        parts.who = Tri::known(!matches!(env.token, Token::None));
    }
    if rule.groups != NONE {
        parts.who = parts
            .who
            .and(any_name(env, rule.groups, captures, Kind::Groups)?);
    }
    if rule.extra != NONE {
        let extra = view.extra(rule.extra)?;
        evaluate_extra(env, &extra, captures, &mut parts)?;
    }
    Some(parts)
}

fn evaluate_extra(
    env: &Env<'_>,
    extra: &Extra,
    captures: &impl Captures,
    parts: &mut Parts,
) -> Option<()> {
    let Extra {
        scopes,
        subjects,
        networks,
        when,
        unless,
        because: _,
        from,
        until,
        issuers,
    } = *extra;
    let view = &env.view;
    if scopes != NONE {
        parts.who = parts
            .who
            .and(any_name(env, scopes, captures, Kind::Scopes)?);
    }
    if subjects != NONE {
        parts.who = parts
            .who
            .and(any_name(env, subjects, captures, Kind::Subject)?);
    }
    if issuers != NONE {
        view.set_members(issuers)?;
        parts.who = parts.who.and(match env.token {
            Token::None => Tri::FALSE,
            Token::Any => Tri::EITHER,
            Token::Verified(facts) => Tri::known(
                view.set(issuers)
                    .any(|member| view.text_bytes(member) == Some(facts.issuer().as_bytes())),
            ),
        });
    }
    if networks != NONE {
        view.set_members(networks)?;
        parts.networks = match env.ip {
            None => Tri::UNKNOWN,
            Some(ip) => Tri::known(
                view.set(networks)
                    .any(|member| view.network(member).is_some_and(|net| net.contains(ip))),
            ),
        };
    }
    // The greatest `until` means none: a rule without an end also matches at the last representable time.
    let before_end = env.now.0 < until || until == i64::MAX;
    parts.time = Tri::known(from <= env.now.0 && before_end);
    if when != NONE {
        parts.when = condition::eval(env, view.program(when)?, captures);
    }
    if unless != NONE {
        parts.unless = condition::eval(env, view.program(unless)?, captures).not();
    }
    Some(())
}

#[derive(Clone, Copy)]
enum Kind {
    Groups,
    Scopes,
    Subject,
}

fn any_name(env: &Env<'_>, set: u32, captures: &impl Captures, kind: Kind) -> Option<Tri> {
    let view = &env.view;
    let facts = match env.token {
        Token::None => return Some(Tri::FALSE),
        Token::Any => return Some(Tri::EITHER),
        Token::Verified(facts) if facts.groups_unknown && matches!(kind, Kind::Groups) => {
            return Some(Tri::UNKNOWN);
        }
        Token::Verified(facts) => facts,
    };
    let has = |member: u32| match kind {
        Kind::Groups => has_name(view, &facts.groups, member, captures),
        Kind::Scopes => has_name(view, &facts.scopes, member, captures),
        Kind::Subject => match facts.subject() {
            Some(subject) => spells(view, member, captures, subject.as_bytes()),
            None => Some(false),
        },
    };
    let found = match view.names(set)? {
        Members::One(member) => has(member)?,
        Members::Many(members) => {
            let mut found = false;
            for member in members {
                found |= has(u32::from_le_bytes(*member))?;
            }
            found
        }
    };
    Some(Tri::known(found))
}

fn has_name(view: &View<'_>, names: &Names, member: u32, captures: &impl Captures) -> Option<bool> {
    if member < view.literal_names() {
        return Some(names.has_id(member));
    }
    let name = view.name(member)?;
    let captured = captures.capture(name.capture?)?;
    Some(names.any(|text| is_joined(text, name.prefix, captured, name.suffix)))
}

fn spells(view: &View<'_>, member: u32, captures: &impl Captures, text: &[u8]) -> Option<bool> {
    let name = view.name(member)?;
    let captured = match name.capture {
        Some(number) => captures.capture(number)?,
        None => &[],
    };
    Some(is_joined(text, name.prefix, captured, name.suffix))
}

/// Whether `text` is the three pieces in a row, compared byte for byte.
fn is_joined(text: &[u8], prefix: &[u8], middle: &[u8], suffix: &[u8]) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(suffix))
        .is_some_and(|rest| rest == middle)
}
