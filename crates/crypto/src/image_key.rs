//! Private keys for policy images: Ed25519, with AWS-LC, as PKCS#8 in PEM.
//!
//! Only the authors' command uses them; no edge is built with this module. Not here: the signed
//! format (`tollgate_gate::signed`).

use alloc::{string::String, vec::Vec};
use core::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use pem_rfc7468::LineEnding;

const LABEL: &str = "PRIVATE KEY";

/// A key pair. Deliberately without `Debug`.
pub struct ImageKey(Ed25519KeyPair);

/// The reason why a private key was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageKeyError {
    /// It is not a single unencrypted PEM block of a private key.
    Pem,
    /// The block does not contain an Ed25519 key.
    Key,
}

/// The library could not generate a key or sign, for example because randomness is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageKeyFailed;

impl ImageKey {
    /// Generates a key.
    ///
    /// # Errors
    ///
    /// Returns an error if the library fails.
    pub fn generate() -> Result<Self, ImageKeyFailed> {
        Ed25519KeyPair::generate()
            .map(Self)
            .map_err(|_| ImageKeyFailed)
    }

    /// Parses a PEM block of PKCS#8, as written by [`ImageKey::to_pem`] and OpenSSL.
    ///
    /// # Errors
    ///
    /// Returns an error for anything else, including a public half that does not match.
    pub fn from_pem(pem: &str) -> Result<Self, ImageKeyError> {
        let (label, der) =
            pem_rfc7468::decode_vec(pem.trim_end().as_bytes()).map_err(|_| ImageKeyError::Pem)?;
        if label != LABEL {
            return Err(ImageKeyError::Pem);
        }
        Ed25519KeyPair::from_pkcs8(&der)
            .map(Self)
            .map_err(|_| ImageKeyError::Key)
    }

    /// The key as PEM, in a form that every version of OpenSSL reads.
    ///
    /// # Errors
    ///
    /// Returns an error if the library fails.
    pub fn to_pem(&self) -> Result<String, ImageKeyFailed> {
        let der = self.0.to_pkcs8v1().map_err(|_| ImageKeyFailed)?;
        pem_rfc7468::encode_string(LABEL, LineEnding::LF, der.as_ref()).map_err(|_| ImageKeyFailed)
    }

    /// The public half, as RFC 8032 encodes it.
    ///
    /// # Errors
    ///
    /// Returns an error if the library cannot encode it.
    pub fn public(&self) -> Result<[u8; 32], ImageKeyFailed> {
        let public = self.0.public_key().as_ref().try_into();
        public.map_err(|_| ImageKeyFailed)
    }

    /// Signs exactly these bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ImageKeyFailed> {
        let signature = self.0.try_sign(message).map_err(|_| ImageKeyFailed)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Display for ImageKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "not a single PEM block of an unencrypted private key",
            Self::Key => "not an Ed25519 key; images are signed with Ed25519",
        })
    }
}

impl core::error::Error for ImageKeyError {}

impl fmt::Display for ImageKeyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptography library could not generate a key or sign")
    }
}

impl core::error::Error for ImageKeyFailed {}
