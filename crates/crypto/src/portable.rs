//! Verification in plain Rust: PKCS#1 v1.5 with `tollgate-rs256`, ES256 with `tollgate-es256`,
//! everything else with the algorithms of `jwt-compact` and related crates.
//!
//! Each family is a feature; a family that is not enabled rejects its keys. Only `jwt-compact`'s
//! method that verifies a signature over bytes is used: `tollgate-token` parses tokens itself, for
//! the reasons given there.

use alloc::boxed::Box;

use tollgate_token::{Algorithm, KeyMaterial, KeyRefused, PreparedKey, Provider};

#[cfg(feature = "eddsa")]
mod ed25519;
#[cfg(feature = "es256")]
mod es256;
#[cfg(feature = "es384")]
mod es384;
#[cfg(feature = "hs")]
mod hmac;
#[cfg(any(feature = "ps", feature = "hs"))]
mod jwt_compact_key;
#[cfg(feature = "rs")]
mod pkcs1;
#[cfg(feature = "ps")]
mod pss;
#[cfg(feature = "seal")]
mod seal;

/// Verifies in plain Rust, on every target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl Provider for Portable {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        if !key.fits(algorithm) {
            return Err(KeyRefused);
        }
        match (algorithm, key) {
            #[cfg(feature = "rs")]
            (Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512, KeyMaterial::Rsa { n, e }) => {
                pkcs1::prepare(algorithm, n, e)
            }
            #[cfg(feature = "ps")]
            (Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512, KeyMaterial::Rsa { n, e }) => {
                pss::prepare(algorithm, n, e)
            }
            #[cfg(feature = "es256")]
            (Algorithm::ES256, KeyMaterial::Ec { x, y, .. }) => es256::prepare(x, y),
            #[cfg(feature = "es384")]
            (Algorithm::ES384, KeyMaterial::Ec { x, y, .. }) => es384::prepare(x, y),
            #[cfg(feature = "eddsa")]
            (Algorithm::EdDSA, KeyMaterial::Ed25519 { x }) => ed25519::prepare(x),
            #[cfg(feature = "hs")]
            (_, KeyMaterial::Hmac { k }) => hmac::prepare(algorithm, k),
            _ => Err(KeyRefused),
        }
    }

    #[cfg(feature = "seal")]
    fn sha256(&self, message: &[u8]) -> Option<[u8; 32]> {
        Some(seal::sha256(message))
    }

    #[cfg(feature = "seal")]
    fn sealing_key(&self, key: &[u8; 32]) -> Option<Box<dyn tollgate_token::SealingKey>> {
        Some(seal::sealing_key(key))
    }
}
