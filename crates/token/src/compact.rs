//! The compact serialization of a token: three dot-separated parts (RFC 7515 §7.1), and its header.
//!
//! Nothing in this module is trusted yet. The header only selects among the configured keys.
//! Members that offer keys or locations of keys (`jwk`, `jku`, `x5u`, `x5c`) are never read. Not
//! here: claims.

use crate::{
    algorithm::Algorithm,
    base64url,
    error::TokenError,
    json::{Document, JsonFault},
    jwk::MAX_KID_BYTES,
};

/// A token split into its parts, all still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// Header, dot and payload: the signed bytes.
    pub(crate) signing_input: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Splits a token. The caller has checked its length. The payload may be empty.
    pub(crate) fn split(token: &'a [u8]) -> Result<Self, TokenError> {
        let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (Some((first, _)), Some((second, _)), None) = (dots.next(), dots.next(), dots.next())
        else {
            return Err(TokenError::Malformed);
        };
        let part = |range: core::ops::Range<usize>| token.get(range).unwrap_or_default();
        let parts = Self {
            header: part(0..first),
            payload: part(first + 1..second),
            signature: part(second + 1..token.len()),
            signing_input: part(0..second),
        };
        if parts.header.is_empty() || parts.signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(parts)
    }
}

/// A decoded header without extensions that change the meaning of the signature.
#[derive(Debug)]
pub(crate) struct Header(Document);

impl Header {
    pub(crate) fn decode(part: &[u8]) -> Result<Self, TokenError> {
        let text = base64url::decode(part).ok_or(TokenError::BadEncoding)?;
        let document = Document::parse(text).map_err(|error| match error.fault {
            JsonFault::DuplicateName => TokenError::DuplicateName,
            _ => TokenError::BadHeader,
        })?;
        if !document.root().is_object() {
            return Err(TokenError::BadHeader);
        }
        // `crit` names extensions that must be understood (Tollgate has none), `b64` signs other bytes than are sent (RFC 7797), and `zip` would require decompression.
        let changes_meaning = |name: &&str| document.root().member(name).is_some();
        if ["crit", "b64", "zip"].iter().any(changes_meaning) {
            return Err(TokenError::UnsupportedCrit);
        }
        Ok(Self(document))
    }

    pub(crate) fn algorithm(&self) -> Result<Algorithm, TokenError> {
        let name = self.text("alg")?.ok_or(TokenError::BadHeader)?;
        Algorithm::from_name(name).ok_or(TokenError::AlgNotAllowed)
    }

    /// The key ID, if the token has one.
    pub(crate) fn kid(&self) -> Result<Option<&str>, TokenError> {
        let kid = self.text("kid")?;
        if kid.is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            Err(TokenError::BadHeader)
        } else {
            Ok(kid)
        }
    }

    /// Rejects nested tokens and tokens of another declared type (RFC 8725 §3.11). `application/`
    /// may be omitted (RFC 7515 §4.1.9).
    pub(crate) fn require_jwt(&self) -> Result<(), TokenError> {
        let root = self.0.root();
        if root.member("cty").is_some() {
            return Err(TokenError::BadTyp);
        }
        let Some(typ) = root.member("typ") else {
            return Ok(());
        };
        let typ = typ.as_str().ok_or(TokenError::BadTyp)?;
        let ours = ["JWT", "at+jwt", "application/JWT", "application/at+jwt"]
            .iter()
            .any(|name| typ.eq_ignore_ascii_case(name));
        if ours {
            Ok(())
        } else {
            Err(TokenError::BadTyp)
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, TokenError> {
        match self.0.root().member(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(TokenError::BadHeader),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec};

    use super::*;
    use TokenError::*;

    #[test]
    fn splits_at_exactly_two_dots() {
        let parts = Parts::split(b"aa.bbb.c").unwrap();
        assert_eq!(
            (parts.header, parts.payload, parts.signature),
            (&b"aa"[..], &b"bbb"[..], &b"c"[..])
        );
        assert_eq!(parts.signing_input, b"aa.bbb");
        assert_eq!(Parts::split(b"a..c").unwrap().payload, b"");
        for token in [
            "",
            "a",
            "a.b",
            "a.b.",
            ".b.c",
            "a.b.c.",
            ".a.b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "..",
            "...",
        ] {
            assert_eq!(Parts::split(token.as_bytes()), Err(Malformed), "{token:?}");
        }
        assert_eq!(Parts::split(&vec![b'.'; 1_000_000]), Err(Malformed));
    }

    /// The result of the whole header layer.
    fn read(json: &str) -> Result<(Algorithm, String), TokenError> {
        let header = Header::decode(&base64url::encode(json.as_bytes()))?;
        let algorithm = header.algorithm()?;
        header.require_jwt()?;
        Ok((algorithm, header.kid()?.unwrap_or("(none)").into()))
    }

    #[test]
    fn takes_headers() {
        for rest in [
            "",
            r#","typ":"JWT""#,
            r#","typ":"jwt""#,
            r#","typ":"at+jwt""#,
            r#","typ":"AT+JWT""#,
            r#","typ":"application/at+jwt""#,
            r#","typ":"Application/JWT""#,
            r#","jku":"https://evil.example/","x5u":1,"x5c":[],"jwk":{"kty":"oct"},"foo":{"crit":1}"#,
        ] {
            let json = format!(r#"{{"alg":"RS256","kid":"a\u0062"{rest}}}"#);
            assert_eq!(read(&json), Ok((Algorithm::RS256, "ab".into())), "{json}");
        }
    }

    #[test]
    fn a_token_need_not_name_its_key() {
        let none = Ok((Algorithm::EdDSA, "(none)".into()));
        assert_eq!(read(r#"{"alg":"Ed25519"}"#), none);
    }

    #[test]
    fn the_longest_name_of_a_key() {
        let name = "k".repeat(MAX_KID_BYTES);
        let json = format!(r#"{{"alg":"RS256","kid":"{name}"}}"#);
        assert_eq!(read(&json), Ok((Algorithm::RS256, name)));
    }

    #[test]
    fn refuses_headers() {
        let long = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(129));
        for (json, error) in [
            ("", BadHeader),
            ("null", BadHeader),
            ("[]", BadHeader),
            ("{}", BadHeader),
            (r#"{"kid":"a"}"#, BadHeader),
            (r#"{"alg":null,"kid":"a"}"#, BadHeader),
            (r#"{"alg":["RS256"],"kid":"a"}"#, BadHeader),
            (r#"{"alg":"RS256","kid":1}"#, BadHeader),
            (r#"{"alg":"RS256","kid":null}"#, BadHeader),
            (&long, BadHeader),
            (r#"{"alg":"none","kid":"a"}"#, AlgNotAllowed),
            (r#"{"alg":"nOnE","kid":"a"}"#, AlgNotAllowed),
            (r#"{"alg":"","kid":"a"}"#, AlgNotAllowed),
            (r#"{"alg":"rs256","kid":"a"}"#, AlgNotAllowed),
            (r#"{"alg":"RS256","kid":"a","crit":[]}"#, UnsupportedCrit),
            (r#"{"alg":"RS256","kid":"a","crit":null}"#, UnsupportedCrit),
            (
                r#"{"alg":"RS256","kid":"a","\u0063rit":["exp"]}"#,
                UnsupportedCrit,
            ),
            (r#"{"alg":"RS256","kid":"a","b64":true}"#, UnsupportedCrit),
            (r#"{"alg":"RS256","kid":"a","zip":"DEF"}"#, UnsupportedCrit),
            (r#"{"alg":"RS256","kid":"a","cty":"JWT"}"#, BadTyp),
            (r#"{"alg":"RS256","kid":"a","cty":null}"#, BadTyp),
            (r#"{"alg":"RS256","kid":"a","typ":null}"#, BadTyp),
            (r#"{"alg":"RS256","kid":"a","typ":""}"#, BadTyp),
            (r#"{"alg":"RS256","kid":"a","typ":"JWT "}"#, BadTyp),
            (
                r#"{"alg":"RS256","kid":"a","typ":"application/logout+jwt"}"#,
                BadTyp,
            ),
            (
                r#"{"alg":"RS256","kid":"a","typ":"application/application/jwt"}"#,
                BadTyp,
            ),
            (r#"{"alg":"RS256","kid":"a","typ":"JOSE"}"#, BadTyp),
            (r#"{"alg":"RS256","kid":"a","typ":"logout+jwt"}"#, BadTyp),
            (r#"{"alg":"none","kid":"a","alg":"RS256"}"#, DuplicateName),
            (
                r#"{"alg":"none","kid":"a","\u0061lg":"RS256"}"#,
                DuplicateName,
            ),
            (
                r#"{"alg":"RS256","kid":"a","x":{"y":1,"y":2}}"#,
                DuplicateName,
            ),
        ] {
            assert_eq!(read(json), Err(error), "{json}");
        }
        assert_eq!(Header::decode(b"e30=").unwrap_err(), BadEncoding);
        assert_eq!(Header::decode(b"e31").unwrap_err(), BadEncoding);
    }
}
