//! Reading a session token: its issuer, its content, and whether the policy now reads more than it contains.
//!
//! Signature, times, issuer and audience have already been verified. Not here: which requests it is valid
//! for.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use tollgate_core::{Claim, ClaimKind, Facts, FactsBuilder, Image, facts::MAX_GROUPS};
use tollgate_token::json::Value;
use tollgate_token::{ClaimName, Claims, TokenError, declared};

use super::{MARK_BYTES, SessionConfig, SessionPath};
use crate::config::GateConfig;

/// A session as read under the current policy.
pub(crate) struct Session {
    pub(crate) facts: Facts,
    /// The position of the issuer where the user signed in.
    pub(crate) idp: usize,
    /// The base that the session is bound to.
    pub(crate) base: Option<String>,
}

const MALFORMED: TokenError = TokenError::BadClaim(ClaimName::Session);

impl SessionConfig {
    /// The marks of everything that the policy reads in a session for `path`; `idp` is the position of the
    /// issuer where the user signed in. `None` if no user signs in there.
    pub(super) fn marks<'a>(
        &'a self,
        path: &'a SessionPath,
        idp: usize,
    ) -> Option<impl Iterator<Item = &'a str>> {
        let issuer = self.issuers.get(idp).filter(|mark| !mark.is_empty())?;
        let all = self.claims.iter().chain(&path.marks);
        Some([issuer].into_iter().chain(all).map(String::as_str))
    }

    /// Reads the claims of a session.
    ///
    /// # Errors
    ///
    /// Returns [`SessionOutdated`](TokenError::SessionOutdated) if the policy now reads more than the session
    /// contains, and [`BadClaim`](TokenError::BadClaim) if the token is not a session.
    pub(crate) fn read<B: AsRef<[u8]>>(
        &self,
        claims: &Claims,
        gate: &GateConfig,
        image: &Image<B>,
    ) -> Result<Session, TokenError> {
        let idp = text(claims, "idp")?.ok_or(MALFORMED)?;
        let reads = text(claims, "reads")?.ok_or(MALFORMED)?.as_bytes();
        let base = text(claims, "base")?;
        let outdated = TokenError::SessionOutdated;
        let mut issuers = gate.issuers.iter().enumerate();
        let (at, issuer) = issuers
            .find(|(_, issuer)| issuer.name == idp)
            .ok_or(outdated)?;
        let mut paths = self.paths.iter();
        let path = paths
            .find(|path| path.base.as_deref() == base)
            .ok_or(outdated)?;
        let mut required = self.marks(path, at).ok_or(outdated)?;
        let (known, _) = reads.as_chunks::<MARK_BYTES>();
        if !required.all(|mark| known.iter().any(|known| known == mark.as_bytes())) {
            return Err(outdated);
        }

        let rules = &issuer.claims;
        let subject = claims.subject()?.map(|subject| rules.subject(subject));
        let mut facts = FactsBuilder::new(image)
            .issuer(issuer.issuers.first().map_or("", String::as_str))
            .subject(subject.as_deref());
        // Names that are no longer read are dropped, so that older and newer sessions yield the same facts.
        for group in texts(claims, "groups")? {
            if let Some(group) = rules
                .group(group)
                .filter(|group| path.groups.contain(group))
            {
                facts = facts.group(&group);
            }
        }
        if claims.member("elsewhere").is_some() {
            facts = facts.unknown_groups();
        }
        for scope in texts(claims, "scopes")? {
            if path.scopes.contain(scope) {
                facts = facts.scope(scope);
            }
        }
        let values = claims.member("claims");
        if values.is_some_and(|values| !values.is_object()) {
            return Err(MALFORMED);
        }
        for claim in image.claims() {
            if let Some(value) = values.and_then(|values| values.member(claim.name)) {
                facts = facts.claim(claim.slot, read_claim(value, claim.kind));
            }
        }
        Ok(Session {
            facts: facts.build(),
            idp: at,
            base: base.map(String::from),
        })
    }
}

/// Reads a declared claim. Integers are encoded as strings.
fn read_claim(value: Value<'_>, kind: ClaimKind) -> Claim {
    match kind {
        ClaimKind::Int => {
            let text = value.as_str();
            let number = text.and_then(|text| text.parse().ok());
            let is_plain = |number: &i64| text == Some(number.to_string().as_str());
            number.filter(is_plain).map_or(Claim::WrongType, Claim::Int)
        }
        ClaimKind::String | ClaimKind::Bool | ClaimKind::StringList => declared(value, kind),
    }
}

/// A member that must be a string if it is present.
fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, TokenError> {
    let value = claims.member(name);
    value
        .map(|value| value.as_str().ok_or(MALFORMED))
        .transpose()
}

/// A member that must be an array of strings if it is present.
fn texts<'a>(claims: &'a Claims, name: &str) -> Result<Vec<&'a str>, TokenError> {
    let texts = claims
        .member(name)
        .map(|value| value.strings().ok_or(MALFORMED));
    let texts = texts.transpose()?.unwrap_or_default();
    if texts.len() > MAX_GROUPS {
        Err(TokenError::TooManyGroups)
    } else {
        Ok(texts)
    }
}
