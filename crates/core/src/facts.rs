//! The contents of a verified token, in the form that the policy reads.
//!
//! Facts are built once per token and used for many decisions. Not here: verifying a token.
//! The caller must have verified the token that the facts are built from.

use alloc::{boxed::Box, vec::Vec};

use crate::image::{ClaimKind, Image, ImageId};

/// Most groups that facts can hold; the token layer rejects tokens with more.
pub const MAX_GROUPS: usize = 256;

/// The value of one declared claim.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Claim {
    /// The token does not have it.
    #[default]
    Missing,
    /// The token has it, in another type than declared.
    WrongType,
    /// A string.
    String(Box<str>),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// An array of strings.
    StringList(Vec<Box<str>>),
}

impl Claim {
    fn has_kind(&self, kind: ClaimKind) -> bool {
        match self {
            Self::Missing | Self::WrongType => true,
            Self::String(_) => kind == ClaimKind::String,
            Self::Int(_) => kind == ClaimKind::Int,
            Self::Bool(_) => kind == ClaimKind::Bool,
            Self::StringList(_) => kind == ClaimKind::StringList,
        }
    }
}

/// A set of names, the interned part as sorted numbers of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    texts: Vec<Box<str>>,
    ids: Vec<u32>,
}

impl Names {
    /// Names are kept sorted, each once, so that equal sets are equal.
    fn insert(&mut self, text: &str, id: Option<u32>) {
        if let Err(at) = self.texts.binary_search_by(|known| (**known).cmp(text)) {
            self.texts.insert(at, text.into());
        }
        if let Some(id) = id
            && let Err(at) = self.ids.binary_search(&id)
        {
            self.ids.insert(at, id);
        }
    }

    pub(crate) fn has_id(&self, id: u32) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    pub(crate) fn any(&self, test: impl Fn(&[u8]) -> bool) -> bool {
        self.texts.iter().any(|text| test(text.as_bytes()))
    }
}

/// The contents of a verified token, interned for one policy image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(crate) policy: ImageId,
    pub(crate) issuer: Box<str>,
    pub(crate) subject: Option<Box<str>>,
    pub(crate) groups: Names,
    /// Whether the token refers to another place for its groups, so that they cannot be known.
    pub(crate) groups_unknown: bool,
    pub(crate) scopes: Names,
    claims: Vec<Claim>,
}

impl Facts {
    /// The image these facts were built for. With another image, the decision is `internal`.
    pub fn policy(&self) -> ImageId {
        self.policy
    }

    /// The token's issuer, by the first spelling that the policy lists for it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The token's subject, if it has one.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The token's groups, sorted; none if they are unknown.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let known = self.groups.texts.iter().filter(|_| !self.groups_unknown);
        known.map(|group| &**group)
    }

    pub(crate) fn claim(&self, slot: u16) -> &Claim {
        self.claims
            .get(usize::from(slot))
            .unwrap_or(&Claim::Missing)
    }
}

/// Collects facts for one image.
#[derive(Debug)]
pub struct FactsBuilder<'i, B> {
    image: &'i Image<B>,
    facts: Facts,
}

impl<'i, B: AsRef<[u8]>> FactsBuilder<'i, B> {
    /// Empty facts: no issuer, no subject, no groups, no scopes, every claim missing.
    pub fn new(image: &'i Image<B>) -> Self {
        let mut claims = Vec::new();
        claims.resize_with(image.claim_count(), Claim::default);
        let facts = Facts {
            policy: image.id(),
            issuer: Box::default(),
            subject: None,
            groups: Names::default(),
            groups_unknown: false,
            scopes: Names::default(),
            claims,
        };
        Self { image, facts }
    }

    /// Sets the issuer.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.facts.issuer = issuer.into();
        self
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(mut self, subject: Option<&str>) -> Self {
        self.facts.subject = subject.map(Box::from);
        self
    }

    /// Adds a group. Groups beyond [`MAX_GROUPS`] are dropped, so they grant nothing.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        if self.facts.groups.texts.len() < MAX_GROUPS {
            self.facts.groups.insert(group, self.image.name_id(group));
        }
        self
    }

    /// Makes the groups unknown, even if some were added. Then no allow for a group matches, and every deny for
    /// a group does.
    #[must_use]
    pub fn unknown_groups(mut self) -> Self {
        self.facts.groups_unknown = true;
        self
    }

    /// Adds a scope. Scopes beyond [`MAX_GROUPS`] are dropped, so they grant nothing.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        if self.facts.scopes.texts.len() < MAX_GROUPS {
            self.facts.scopes.insert(scope, self.image.name_id(scope));
        }
        self
    }

    /// Sets a declared claim. A value of another type than declared is kept as [`Claim::WrongType`].
    #[must_use]
    pub fn claim(mut self, slot: u16, value: Claim) -> Self {
        let kind = self.image.claim_kind(slot);
        if let Some(place) = self.facts.claims.get_mut(usize::from(slot)) {
            *place = if kind.is_some_and(|kind| value.has_kind(kind)) {
                value
            } else {
                Claim::WrongType
            };
        }
        self
    }

    /// The facts.
    pub fn build(self) -> Facts {
        self.facts
    }
}
