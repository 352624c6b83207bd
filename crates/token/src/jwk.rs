//! One JSON Web Key (RFC 7517), judged: is this a key that signatures may be verified with?
//!
//! A key is judged once, when it is loaded, so that a weak or leaked one never meets a token. Members
//! that say nothing about the key itself (`x5c`, `x5t` …) are ignored. Not here: key sets, and which
//! issuer a key belongs to.

pub(crate) mod curve;
mod rsa;

use alloc::{boxed::Box, vec::Vec};

use crate::{
    algorithm::Algorithm,
    base64url,
    error::{KeyFault, SkipReason},
    json::{Document, Value},
    provider::{Curve, KeyMaterial},
};

/// A judged key that came without a set, for the bytes layer ([`jws::verify`](crate::jws::verify)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) material: KeyMaterial,
}

impl Jwk {
    /// Reads and judges one key. Unlike in a key set, `kid` is not needed and a shared secret
    /// (`oct`) is taken.
    ///
    /// # Errors
    /// If it is not a key, is weak or private, or is not for verifying signatures.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        let document = Document::parse(json.to_vec()).map_err(|_| KeyFault::NotJson)?;
        if !document.root().is_object() {
            return Err(KeyFault::NotJson.into());
        }
        judge(document.root(), Origin::Alone)
    }

    /// The key's `alg`, if it has one.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The key's bytes.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }
}

/// Why one key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// It is bad.
    Bad(KeyFault),
    /// It may be good, but not for this.
    Skipped(SkipReason),
}

impl From<KeyFault> for JwkError {
    fn from(fault: KeyFault) -> Self {
        Self::Bad(fault)
    }
}

impl core::fmt::Display for JwkError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Bad(fault) => fault.fmt(f),
            Self::Skipped(reason) => reason.fmt(f),
        }
    }
}

impl core::error::Error for JwkError {}

/// Where a key came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A public key set, possibly fetched: it may hold public keys only.
    Set,
    /// Given by hand.
    Alone,
}

/// Judges a JSON object as a key for verifying signatures.
pub(crate) fn judge(jwk: Value<'_>, origin: Origin) -> Result<Jwk, JwkError> {
    let kty = text(jwk, "kty")?.ok_or(KeyFault::MissingMember("kty"))?;
    let is_secret = kty == "oct";
    // First what has leaked, whatever the key is for.
    if is_secret && origin == Origin::Set {
        return Err(KeyFault::SecretInKeySet.into());
    }
    let leaks = |(name, value): (&str, Value<'_>)| {
        !value.is_null() && (PRIVATE.contains(&name) || (name == "k" && !is_secret))
    };
    if jwk.members().is_some_and(|mut members| members.any(leaks)) {
        return Err(KeyFault::PrivateKey.into());
    }
    require_purpose(jwk)?;
    let algorithm = match text(jwk, "alg")? {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(|| unknown_algorithm(name))?),
    };
    let material = match kty {
        "RSA" => rsa_key(jwk)?,
        "EC" => ec_key(jwk, algorithm)?,
        "OKP" => okp_key(jwk, algorithm)?,
        "oct" => secret_key(jwk)?,
        _ => return Err(JwkError::Skipped(SkipReason::Unsupported)),
    };
    if let Some(algorithm) = algorithm
        && !material.fits(algorithm)
    {
        return Err(match (&material, algorithm.key_kind()) {
            (KeyMaterial::Hmac { .. }, crate::KeyKind::Hmac) => KeyFault::ShortSecret,
            _ => KeyFault::AlgorithmMismatch,
        }
        .into());
    }
    Ok(Jwk {
        algorithm,
        material,
    })
}

/// `use` and `key_ops`, where present, must allow verifying.
fn require_purpose(jwk: Value<'_>) -> Result<(), JwkError> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(JwkError::Skipped(SkipReason::NotForSignatures));
    }
    if let Some(value) = member(jwk, "key_ops") {
        let mut operations = value.strings().ok_or(KeyFault::BadMember("key_ops"))?;
        if !operations.contains(&"verify") {
            return Err(JwkError::Skipped(SkipReason::NotForSignatures));
        }
        operations.sort_unstable();
        if !operations.is_sorted_by(|a, b| a < b) {
            return Err(KeyFault::BadMember("key_ops").into());
        }
    }
    Ok(())
}

/// An algorithm that is not ours: for encryption (RFC 7518 §4.1), or one that we do not have.
fn unknown_algorithm(name: &str) -> JwkError {
    let encrypts = [
        "RSA-OAEP", "RSA1_5", "ECDH-ES", "A128", "A192", "A256", "PBES2", "dir",
    ];
    JwkError::Skipped(if encrypts.iter().any(|prefix| name.starts_with(prefix)) {
        SkipReason::NotForSignatures
    } else {
        SkipReason::Unsupported
    })
}

fn secret_key(jwk: Value<'_>) -> Result<KeyMaterial, KeyFault> {
    let material = KeyMaterial::Hmac {
        k: bytes(jwk, "k")?,
    };
    let usable = material.fits(Algorithm::HS256);
    usable.then_some(material).ok_or(KeyFault::ShortSecret)
}

fn rsa_key(jwk: Value<'_>) -> Result<KeyMaterial, KeyFault> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    rsa::judge(&n, &e)?;
    Ok(KeyMaterial::Rsa { n, e })
}

/// An unsigned number. Java writes the leading zero octet of a positive one, which RFC 7518 §6.3.1 forbids;
/// the number is the same.
fn number(jwk: Value<'_>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let mut bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

fn ec_key(jwk: Value<'_>, algorithm: Option<Algorithm>) -> Result<KeyMaterial, JwkError> {
    let curve = match text(jwk, "crv")?.ok_or(KeyFault::MissingMember("crv"))? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        _ => return Err(unsupported_curve(algorithm)),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != curve.coordinate_len() || y.len() != curve.coordinate_len() {
        return Err(KeyFault::CoordinateLength.into());
    }
    if !curve::is_on_nist_curve(curve, &x, &y) {
        return Err(KeyFault::NotOnCurve.into());
    }
    Ok(KeyMaterial::Ec { curve, x, y })
}

fn okp_key(jwk: Value<'_>, algorithm: Option<Algorithm>) -> Result<KeyMaterial, JwkError> {
    if text(jwk, "crv")?.ok_or(KeyFault::MissingMember("crv"))? != "Ed25519" {
        return Err(unsupported_curve(algorithm));
    }
    let x = bytes(jwk, "x")?;
    let x = <[u8; 32]>::try_from(x.as_slice()).map_err(|_| KeyFault::CoordinateLength)?;
    if !curve::is_good_ed25519_key(&x) {
        return Err(KeyFault::BadEd25519.into());
    }
    Ok(KeyMaterial::Ed25519 { x })
}

/// A curve of another algorithm is none of our business, but not under the name of one of ours.
fn unsupported_curve(algorithm: Option<Algorithm>) -> JwkError {
    match algorithm {
        // Ed448 is EdDSA too.
        None | Some(Algorithm::EdDSA) => JwkError::Skipped(SkipReason::Unsupported),
        Some(_) => KeyFault::AlgorithmMismatch.into(),
    }
}

/// A member; `null`, which many libraries write for what they do not have, is none.
pub(crate) fn member<'a>(jwk: Value<'a>, name: &str) -> Option<Value<'a>> {
    jwk.member(name).filter(|value| !value.is_null())
}

/// A member that must be a string if it is present.
pub(crate) fn text<'a>(jwk: Value<'a>, name: &'static str) -> Result<Option<&'a str>, KeyFault> {
    match member(jwk, name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(KeyFault::BadMember(name)),
    }
}

fn bytes(jwk: Value<'_>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let text = text(jwk, name)?.ok_or(KeyFault::MissingMember(name))?;
    let text = unpadded(text.as_bytes()).ok_or(KeyFault::BadMember(name))?;
    base64url::decode(text).ok_or(KeyFault::BadMember(name))
}

/// The text without correct base64 padding, which some libraries add although RFC 7515 §2 forbids it.
fn unpadded(text: &[u8]) -> Option<&[u8]> {
    let end = text
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let is_correct = end == text.len() || (text.len().is_multiple_of(4) && text.len() - end <= 2);
    is_correct.then_some(text.get(..end)?)
}

/// A `kid` that a key may have, in a set or beside a secret.
pub(crate) fn judge_kid(kid: &str) -> Result<Box<str>, KeyFault> {
    if kid.is_empty() || kid.len() > MAX_KID_BYTES {
        return Err(KeyFault::BadKid);
    }
    Ok(kid.into())
}

/// Longest `kid`, in bytes, in keys and in tokens.
pub const MAX_KID_BYTES: usize = 128;

/// Members that only private keys have (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

#[cfg(test)]
mod tests;
