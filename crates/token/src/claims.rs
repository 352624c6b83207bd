//! A token's claims, read once and kept.
//!
//! A claim that has a meaning to us and another type than it must have is an error, never "absent":
//! that confusion has let expired tokens pass elsewhere (CVE-2026-25537). Claims that the policy
//! declares are different: there a wrong type is a value of its own, which conditions know how to
//! take. Not here: whether anybody signed this.

use alloc::vec::Vec;
use core::fmt;

use tollgate_core::{Claim, ClaimKind, Facts, FactsBuilder, Image, facts::MAX_GROUPS};

use crate::{
    error::TokenError,
    issuer::IssuerConfig,
    json::{Document, JsonFault, Value},
};

/// The claims of a token, or claims given in place of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(Document);

impl Claims {
    /// Reads claims as strictly as those of a token. That they are read says nothing about who wrote
    /// them.
    ///
    /// # Errors
    /// [`DuplicateName`](TokenError::DuplicateName), or [`BadJson`](TokenError::BadJson) for all else
    /// that is not a JSON object.
    ///
    /// # Example
    /// ```
    /// use tollgate_token::{Claims, TokenError};
    ///
    /// let claims = Claims::from_json(br#"{"sub":"u-1","exp":1800000000}"#)?;
    /// assert_eq!(claims.subject()?, Some("u-1"));
    /// assert_eq!(claims.time("exp")?, Some(1_800_000_000));
    /// assert_eq!(claims.time("sub"), Err(TokenError::BadClaim));
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

    /// The value of a claim.
    pub fn member(&self, name: &str) -> Option<Value<'_>> {
        self.0.root().member(name)
    }

    /// A claim that is a string if it is there.
    ///
    /// # Errors
    /// [`BadClaim`](TokenError::BadClaim) if it is something else.
    pub fn string(&self, name: &str) -> Result<Option<&str>, TokenError> {
        match self.member(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(TokenError::BadClaim),
        }
    }

    /// A claim that is a time if it is there: Unix seconds, 0 to 10¹², in plain digits.
    ///
    /// # Errors
    /// [`BadClaim`](TokenError::BadClaim) if it is something else. `1e9`, `1.0` and `-0` are.
    pub fn time(&self, name: &str) -> Result<Option<i64>, TokenError> {
        match self.member(name) {
            None => Ok(None),
            Some(value) => value
                .as_integer()
                .filter(|seconds| (0..=MAX_TIME_SECS).contains(seconds))
                .map(Some)
                .ok_or(TokenError::BadClaim),
        }
    }

    /// The subject, `sub`.
    ///
    /// # Errors
    /// [`BadClaim`](TokenError::BadClaim) if it is not a string.
    pub fn subject(&self) -> Result<Option<&str>, TokenError> {
        self.string("sub")
    }

    /// The groups in the claim of this name; none if there is no such claim.
    ///
    /// # Errors
    /// [`BadClaim`](TokenError::BadClaim) if it is not an array of strings only, or
    /// [`TooManyGroups`](TokenError::TooManyGroups). A single string is not taken for an array.
    pub fn groups(&self, claim: &str) -> Result<Vec<&str>, TokenError> {
        let Some(value) = self.member(claim) else {
            return Ok(Vec::new());
        };
        let groups = value.strings().ok_or(TokenError::BadClaim)?;
        if groups.len() > MAX_GROUPS {
            Err(TokenError::TooManyGroups)
        } else {
            Ok(groups)
        }
    }

    /// The scopes in `scope`, which are separated by spaces; none if there is no such claim.
    ///
    /// # Errors
    /// [`BadClaim`](TokenError::BadClaim) if it is not a string, or
    /// [`TooManyGroups`](TokenError::TooManyGroups).
    pub fn scopes(&self) -> Result<Vec<&str>, TokenError> {
        let text = self.string("scope")?.unwrap_or_default();
        let scopes: Vec<_> = text.split(' ').filter(|scope| !scope.is_empty()).collect();
        if scopes.len() > MAX_GROUPS {
            Err(TokenError::TooManyGroups)
        } else {
            Ok(scopes)
        }
    }

    /// A claim as the policy declares it. Integers are plain (see [`Value::as_integer`]); a list
    /// longer than [`MAX_GROUPS`] counts as wrong, so that no decision depends on half of it.
    pub fn declared(&self, name: &str, kind: ClaimKind) -> Claim {
        let Some(value) = self.member(name) else {
            return Claim::Missing;
        };
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

    /// What these claims say, in the form the policy asks for. Claims without `iss` count as the
    /// issuer's own.
    ///
    /// # Errors
    /// As [`subject`](Self::subject), [`groups`](Self::groups) and [`scopes`](Self::scopes); never
    /// for the claims of a [`Verified`](crate::Verified) token and its issuer.
    pub fn facts<B: AsRef<[u8]>>(
        &self,
        image: &Image<B>,
        issuer: &IssuerConfig,
    ) -> Result<Facts, TokenError> {
        let own = issuer.issuers.first().map_or("", |name| name.as_str());
        let mut facts = FactsBuilder::new(image)
            .issuer(self.string("iss")?.unwrap_or(own))
            .subject(self.subject()?);
        for group in self.groups(&issuer.groups_claim)? {
            facts = facts.group(group);
        }
        for scope in self.scopes()? {
            facts = facts.scope(scope);
        }
        for claim in image.claims() {
            facts = facts.claim(claim.slot, self.declared(claim.name, claim.kind));
        }
        Ok(facts.build())
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The latest time that a claim may name: far enough for anybody, and exact in every language.
pub const MAX_TIME_SECS: i64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;
    use TokenError::{BadClaim, BadJson, DuplicateName, TooManyGroups};

    fn claims(json: &str) -> Claims {
        Claims::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn must_be_an_object() {
        for (json, error) in [
            ("", BadJson),
            ("null", BadJson),
            ("[]", BadJson),
            ("\"{}\"", BadJson),
            ("{}x", BadJson),
            (r#"{"a":1,"a":1}"#, DuplicateName),
            (r#"{"a":{"b":1,"b":1}}"#, DuplicateName),
        ] {
            assert_eq!(Claims::from_json(json.as_bytes()), Err(error), "{json}");
        }
        assert!(Claims::from_json(b"{}").is_ok());
    }

    #[test]
    fn are_shown_as_they_were_written() {
        let text = r#" {"a": 1} "#;
        assert_eq!(format!("{:?}", claims(text)), text);
        assert_eq!(claims(text).text(), text);
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("0", Ok(Some(0))),
            ("1000000000000", Ok(Some(MAX_TIME_SECS))),
            ("1000000000001", Err(BadClaim)),
            ("9007199254740993", Err(BadClaim)),
            ("18446744073709551616", Err(BadClaim)),
            ("-1", Err(BadClaim)),
            ("-0", Err(BadClaim)),
            ("1.0", Err(BadClaim)),
            ("1e3", Err(BadClaim)),
            ("1e400", Err(BadClaim)),
            ("\"1\"", Err(BadClaim)),
            ("null", Err(BadClaim)),
            ("true", Err(BadClaim)),
            ("[1]", Err(BadClaim)),
            ("{}", Err(BadClaim)),
        ] {
            assert_eq!(
                claims(&format!(r#"{{"exp":{text}}}"#)).time("exp"),
                expected,
                "{text}"
            );
        }
        assert_eq!(claims("{}").time("exp"), Ok(None));
    }

    #[test]
    fn groups() {
        for (text, expected) in [
            (r#"["a","b"]"#, Ok(vec!["a", "b"])),
            ("[]", Ok(vec![])),
            (r#"["\u0061"]"#, Ok(vec!["a"])),
            (r#""a""#, Err(BadClaim)),
            (r#"["a",1]"#, Err(BadClaim)),
            (r#"[["a"]]"#, Err(BadClaim)),
            (r#"{"a":true}"#, Err(BadClaim)),
            ("null", Err(BadClaim)),
        ] {
            let claims = claims(&format!(r#"{{"g":{text}}}"#));
            assert_eq!(claims.groups("g"), expected, "{text}");
            assert_eq!(claims.groups("other"), Ok(vec![]));
        }
        let many = |count| claims(&format!(r#"{{"g":["a"{}]}}"#, r#","a""#.repeat(count - 1)));
        assert_eq!(many(MAX_GROUPS).groups("g").unwrap().len(), MAX_GROUPS);
        assert_eq!(many(MAX_GROUPS + 1).groups("g"), Err(TooManyGroups));
    }

    #[test]
    fn scopes() {
        for (text, expected) in [
            (r#""openid course/read""#, Ok(vec!["openid", "course/read"])),
            (r#""  a  b ""#, Ok(vec!["a", "b"])),
            (r#""a\tb""#, Ok(vec!["a\tb"])),
            (r#""""#, Ok(vec![])),
            (r#"["a"]"#, Err(BadClaim)),
            ("null", Err(BadClaim)),
        ] {
            assert_eq!(
                claims(&format!(r#"{{"scope":{text}}}"#)).scopes(),
                expected,
                "{text}"
            );
        }
        assert_eq!(claims("{}").scopes(), Ok(vec![]));
        let many = |count| claims(&format!(r#"{{"scope":"{}"}}"#, "a ".repeat(count)));
        assert_eq!(many(MAX_GROUPS).scopes().unwrap().len(), MAX_GROUPS);
        assert_eq!(many(MAX_GROUPS + 1).scopes(), Err(TooManyGroups));
    }

    #[test]
    fn declared_claims_have_a_wrong_type_not_an_error() {
        let claims =
            claims(r#"{"s":"x","i":-5,"f":1.0,"b":false,"l":["x","y"],"m":["x",1],"n":null}"#);
        let all = [
            ClaimKind::String,
            ClaimKind::Int,
            ClaimKind::Bool,
            ClaimKind::StringList,
        ];
        let list = Claim::StringList(vec!["x".into(), "y".into()]);
        for (name, good, value) in [
            ("s", Some(ClaimKind::String), Claim::String("x".into())),
            ("i", Some(ClaimKind::Int), Claim::Int(-5)),
            ("b", Some(ClaimKind::Bool), Claim::Bool(false)),
            ("l", Some(ClaimKind::StringList), list),
            ("f", None, Claim::WrongType),
            ("m", None, Claim::WrongType),
            ("n", None, Claim::WrongType),
            ("missing", None, Claim::Missing),
        ] {
            for kind in all {
                let expected = match name {
                    "missing" => Claim::Missing,
                    _ if good == Some(kind) => value.clone(),
                    _ => Claim::WrongType,
                };
                assert_eq!(claims.declared(name, kind), expected, "{name} {kind:?}");
            }
        }
    }
}
