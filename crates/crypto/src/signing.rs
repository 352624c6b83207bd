//! Signing of what CloudFront reads: RSA of 2,048 bits and ECDSA on P-256, over SHA-1 or SHA-256.
//!
//! AWS-LC signs where it can, which is SHA-256. It has no signing over SHA-1, which CloudFront wants unless
//! told otherwise; that is RustCrypto's, blinded. Tokens are never signed here.

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

/// The only RSA size that CloudFront takes, in bytes.
const RSA_BYTES: usize = 256;

/// What a signature is made over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningHash {
    /// SHA-1: what CloudFront assumes where nothing else is said.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
}

/// A private key with the hash that it signs over.
///
/// There is no `Debug` on purpose.
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

/// Why a private key is refused. Whoever configured it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// It is not one PEM block labelled as a private key without a password.
    Pem,
    /// The block holds no RSA key and no key on P-256.
    Key,
    /// It is an RSA key of another size than 2,048 bits.
    RsaSize,
}

/// The library could not sign, for example for want of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningFailed;

impl SigningKey {
    /// Reads a PEM block: PKCS#8, or the older forms of OpenSSL for either kind of key.
    ///
    /// # Errors
    ///
    /// For anything that CloudFront could not have the public half of.
    pub fn from_pem(pem: &str, hash: SigningHash) -> Result<Self, SigningKeyError> {
        // OpenSSL may write the curve's parameters in a block of their own before the key.
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

    /// What it signs over.
    pub fn hash(&self) -> SigningHash {
        self.hash
    }

    /// A signature over a message: PKCS#1 v1.5 for RSA, DER for ECDSA.
    ///
    /// # Errors
    ///
    /// If the library fails, which no message causes.
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

    /// Whether a signature over a message is this key's: for whoever starts up with a key from outside.
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
    // AWS-LC reads the key first, whoever signs with it: it refuses inconsistent numbers.
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
            Self::Pem => "the signing key is not one PEM block of a private key without password",
            Self::Key => "the signing key is neither an RSA key nor a key on P-256",
            Self::RsaSize => "an RSA signing key must have 2048 bits",
        })
    }
}

impl core::error::Error for SigningKeyError {}

impl fmt::Display for SigningFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signature could not be made")
    }
}

impl core::error::Error for SigningFailed {}
