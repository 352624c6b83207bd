//! What requests can differ in, beside their path: the variables of the analysis.
//!
//! A space belongs to one policy or to a pair of them; claims are known by name in it, because two
//! policies may give one claim different slots or types. Not here: paths, and which values are worth
//! trying.

use std::rc::Rc;

use core::net::IpAddr;

use tollgate_compiler::spec::RuleSpec;
use tollgate_core::ClaimKind;
use tollgate_token::DEFAULT_GROUPS_CLAIM;

use crate::policy::Policy;

/// One thing that requests differ in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Var {
    /// Whether there is a verified token.
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
    /// Whether a list claim that is there has this member.
    Member(u16, Rc<str>),
    /// What a capture stands for, where no path is given.
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

/// What a declared claim is, besides being a claim.
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
    pub(crate) name: String,
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

/// One or two policies and what requests to them differ in.
#[derive(Debug)]
pub(crate) struct Space<'p> {
    pub(crate) sides: Vec<Side<'p>>,
    pub(crate) claims: Vec<ClaimVar>,
    /// The issuers that tokens can have; empty if no policy lists any, and then any text will do.
    pub(crate) issuers: Vec<Rc<str>>,
    /// In which claims groups stand.
    pub(crate) groups_claims: Vec<String>,
    /// The time a request has unless something else is asked for.
    pub(crate) now: i64,
}

impl<'p> Space<'p> {
    pub(crate) fn new(policies: &[&'p Policy], now: i64) -> Self {
        let mut space = Self {
            sides: Vec::new(),
            claims: Vec::new(),
            issuers: Vec::new(),
            groups_claims: Vec::new(),
            now,
        };
        for policy in policies {
            for issuer in &policy.config().issuers {
                for name in &issuer.issuers {
                    if !space.issuers.iter().any(|known| **known == **name) {
                        space.issuers.push(name.as_str().into());
                    }
                }
                if !space.groups_claims.contains(&issuer.groups_claim) {
                    space.groups_claims.push(issuer.groups_claim.clone());
                }
            }
        }
        if space.groups_claims.is_empty() {
            space.groups_claims.push(DEFAULT_GROUPS_CLAIM.to_owned());
        }
        for policy in policies {
            let slots = policy.spec().claims.iter();
            let slots = slots
                .map(|claim| (space.claim(&claim.name, claim.kind), claim.kind))
                .collect();
            space.sides.push(Side { policy, slots });
        }
        space
    }

    fn claim(&mut self, name: &str, kind: ClaimKind) -> u16 {
        let at = self.claims.iter().position(|claim| claim.name == name);
        let at = at.unwrap_or_else(|| {
            let alias = match name {
                "sub" => Alias::Subject,
                "iss" => Alias::Issuer,
                _ if self.groups_claims.iter().any(|groups| groups == name) => Alias::Groups,
                _ => Alias::None,
            };
            self.claims.push(ClaimVar {
                name: name.to_owned(),
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
    /// Which of the rule's patterns.
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
