//! Signing for CloudFront: RSA with 2,048 bits and ECDSA on P-256, with SHA-1 or SHA-256.
//!
//! AWS-LC signs with SHA-256. It cannot sign with SHA-1, CloudFront's default, so RustCrypto does,
//! with blinding. Not here: signing tokens.

use alloc::{boxed::Box, vec, vec::Vec};
use core::fmt;

use aws_lc_rs::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
    encoding::AsBigEndian,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
        RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RsaKeyPair, VerificationAlgorithm,
    },
};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::{
    Pkcs1v15Sign, RsaPrivateKey,
    pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey},
    pkcs8::DecodePrivateKey,
};

/// The only RSA size that CloudFront accepts, in bytes.
const RSA_BYTES: usize = 256;

/// The hash function of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningHash {
    /// SHA-1, CloudFront's default.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
}

/// A private key with its hash function.
///
/// Deliberately without `Debug`.
pub struct SigningKey {
    key: Key,
    hash: SigningHash,
}

enum Key {
    Rsa(RsaKeyPair),
    RsaSha1(Box<RsaPrivateKey>),
    Ec(EcdsaKeyPair),
    EcSha1(Box<p256::ecdsa::SigningKey>),
}

/// The reason why a private key was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// It is not a single unencrypted PEM block of a private key.
    Pem,
    /// The block contains neither an RSA key nor a P-256 key.
    Key,
    /// It is an RSA key whose size is not 2,048 bits.
    RsaSize,
}

/// The library could not sign, for example because randomness is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningFailed;

impl SigningKey {
    /// Parses a PEM block: PKCS#8, or OpenSSL's older formats for both kinds of key.
    ///
    /// # Errors
    ///
    /// Returns an error if CloudFront cannot have the public half of the key.
    pub fn from_pem(pem: &str, hash: SigningHash) -> Result<Self, SigningKeyError> {
        // OpenSSL may write the curve's parameters in a separate block before the key.
        let start = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
            .iter()
            .filter_map(|label| pem.find(&alloc::format!("-----BEGIN {label}-----")))
            .min();
        let block = start.and_then(|at| pem.get(at..)).unwrap_or_default();
        let (label, der) = pem_rfc7468::decode_vec(block.trim_end().as_bytes())
            .map_err(|_| SigningKeyError::Pem)?;
        let key = match label {
            "RSA PRIVATE KEY" => rsa_key(&der, hash)?,
            "EC PRIVATE KEY" => ec_key(&der, hash)?,
            _ => match ec_key(&der, hash) {
                Err(SigningKeyError::Key) => rsa_key(&der, hash)?,
                decided => decided?,
            },
        };
        Ok(Self { key, hash })
    }

    /// The hash function.
    pub fn hash(&self) -> SigningHash {
        self.hash
    }

    /// Signs a message: PKCS#1 v1.5 for RSA, DER for ECDSA.
    ///
    /// # Errors
    ///
    /// Returns an error if the library fails, which does not depend on the message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let sha1 = || digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            Key::RsaSha1(key) => key
                .sign_with_rng(
                    &mut rsa::rand_core::OsRng,
                    Pkcs1v15Sign::new::<sha1::Sha1>(),
                    sha1().as_ref(),
                )
                .map_err(|_| SigningFailed),
            Key::Ec(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningFailed),
            Key::EcSha1(key) => {
                let signature: p256::ecdsa::Signature = key
                    .sign_prehash(sha1().as_ref())
                    .map_err(|_| SigningFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    }

    /// Whether the signature over the message is from this key: a self-test for programs that load
    /// a key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let by = |algorithm: &dyn VerificationAlgorithm, public: &[u8]| {
            algorithm.verify_sig(public, message, signature).is_ok()
        };
        match &self.key {
            Key::Rsa(key) => by(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()),
            Key::RsaSha1(key) => key.to_public_key().to_pkcs1_der().is_ok_and(|public| {
                by(
                    &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    public.as_bytes(),
                )
            }),
            Key::Ec(key) => by(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref()),
            Key::EcSha1(key) => {
                p256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
                    key.verifying_key()
                        .verify_prehash(sha1.as_ref(), &signature)
                        .is_ok()
                })
            }
        }
    }
}

fn rsa_key(der: &[u8], hash: SigningHash) -> Result<Key, SigningKeyError> {
    // AWS-LC always parses the key first, because it rejects inconsistent numbers.
    let key = RsaKeyPair::from_der(der)
        .or_else(|_| RsaKeyPair::from_pkcs8(der))
        .map_err(|_| SigningKeyError::Key)?;
    if key.public_modulus_len() != RSA_BYTES {
        return Err(SigningKeyError::RsaSize);
    }
    match hash {
        SigningHash::Sha256 => Ok(Key::Rsa(key)),
        SigningHash::Sha1 => RsaPrivateKey::from_pkcs8_der(der)
            .or_else(|_| RsaPrivateKey::from_pkcs1_der(der))
            .map(|key| Key::RsaSha1(Box::new(key)))
            .map_err(|_| SigningKeyError::Key),
    }
}

fn ec_key(der: &[u8], hash: SigningHash) -> Result<Key, SigningKeyError> {
    let key = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
        .map_err(|_| SigningKeyError::Key)?;
    match hash {
        SigningHash::Sha256 => Ok(Key::Ec(key)),
        SigningHash::Sha1 => {
            let scalar = key
                .private_key()
                .as_be_bytes()
                .map_err(|_| SigningKeyError::Key)?;
            p256::ecdsa::SigningKey::from_slice(scalar.as_ref())
                .map(|key| Key::EcSha1(Box::new(key)))
                .map_err(|_| SigningKeyError::Key)
        }
    }
}

impl fmt::Display for SigningKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "the signing key is not a single PEM block of an unencrypted private key",
            Self::Key => "the signing key is neither an RSA key nor a P-256 key",
            Self::RsaSize => "an RSA signing key must have 2048 bits",
        })
    }
}

impl core::error::Error for SigningKeyError {}

impl fmt::Display for SigningFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signing failed")
    }
}

impl core::error::Error for SigningFailed {}
