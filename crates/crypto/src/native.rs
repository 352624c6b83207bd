//! Verification with AWS-LC, for hosts that can link a C library.
//!
//! Supports all algorithms, without features.

use alloc::{boxed::Box, vec::Vec};

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    digest, hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
        RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use tollgate_token::{
    Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider, SEALING_NONCE_BYTES,
    SealingKey,
};

/// Verifies with AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Provider for Native {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        if !key.fits(algorithm) {
            return Err(KeyRefused);
        }
        match key {
            KeyMaterial::Rsa { n, e } => {
                let parameters = rsa_parameters(algorithm).ok_or(KeyRefused)?;
                let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters);
                let key = key.map_err(|_| KeyRefused)?;
                Ok(Box::new(PublicKey {
                    key,
                    signature_len: n.len(),
                }))
            }
            KeyMaterial::Ec { x, y, .. } => {
                // Parsing rejects a point that is not on the curve.
                let curve: &'static dyn VerificationAlgorithm = match algorithm {
                    Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
                    Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
                    _ => return Err(KeyRefused),
                };
                public_key(curve, &[&[4], x.as_slice(), y].concat(), x.len() + y.len())
            }
            // AWS-LC does not check the point before it verifies, and accepts points of small
            // order; `tollgate-token` has rejected both before.
            KeyMaterial::Ed25519 { x } => public_key(&ED25519, x, 64),
            KeyMaterial::Hmac { k } => {
                let hash = match algorithm {
                    Algorithm::HS256 => hmac::HMAC_SHA256,
                    Algorithm::HS384 => hmac::HMAC_SHA384,
                    Algorithm::HS512 => hmac::HMAC_SHA512,
                    _ => return Err(KeyRefused),
                };
                Ok(Box::new(Secret(hmac::Key::new(hash, k))))
            }
        }
    }

    fn sha256(&self, message: &[u8]) -> Option<[u8; 32]> {
        digest::digest(&digest::SHA256, message)
            .as_ref()
            .try_into()
            .ok()
    }

    fn sealing_key(&self, key: &[u8; 32]) -> Option<Box<dyn SealingKey>> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).ok()?;
        Some(Box::new(Sealing(LessSafeKey::new(key))))
    }
}

struct Sealing(LessSafeKey);

impl SealingKey for Sealing {
    fn seal(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        mut text: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .seal_in_place_append_tag(nonce, Aad::from(bound), &mut text)
            .ok()?;
        Some(text)
    }

    fn open(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        mut sealed: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self
            .0
            .open_in_place(nonce, Aad::from(bound), &mut sealed)
            .ok()?;
        let length = text.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

/// The parameters of an RSA algorithm. A PSS salt has the length of the hash.
fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn public_key(
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: &[u8],
    signature_len: usize,
) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let key = ParsedPublicKey::new(algorithm, bytes).map_err(|_| KeyRefused)?;
    Ok(Box::new(PublicKey { key, signature_len }))
}

struct PublicKey {
    key: ParsedPublicKey,
    signature_len: usize,
}

impl PreparedKey for PublicKey {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() != self.signature_len {
            return Err(BadSignature);
        }
        self.key
            .verify_sig(signing_input, signature)
            .map_err(|_| BadSignature)
    }
}

struct Secret(hmac::Key);

impl PreparedKey for Secret {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        hmac::verify(&self.0, signing_input, signature).map_err(|_| BadSignature)
    }

    fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}
