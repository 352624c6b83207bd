//! The private keys of policy images: Ed25519, by AWS-LC, as PKCS#8 in PEM.
//!
//! Only the authors' command has them; no edge is built with this. Not here: what is signed, which is
//! `tollgate_gate::signed`'s.

use alloc::{string::String, vec::Vec};
use core::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use pem_rfc7468::LineEnding;

const LABEL: &str = "PRIVATE KEY";

/// A key pair. There is no `Debug` on purpose.
pub struct ImageKey(Ed25519KeyPair);

/// Why a private key is refused. Whoever named it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageKeyError {
    /// It is not one PEM block labelled as a private key without a password.
    Pem,
    /// The block holds no Ed25519 key.
    Key,
}

/// The library could not make a key or a signature, for example for want of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageKeyFailed;

impl ImageKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// If the library fails.
    pub fn generate() -> Result<Self, ImageKeyFailed> {
        Ed25519KeyPair::generate()
            .map(Self)
            .map_err(|_| ImageKeyFailed)
    }

    /// Reads a PEM block of PKCS#8, as [`ImageKey::to_pem`] and OpenSSL write it.
    ///
    /// # Errors
    ///
    /// For anything else, and for a public half in it that is not the key's.
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

    /// The key as PEM, in the form that every version of OpenSSL reads.
    ///
    /// # Errors
    ///
    /// If the library fails.
    pub fn to_pem(&self) -> Result<String, ImageKeyFailed> {
        let der = self.0.to_pkcs8v1().map_err(|_| ImageKeyFailed)?;
        pem_rfc7468::encode_string(LABEL, LineEnding::LF, der.as_ref()).map_err(|_| ImageKeyFailed)
    }

    /// The public half, as RFC 8032 encodes it.
    ///
    /// # Errors
    ///
    /// If the library gives no such encoding.
    pub fn public(&self) -> Result<[u8; 32], ImageKeyFailed> {
        let public = self.0.public_key().as_ref().try_into();
        public.map_err(|_| ImageKeyFailed)
    }

    /// A signature over exactly these bytes.
    ///
    /// # Errors
    ///
    /// If the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ImageKeyFailed> {
        let signature = self.0.try_sign(message).map_err(|_| ImageKeyFailed)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Display for ImageKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "this is not one PEM block of a private key without password",
            Self::Key => "images are signed with Ed25519, and this is another kind of key",
        })
    }
}

impl core::error::Error for ImageKeyError {}

impl fmt::Display for ImageKeyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptography library could not make a key or a signature")
    }
}

impl core::error::Error for ImageKeyFailed {}
