//! One JSON Web Key (RFC 7517): is it valid for verifying signatures?
//!
//! A key is validated once, when it is loaded, so that a weak or leaked key never verifies a token.
//! Members that do not describe the key itself (`x5c`, `x5t` …) are ignored. Not here: key sets,
//! and the issuer that a key belongs to.

mod rsa;

use alloc::{boxed::Box, vec::Vec};

use crate::{
    algorithm::Algorithm,
    base64url,
    curve::{self, Curve},
    error::{KeyErrorKind, SkipReason},
    json::{Document, Value},
    provider::KeyMaterial,
};

/// A validated key without a set, for the byte layer ([`jws::verify`](crate::jws::verify)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) material: KeyMaterial,
}

impl Jwk {
    /// Parses and validates one key. Unlike in a key set, `kid` is not required and a shared secret
    /// (`oct`) is accepted.
    ///
    /// # Errors
    /// Returns an error if it is not a key, is weak or private, or is not for verifying signatures.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        let document = Document::parse(json.to_vec()).map_err(|_| KeyErrorKind::NotJson)?;
        if !document.root().is_object() {
            return Err(KeyErrorKind::NotJson.into());
        }
        validate(document.root(), Origin::Single)
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

/// The reason why a key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// It is invalid.
    Bad(KeyErrorKind),
    /// It may be valid, but not for this purpose.
    Skipped(SkipReason),
}

impl From<KeyErrorKind> for JwkError {
    fn from(fault: KeyErrorKind) -> Self {
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

/// The origin of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A public key set, possibly fetched: only public keys are accepted.
    Set,
    /// A single key, supplied by the caller.
    Single,
}

/// Validates a JSON object as a key for verifying signatures.
pub(crate) fn validate(jwk: Value<'_>, origin: Origin) -> Result<Jwk, JwkError> {
    let kty = text(jwk, "kty")?.ok_or(KeyErrorKind::MissingMember("kty"))?;
    let is_secret = kty == "oct";
    // Leaked keys first, whatever their purpose.
    if is_secret && origin == Origin::Set {
        return Err(KeyErrorKind::SecretInKeySet.into());
    }
    let leaks = |(name, value): (&str, Value<'_>)| {
        !value.is_null() && (PRIVATE.contains(&name) || (name == "k" && !is_secret))
    };
    if jwk.members().is_some_and(|mut members| members.any(leaks)) {
        return Err(KeyErrorKind::PrivateKey.into());
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
            (KeyMaterial::Hmac { .. }, crate::KeyKind::Hmac) => KeyErrorKind::ShortSecret,
            _ => KeyErrorKind::AlgorithmMismatch,
        }
        .into());
    }
    Ok(Jwk {
        algorithm,
        material,
    })
}

/// Requires that `use` and `key_ops`, where present, allow verifying.
fn require_purpose(jwk: Value<'_>) -> Result<(), JwkError> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(JwkError::Skipped(SkipReason::NotForSignatures));
    }
    if let Some(value) = member(jwk, "key_ops") {
        let mut operations = value.strings().ok_or(KeyErrorKind::BadMember("key_ops"))?;
        if !operations.contains(&"verify") {
            return Err(JwkError::Skipped(SkipReason::NotForSignatures));
        }
        operations.sort_unstable();
        if !operations.is_sorted_by(|a, b| a < b) {
            return Err(KeyErrorKind::BadMember("key_ops").into());
        }
    }
    Ok(())
}

/// The error for an unsupported algorithm: it is for encryption (RFC 7518 §4.1), or unknown.
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

fn secret_key(jwk: Value<'_>) -> Result<KeyMaterial, KeyErrorKind> {
    let material = KeyMaterial::Hmac {
        k: bytes(jwk, "k")?,
    };
    let usable = material.fits(Algorithm::HS256);
    usable.then_some(material).ok_or(KeyErrorKind::ShortSecret)
}

fn rsa_key(jwk: Value<'_>) -> Result<KeyMaterial, KeyErrorKind> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    rsa::validate(&n, &e)?;
    Ok(KeyMaterial::Rsa { n, e })
}

/// An unsigned number. Java writes a leading zero octet for some, which RFC 7518 §6.3.1 forbids; it
/// does not change the number.
fn number(jwk: Value<'_>, name: &'static str) -> Result<Vec<u8>, KeyErrorKind> {
    let mut bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

fn ec_key(jwk: Value<'_>, algorithm: Option<Algorithm>) -> Result<KeyMaterial, JwkError> {
    let curve = match text(jwk, "crv")?.ok_or(KeyErrorKind::MissingMember("crv"))? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        _ => return Err(unsupported_curve(algorithm)),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != curve.coordinate_len() || y.len() != curve.coordinate_len() {
        return Err(KeyErrorKind::CoordinateLength.into());
    }
    if !curve::is_on_nist_curve(curve, &x, &y) {
        return Err(KeyErrorKind::NotOnCurve.into());
    }
    Ok(KeyMaterial::Ec { curve, x, y })
}

fn okp_key(jwk: Value<'_>, algorithm: Option<Algorithm>) -> Result<KeyMaterial, JwkError> {
    if text(jwk, "crv")?.ok_or(KeyErrorKind::MissingMember("crv"))? != "Ed25519" {
        return Err(unsupported_curve(algorithm));
    }
    let x = bytes(jwk, "x")?;
    let x = <[u8; 32]>::try_from(x.as_slice()).map_err(|_| KeyErrorKind::CoordinateLength)?;
    if !curve::is_valid_ed25519_key(&x) {
        return Err(KeyErrorKind::BadEd25519.into());
    }
    Ok(KeyMaterial::Ed25519 { x })
}

/// The error for an unsupported curve: the key is skipped, unless `alg` claims a supported
/// algorithm.
fn unsupported_curve(algorithm: Option<Algorithm>) -> JwkError {
    match algorithm {
        // Ed448 is EdDSA too.
        None | Some(Algorithm::EdDSA) => JwkError::Skipped(SkipReason::Unsupported),
        Some(_) => KeyErrorKind::AlgorithmMismatch.into(),
    }
}

/// A member; `null`, which many libraries write for missing values, counts as absent.
pub(crate) fn member<'a>(jwk: Value<'a>, name: &str) -> Option<Value<'a>> {
    jwk.member(name).filter(|value| !value.is_null())
}

/// The value of a member that must be a string if present.
pub(crate) fn text<'a>(
    jwk: Value<'a>,
    name: &'static str,
) -> Result<Option<&'a str>, KeyErrorKind> {
    match member(jwk, name) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .map(Some)
            .ok_or(KeyErrorKind::BadMember(name)),
    }
}

fn bytes(jwk: Value<'_>, name: &'static str) -> Result<Vec<u8>, KeyErrorKind> {
    let text = text(jwk, name)?.ok_or(KeyErrorKind::MissingMember(name))?;
    let text = unpadded(text.as_bytes()).ok_or(KeyErrorKind::BadMember(name))?;
    base64url::decode(text).ok_or(KeyErrorKind::BadMember(name))
}

/// The text without correct base64 padding, which some libraries add although RFC 7515 §2 forbids
/// it.
fn unpadded(text: &[u8]) -> Option<&[u8]> {
    let end = text
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let is_correct = end == text.len() || (text.len().is_multiple_of(4) && text.len() - end <= 2);
    is_correct.then_some(text.get(..end)?)
}

/// Validates a `kid`, of a key in a set or of a secret.
pub(crate) fn validate_kid(kid: &str) -> Result<Box<str>, KeyErrorKind> {
    if kid.is_empty() || kid.len() > MAX_KID_BYTES {
        return Err(KeyErrorKind::BadKid);
    }
    Ok(kid.into())
}

/// Maximum length of `kid`, in bytes, in keys and in tokens.
pub const MAX_KID_BYTES: usize = 128;

/// Members that only private keys have (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

#[cfg(test)]
mod tests;
