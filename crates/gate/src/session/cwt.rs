//! Sessions as CBOR Web Tokens: COSE_Mac0 with HS256, the form that CloudFront's `cf.cwt` accepts.
//!
//! `17([protected, unprotected, payload, tag])`, without the optional tag 61. Protected is `{1: 5}`
//! (HMAC 256/256), unprotected `{4: kid}`. The payload is a map: 1 `iss`, 2 `sub`, 3 `aud`, 4 `exp`,
//! 6 `iat`, 9 `scope` (RFC 8392, RFC 8693), `auth_time`, `idp`, `reads`, `groups`, `elsewhere` and `claims`
//! as in the JWT. A session for one course also has 312 `catu`, the Common Access Token's claim for URLs:
//! `{3: {1: path}}`, the path begins with the base path of the course. CloudFront checks only the tag, so a
//! function that reads such a token there must check `exp`, `aud` and all other claims.
//!
//! Not here: CWTs of other issuers, and other algorithms.

use alloc::{boxed::Box, vec::Vec};
use core::convert::Infallible;

use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use tollgate_core::Claim;

use super::claims::Content;

/// COSE_Mac0 (RFC 9052 §6.2).
const MAC0: u64 = 17;
/// CWT (RFC 8392 §6).
const CWT: u64 = 61;
/// `{1: 5}`: the algorithm is HMAC 256/256.
const PROTECTED: [u8; 3] = [0xA1, 0x01, 0x05];

/// Header parameter: the key ID.
const KID: u64 = 4;
/// Claims by number.
const ISS: u64 = 1;
const SUB: u64 = 2;
const AUD: u64 = 3;
const EXP: u64 = 4;
const IAT: u64 = 6;
const SCOPE: u64 = 9;
const CATU: u64 = 312;
/// Inside `catu`: the path component, and the match type "prefix".
const PATH: u64 = 3;
const PREFIX: u64 = 1;

type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// A parsed token. None of it is trusted before its tag is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The protected header, encoded.
    pub protected: Vec<u8>,
    /// The key ID, if the token has one.
    pub kid: Option<Vec<u8>>,
    /// The claims, encoded.
    pub payload: Vec<u8>,
    /// The tag: the MAC of [`signed`](Self::signed).
    pub tag: Vec<u8>,
}

impl Parts {
    /// Parses a COSE_Mac0 token, with or without the CWT tag; `None` for any other token.
    pub fn read(token: &[u8]) -> Option<Self> {
        let mut read = Decoder::new(token);
        if read.tag().ok()?.as_u64() == CWT {
            read.tag().ok().filter(|tag| tag.as_u64() == MAC0)?;
        } else {
            let mut again = Decoder::new(token);
            again.tag().ok().filter(|tag| tag.as_u64() == MAC0)?;
        }
        if read.array().ok()?? != 4 {
            return None;
        }
        let protected = read.bytes().ok()?.to_vec();
        let mut kid = None;
        for _ in 0..read.map().ok()?? {
            if read.datatype().ok()? == Type::U8 && read.u64().ok()? == KID {
                kid = Some(read.bytes().ok()?.to_vec());
            } else {
                read.skip().ok()?;
            }
        }
        let payload = read.bytes().ok()?.to_vec();
        let tag = read.bytes().ok()?.to_vec();
        (read.position() == token.len()).then_some(Self {
            protected,
            kid,
            payload,
            tag,
        })
    }

    /// The bytes that the tag is the MAC of (RFC 9052 §6.3).
    pub fn signed(&self) -> Option<Vec<u8>> {
        signed(&self.protected, &self.payload)
    }

    /// Whether the protected header specifies HMAC 256/256.
    pub fn is_hs256(&self) -> bool {
        self.protected == PROTECTED
    }
}

fn signed(protected: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let mut out = Encoder::new(Vec::new());
    let mut write = || -> Written {
        out.array(4)?
            .str("MAC0")?
            .bytes(protected)?
            .bytes(&[])?
            .bytes(payload)?;
        Ok(())
    };
    write().ok()?;
    Some(out.into_writer())
}

/// Encodes a session in this form; `None` if it cannot be signed.
pub(super) fn mint(
    content: &Content<'_>,
    kid: &str,
    path: &str,
    sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut payload = Encoder::new(Vec::new());
    claims(&mut payload, content, path).ok()?;
    let payload = payload.into_writer();
    let tag = sign(&signed(&PROTECTED, &payload)?)?;
    let mut out = Encoder::new(Vec::new());
    let mut write = || -> Written {
        out.tag(Tag::new(MAC0))?.array(4)?.bytes(&PROTECTED)?;
        out.map(1)?.u64(KID)?.bytes(kid.as_bytes())?;
        out.bytes(&payload)?.bytes(&tag)?;
        Ok(())
    };
    write().ok()?;
    Some(out.into_writer())
}

fn claims(out: &mut Encoder<Vec<u8>>, content: &Content<'_>, path: &str) -> Written {
    let optional = [
        content.subject.is_some(),
        content.base.is_some(),
        !content.groups.is_empty(),
        content.elsewhere,
        !content.scopes.is_empty(),
        !content.declared.is_empty(),
    ];
    let count = 7 + optional.into_iter().filter(|present| *present).count();
    out.map(count as u64)?;
    out.u64(ISS)?.str(content.issuer)?;
    if let Some(subject) = content.subject {
        out.u64(SUB)?.str(subject)?;
    }
    out.u64(AUD)?.str(content.site)?;
    out.u64(EXP)?.i64(content.expires_at)?;
    out.u64(IAT)?.i64(content.issued_at)?;
    out.str("auth_time")?.i64(content.auth_time)?;
    out.str("idp")?.str(content.idp)?;
    out.str("reads")?.str(&content.reads)?;
    if !content.scopes.is_empty() {
        out.u64(SCOPE)?.str(&content.scopes.join(" "))?;
    }
    if content.base.is_some() {
        out.u64(CATU)?.map(1)?.u64(PATH)?.map(1)?;
        out.u64(PREFIX)?.str(path)?;
    }
    if !content.groups.is_empty() {
        out.str("groups")?;
        list(out, content.groups.iter().copied())?;
    }
    if content.elsewhere {
        out.str("elsewhere")?.bool(true)?;
    }
    if content.declared.is_empty() {
        return Ok(());
    }
    out.str("claims")?.map(content.declared.len() as u64)?;
    for (name, value) in &content.declared {
        out.str(name)?;
        match value {
            Claim::Missing | Claim::WrongType => _ = out.map(0)?,
            Claim::String(text) => _ = out.str(text)?,
            Claim::Int(number) => _ = out.i64(*number)?,
            Claim::Bool(flag) => _ = out.bool(*flag)?,
            Claim::StringList(texts) => list(out, texts.iter().map(Box::as_ref))?,
        }
    }
    Ok(())
}

fn list<'a>(out: &mut Encoder<Vec<u8>>, texts: impl ExactSizeIterator<Item = &'a str>) -> Written {
    out.array(texts.len() as u64)?;
    for text in texts {
        out.str(text)?;
    }
    Ok(())
}
