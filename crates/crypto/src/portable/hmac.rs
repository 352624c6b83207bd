//! HMAC: verified in constant time, and computed for Tollgate's own tokens.

use alloc::{boxed::Box, vec::Vec};

use jwt_compact::{
    AlgorithmSignature,
    alg::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key},
};
use tollgate_token::{Algorithm, BadSignature, KeyRefused, PreparedKey};

use super::jwt_compact_key::JwtCompactKey;

/// Prepares a secret.
pub(super) fn prepare(algorithm: Algorithm, k: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let signature_len = algorithm.hash_len();
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Secret(JwtCompactKey {
            algorithm: Hs256,
            key: Hs256Key::new(k),
            signature_len,
        })),
        Algorithm::HS384 => Box::new(Secret(JwtCompactKey {
            algorithm: Hs384,
            key: Hs384Key::new(k),
            signature_len,
        })),
        Algorithm::HS512 => Box::new(Secret(JwtCompactKey {
            algorithm: Hs512,
            key: Hs512Key::new(k),
            signature_len,
        })),
        _ => return Err(KeyRefused),
    })
}

/// A key that signs and verifies.
struct Secret<A: jwt_compact::Algorithm>(JwtCompactKey<A>);

impl<A> PreparedKey for Secret<A>
where
    A: jwt_compact::Algorithm<SigningKey = <A as jwt_compact::Algorithm>::VerifyingKey>
        + Send
        + Sync,
    A::VerifyingKey: Send + Sync,
{
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.0.verify(signing_input, signature)
    }

    fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.0.algorithm.sign(&self.0.key, message);
        Some(signature.as_bytes().into_owned())
    }
}
