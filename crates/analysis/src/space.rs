//! The variables of the analysis: the parts of a request other than its path.
//!
//! A space belongs to one policy or to a pair of them; claims are identified by name, because two
//! policies may give one claim different slots or types. Not here: paths, and the values to
//! try.

mod issuer;

use std::rc::Rc;

use core::net::IpAddr;

use tollgate_core::ClaimKind;
use tollgate_policy::spec::RuleSpec;
use tollgate_token::{ClaimPath, Claims};

pub(crate) use crate::place::{find, insert, remove};
use crate::policy::Policy;
pub(crate) use issuer::Issuer;

/// A variable part of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Var {
    /// Whether the request has a verified token.
    Token,
    Method,
    Ip,
    Now,
    Subject,
    Issuer,
    /// Whether the token has this group.
    Group(Rc<str>),
    /// Whether the token has this scope.
    Scope(Rc<str>),
    /// The value of a declared claim.
    Claim(u16),
    /// Whether a list claim that exists has this member.
    Member(u16, Rc<str>),
    /// The value of a capture, where no path is given.
    Capture(Rc<str>),
}

/// A value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    /// No such claim, or no subject.
    Missing,
    /// A claim of a type that no policy declares for it.
    Wrong,
    Text(Rc<str>),
    Int(i64),
    Bool(bool),
    /// A list is there; its members are variables of their own.
    List,
    Ip(Option<IpAddr>),
}

/// Values that were chosen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assignment(Vec<(Var, Value)>);

impl Assignment {
    pub(crate) fn value(&self, var: &Var) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known == var)
            .map(|(_, value)| value)
    }

    pub(crate) fn push(&mut self, var: Var, value: Value) {
        self.0.push((var, value));
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Var, Value)> {
        self.0.iter()
    }

    pub(crate) fn is_set(&self, var: &Var) -> bool {
        self.value(var) == Some(&Value::Bool(true))
    }
}

/// The other role of a declared claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    None,
    Subject,
    Issuer,
    Groups,
}

/// A claim that at least one of the policies declares.
#[derive(Debug)]
pub(crate) struct ClaimVar {
    /// Its path in a token.
    pub(crate) place: ClaimPath,
    pub(crate) kinds: Vec<ClaimKind>,
    pub(crate) alias: Alias,
}

/// One policy of the space.
#[derive(Debug)]
pub(crate) struct Side<'p> {
    pub(crate) policy: &'p Policy,
    /// Per slot the number of the claim in the space, and the declared type.
    slots: Vec<(u16, ClaimKind)>,
}

/// One or two policies and the variables of requests to them.
#[derive(Debug)]
pub(crate) struct Space<'p> {
    pub(crate) sides: Vec<Side<'p>>,
    pub(crate) claims: Vec<ClaimVar>,
    /// The issuers where users can sign in; empty if no policy lists any, and then any text will do.
    pub(crate) issuers: Vec<Issuer>,
    /// The rules by which tokens of an unlisted issuer are read.
    unlisted: Issuer,
    /// Whether some issuer can grant some names only.
    pub(crate) is_restricted: bool,
    /// The default time of a request.
    pub(crate) now: i64,
    /// Whether requests of other times are of no interest.
    pub(crate) is_only_now: bool,
}

impl<'p> Space<'p> {
    pub(crate) fn new(policies: &[&'p Policy], now: i64) -> Self {
        let mut space = Self {
            sides: Vec::new(),
            claims: Vec::new(),
            issuers: Vec::new(),
            unlisted: unlisted(policies),
            is_restricted: false,
            now,
            is_only_now: false,
        };
        for policy in policies {
            // A session counts as a token of the issuer where the user signed in.
            for issuer in policy.config().sign_in_issuers() {
                let found = Issuer::new(issuer);
                match space
                    .issuers
                    .iter_mut()
                    .find(|known| known.iss == found.iss)
                {
                    Some(known) => known.add(issuer),
                    None => space.issuers.push(found),
                }
            }
        }
        space.is_restricted = space.issuers.iter().any(|issuer| !issuer.is_unrestricted());
        for policy in policies {
            let mut slots = Vec::new();
            for (slot, claim) in (0..).zip(&policy.spec().claims) {
                let place = policy.config().claim_place(slot).cloned();
                let place = place.unwrap_or_else(|| ClaimPath::top(&claim.name));
                slots.push((space.claim(place, claim.kind), claim.kind));
            }
            space.sides.push(Side { policy, slots });
        }
        space
    }

    /// The issuer that a token has; the first where that is not chosen.
    pub(crate) fn issuer(&self, iss: Option<&str>) -> &Issuer {
        let named = iss.and_then(|iss| self.issuers.iter().find(|issuer| *issuer.iss == *iss));
        named.or(self.issuers.first()).unwrap_or(&self.unlisted)
    }

    fn claim(&mut self, place: ClaimPath, kind: ClaimKind) -> u16 {
        let at = self.claims.iter().position(|claim| claim.place == place);
        let at = at.unwrap_or_else(|| {
            let mut issuers = self.issuers.iter().chain([&self.unlisted]);
            let alias = match place.names() {
                [name] if name == "sub" => Alias::Subject,
                [name] if name == "iss" => Alias::Issuer,
                _ if issuers.any(|issuer| issuer.group_places().any(|groups| *groups == place)) => {
                    Alias::Groups
                }
                _ => Alias::None,
            };
            self.claims.push(ClaimVar {
                place,
                kinds: Vec::new(),
                alias,
            });
            self.claims.len() - 1
        });
        if let Some(claim) = self.claims.get_mut(at)
            && !claim.kinds.contains(&kind)
        {
            claim.kinds.push(kind);
        }
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The claim in a slot of a side, and the type declared there.
    pub(crate) fn slot(&self, side: usize, slot: u16) -> Option<(u16, ClaimKind)> {
        self.sides.get(side)?.slots.get(usize::from(slot)).copied()
    }

    pub(crate) fn claim_var(&self, number: u16) -> Option<&ClaimVar> {
        self.claims.get(usize::from(number))
    }

    pub(crate) fn rule(&self, side: usize, rule: usize) -> Option<&'p RuleSpec> {
        self.sides.get(side)?.policy.rules().get(rule)
    }
}

/// A rule of one side that names the path, with what its pattern captured.
#[derive(Clone, Debug)]
pub(crate) struct Hit<'p> {
    pub(crate) side: usize,
    /// The rule's number.
    pub(crate) rule: usize,
    pub(crate) spec: &'p RuleSpec,
    /// The position of the pattern in the rule.
    pub(crate) pattern: usize,
    /// The captures the rule reads. Those that are missing are variables.
    pub(crate) captures: Vec<(&'p str, Rc<str>)>,
    /// The other side has the same rule on the same path.
    pub(crate) shared: bool,
}

impl Hit<'_> {
    pub(crate) fn capture(&self, name: &str) -> Option<&Rc<str>> {
        self.captures
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

/// The issuer of tokens where no policy lists one.
fn unlisted(policies: &[&Policy]) -> Issuer {
    let config = policies.first().map(|policy| policy.config());
    let none = Claims::from_json(b"{}").ok();
    let assumed = config
        .zip(none.as_ref())
        .and_then(|(config, none)| config.assumed_issuer(none).ok());
    let mut issuer = assumed.map_or_else(Issuer::default, |assumed| Issuer::new(&assumed));
    issuer.iss = "".into();
    issuer
}
