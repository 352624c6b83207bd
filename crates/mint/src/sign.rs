//! Signatures over arbitrary bytes, made with `jwt-compact` where it can make them reproducibly.
//!
//! RSA-PSS uses the `rsa` crate directly, because `jwt-compact` takes its salt from the operating system.
//! ES384 uses `p384`, because `jwt-compact` does not support it.

use jwt_compact::alg::{Ed25519, Es256, Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key, Rsa};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use p384::ecdsa::signature::Signer as _;
use rsa::traits::PrivateKeyParts;
use rsa::{Pss, RsaPrivateKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::algorithm::Algorithm;
use crate::error::MintError;
use crate::key::{Material, PrivateKey};
use crate::seed;

impl PrivateKey {
    /// Signs `message` with the key's algorithm. The same message gives the same signature.
    ///
    /// # Errors
    /// Returns an error if the key was renamed to an algorithm that needs a different type of key.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let signature = match (self.algorithm, &self.material) {
            (Algorithm::RS256, Material::Rsa(key)) => pkcs1(Rsa::rs256(), key, message),
            (Algorithm::RS384, Material::Rsa(key)) => pkcs1(Rsa::rs384(), key, message),
            (Algorithm::RS512, Material::Rsa(key)) => pkcs1(Rsa::rs512(), key, message),
            (Algorithm::PS256, Material::Rsa(key)) => pss(
                key,
                Pss::new_with_salt::<Sha256>(32),
                &Sha256::digest(message),
            )?,
            (Algorithm::PS384, Material::Rsa(key)) => pss(
                key,
                Pss::new_with_salt::<Sha384>(48),
                &Sha384::digest(message),
            )?,
            (Algorithm::PS512, Material::Rsa(key)) => pss(
                key,
                Pss::new_with_salt::<Sha512>(64),
                &Sha512::digest(message),
            )?,
            (Algorithm::ES256, Material::P256(key)) => Es256.sign(key, message).as_bytes().into(),
            (Algorithm::ES384, Material::P384(key)) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            (Algorithm::EdDSA, Material::Ed25519(key)) => {
                Ed25519.sign(key, message).as_bytes().into()
            }
            (Algorithm::HS256, Material::Secret(key)) => {
                Hs256.sign(&Hs256Key::new(key), message).as_bytes().into()
            }
            (Algorithm::HS384, Material::Secret(key)) => {
                Hs384.sign(&Hs384Key::new(key), message).as_bytes().into()
            }
            (Algorithm::HS512, Material::Secret(key)) => {
                Hs512.sign(&Hs512Key::new(key), message).as_bytes().into()
            }
            (algorithm, _) => return Err(MintError::WrongKey(algorithm.name())),
        };
        Ok(signature)
    }
}

/// PKCS #1 v1.5 has no salt, so this randomness is used only for blinding and does not affect the result.
fn pkcs1(algorithm: Rsa, key: &RsaPrivateKey, message: &[u8]) -> Vec<u8> {
    algorithm.sign(key, message).as_bytes().into()
}

/// The salt is derived from the key and the digest, like nonces in deterministic ECDSA.
fn pss(key: &RsaPrivateKey, padding: Pss, digest: &[u8]) -> Result<Vec<u8>, MintError> {
    let mut rng = seed::rng(&[b"salt", &key.d().to_bytes_be(), digest]);
    key.sign_with_rng(&mut rng, padding, digest)
        .map_err(|_| MintError::BrokenKey)
}
