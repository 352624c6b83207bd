//! The claims of a token, parsed once.
//!
//! A claim with a meaning to Tollgate and a wrong type is an error, never "absent": that confusion
//! has let expired tokens pass elsewhere (CVE-2026-25537). `null` counts as absent, except for
//! `exp`. Claims that the policy declares are different: a wrong type is a value of its own, which
//! conditions can handle. Not here: whether the claims are signed.

use alloc::vec::Vec;
use core::fmt;

use tollgate_core::{Claim, ClaimKind, Facts, FactsBuilder, Image, facts::MAX_GROUPS};

use crate::{
    error::{ClaimName, TokenError},
    issuer::{ClaimPath, IssuerConfig},
    json::{Document, JsonFault, Value},
};

/// The claims of a token, or claims given in place of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(Document);

/// The groups that a token contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups<'a> {
    /// The token lists these groups.
    Listed(Vec<&'a str>),
    /// The token refers to another location for them, so they are unknown (OpenID Connect Core
    /// 5.6.2).
    Elsewhere,
}

/// The direction in which a fractional time is rounded to whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Down, for `exp`.
    Down,
    /// Up, for `nbf` and `iat`.
    Up,
}

impl Claims {
    /// Parses claims as strictly as those of a token. The result does not imply that anyone signed
    /// them.
    ///
    /// # Errors
    /// Returns [`DuplicateName`](TokenError::DuplicateName), or [`BadJson`](TokenError::BadJson)
    /// for anything else that is not a JSON object.
    ///
    /// # Example
    /// ```
    /// use tollgate_token::{ClaimName, Claims, Round, TokenError};
    ///
    /// let claims = Claims::from_json(br#"{"sub":"u-1","exp":1800000000.5}"#)?;
    /// assert_eq!(claims.subject()?, Some("u-1"));
    /// assert_eq!(claims.time(ClaimName::Exp, Round::Down)?, Some(1_800_000_000));
    /// # Ok::<(), TokenError>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, TokenError> {
        Self::parse(json.to_vec())
    }

    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, TokenError> {
        let document = Document::parse(json).map_err(|error| match error.fault {
            JsonFault::DuplicateName => TokenError::DuplicateName,
            _ => TokenError::BadJson,
        })?;
        if document.root().is_object() {
            Ok(Self(document))
        } else {
            Err(TokenError::BadJson)
        }
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The value of a claim; `None` also for `null`.
    pub fn member(&self, name: &str) -> Option<Value<'_>> {
        present(self.0.root().member(name))
    }

    /// The claim at `place`, parsed by `read`; `None` if it, or an object on the path to it, is
    /// missing.
    fn at<'a, T>(
        &'a self,
        place: &ClaimPath,
        claim: ClaimName,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        match self.find(place) {
            Ok(None) => Ok(None),
            Ok(Some(value)) => read(value).map(Some).ok_or(TokenError::BadClaim(claim)),
            Err(NotAnObject) => Err(TokenError::BadClaim(claim)),
        }
    }

    fn find(&self, place: &ClaimPath) -> Result<Option<Value<'_>>, NotAnObject> {
        let mut value = self.0.root();
        for name in place.names() {
            if !value.is_object() {
                return Err(NotAnObject);
            }
            match present(value.member(name)) {
                Some(inner) => value = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The value of a claim that must be a string if present.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) if it is not a string.
    pub fn string(&self, claim: ClaimName) -> Result<Option<&str>, TokenError> {
        match self.member(claim.standard()) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(TokenError::BadClaim(claim)),
        }
    }

    /// The value of a claim that must be a time if present: Unix seconds from 0 to 10¹² in plain
    /// digits, with or without a fraction.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) for anything else, such as `1e9` or `-0`.
    pub fn time(&self, claim: ClaimName, round: Round) -> Result<Option<i64>, TokenError> {
        match self.0.root().member(claim.standard()) {
            None => Ok(None),
            // Without `exp` a token never expires, so no other value may count as absent.
            Some(value) if value.is_null() && claim != ClaimName::Exp => Ok(None),
            Some(value) => value
                .as_number()
                .and_then(|text| seconds(text, round))
                .map(Some)
                .ok_or(TokenError::BadClaim(claim)),
        }
    }

    /// The subject, `sub`.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) if it is not a string.
    pub fn subject(&self) -> Result<Option<&str>, TokenError> {
        self.string(ClaimName::Sub)
    }

    /// The time when the user signed in (`auth_time`), if it is a valid time.
    pub fn auth_time(&self) -> Option<i64> {
        seconds(self.member("auth_time")?.as_number()?, Round::Down)
    }

    /// The groups in the claim at `place`: an array of strings, or one string. Empty if the claim
    /// is missing.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) for any other value, or
    /// [`TooManyGroups`](TokenError::TooManyGroups).
    pub fn groups(&self, place: Option<&ClaimPath>) -> Result<Groups<'_>, TokenError> {
        let Some(place) = place else {
            return Ok(Groups::Listed(Vec::new()));
        };
        if self.is_elsewhere(place)? {
            return Ok(Groups::Elsewhere);
        }
        let groups = self.at(place, ClaimName::Groups, one_or_more)?;
        limited(groups.unwrap_or_default()).map(Groups::Listed)
    }

    /// Whether the token refers to another location for the groups: with `_claim_names` (OpenID
    /// Connect Core 5.6.2), or with Entra's `hasgroups`.
    fn is_elsewhere(&self, place: &ClaimPath) -> Result<bool, TokenError> {
        let bad = TokenError::BadClaim(ClaimName::Groups);
        if let Some(names) = self.member("_claim_names") {
            let mut names = names.members().ok_or(bad)?;
            if names.any(|(name, value)| name == place.first() && !value.is_null()) {
                return Ok(true);
            }
        }
        if place.names() != ["groups"] {
            return Ok(false);
        }
        match self.member("hasgroups") {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or(bad),
        }
    }

    /// The scopes in the claim at `place`, or in `scope` or else `scp`: a space-separated string,
    /// or an array of strings. Empty if the claim is missing.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) for any other value, or
    /// [`TooManyGroups`](TokenError::TooManyGroups).
    pub fn scopes(&self, place: Option<&ClaimPath>) -> Result<Vec<&str>, TokenError> {
        let scopes = match place {
            Some(place) => self.at(place, ClaimName::Scopes, words_or_strings)?,
            None => {
                let value = self.member("scope").or_else(|| self.member("scp"));
                let read =
                    |value| words_or_strings(value).ok_or(TokenError::BadClaim(ClaimName::Scopes));
                value.map(read).transpose()?
            }
        };
        limited(scopes.unwrap_or_default())
    }

    /// The values of the claim that names the app client: a string, or an array of strings.
    ///
    /// # Errors
    /// Returns [`BadClaim`](TokenError::BadClaim) for any other value.
    pub(crate) fn clients(&self, claim: &str) -> Result<Vec<&str>, TokenError> {
        match self.member(claim) {
            None => Ok(Vec::new()),
            Some(value) => one_or_more(value).ok_or(TokenError::BadClaim(ClaimName::Client)),
        }
    }

    /// A claim that the policy declares, at `place` or under its own name. Integers are plain (see
    /// [`Value::as_integer`]). A list longer than [`MAX_GROUPS`] counts as a wrong type, so that no
    /// decision depends on part of it.
    pub fn declared(&self, name: &str, place: Option<&ClaimPath>, kind: ClaimKind) -> Claim {
        let value = match place {
            Some(place) => match self.find(place) {
                Ok(value) => value,
                Err(NotAnObject) => return Claim::WrongType,
            },
            None => self.member(name),
        };
        value.map_or(Claim::Missing, |value| declared(value, kind))
    }

    /// The content of these claims in the form that the policy evaluates. `places` contains the
    /// paths of nested declared claims, by slot.
    ///
    /// # Errors
    /// The errors of [`subject`](Self::subject), [`groups`](Self::groups) and
    /// [`scopes`](Self::scopes). Never fails for the claims of a [`Verified`](crate::Verified)
    /// token and its issuer.
    pub fn facts<B: AsRef<[u8]>>(
        &self,
        image: &Image<B>,
        issuer: &IssuerConfig,
        places: &[(u16, ClaimPath)],
    ) -> Result<Facts, TokenError> {
        let rules = &issuer.claims;
        let subject = self.subject()?.map(|subject| rules.subject(subject));
        let mut facts = FactsBuilder::new(image)
            .issuer(issuer.issuers.first().map_or("", |name| name.as_str()))
            .subject(subject.as_deref());
        match self.groups(rules.groups.as_ref())? {
            Groups::Elsewhere => facts = facts.unknown_groups(),
            Groups::Listed(groups) => {
                for group in groups.into_iter().filter_map(|group| rules.group(group)) {
                    facts = facts.group(&group);
                }
            }
        }
        for scope in self.scopes(rules.scopes.as_ref())? {
            facts = facts.scope(scope);
        }
        for claim in image.claims() {
            let place = places.iter().find(|(slot, _)| *slot == claim.slot);
            let place = place.map(|(_, place)| place);
            facts = facts.claim(claim.slot, self.declared(claim.name, place, claim.kind));
        }
        Ok(facts.build())
    }
}

/// The value of a declared claim that is present.
pub fn declared(value: Value<'_>, kind: ClaimKind) -> Claim {
    let claim = match kind {
        ClaimKind::String => value.as_str().map(|text| Claim::String(text.into())),
        ClaimKind::Int => value.as_integer().map(Claim::Int),
        ClaimKind::Bool => value.as_bool().map(Claim::Bool),
        ClaimKind::StringList => value
            .strings()
            .filter(|texts| texts.len() <= MAX_GROUPS)
            .map(|texts| Claim::StringList(texts.into_iter().map(Into::into).collect())),
    };
    claim.unwrap_or(Claim::WrongType)
}

/// A claim path leads through a value that is not an object.
struct NotAnObject;

fn present(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !value.is_null())
}

/// An array of strings, or one string.
fn one_or_more(value: Value<'_>) -> Option<Vec<&str>> {
    match value.as_str() {
        Some(one) => Some(Vec::from([one])),
        None => value.strings(),
    }
}

/// A space-separated string, or an array of strings.
fn words_or_strings(value: Value<'_>) -> Option<Vec<&str>> {
    match value.as_str() {
        Some(text) => Some(text.split(' ').filter(|word| !word.is_empty()).collect()),
        None => value.strings(),
    }
}

fn limited(names: Vec<&str>) -> Result<Vec<&str>, TokenError> {
    if names.len() > MAX_GROUPS {
        Err(TokenError::TooManyGroups)
    } else {
        Ok(names)
    }
}

/// Parses plain digits, with or without a fraction, into whole seconds. The JSON reader has checked
/// the form.
fn seconds(text: &str, round: Round) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let has_rest = fraction.bytes().any(|digit| digit != b'0');
    if whole > MAX_TIME_SECS || (whole == MAX_TIME_SECS && has_rest) {
        return None;
    }
    Some(match round {
        Round::Down => whole,
        Round::Up => whole + i64::from(has_rest),
    })
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The latest time that a claim may contain: sufficient for any token, and exact in every language.
pub const MAX_TIME_SECS: i64 = 1_000_000_000_000;

#[cfg(test)]
mod tests;
