//! ECDSA on the NIST curves. Keys that are not points of their curve are rejected.

use alloc::{boxed::Box, vec::Vec};

use tollgate_token::{KeyRefused, PreparedKey};

/// Prepares a P-256 key.
#[cfg(feature = "es256")]
pub(super) fn prepare_p256(x: &[u8], y: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    use jwt_compact::alg::{Es256, VerifyingKey};

    let key = VerifyingKey::<Es256>::from_slice(&uncompressed(x, y)).map_err(|_| KeyRefused)?;
    Ok(Box::new(super::jwt_compact_key::JwtCompactKey {
        algorithm: Es256,
        key,
        signature_len: 64,
    }))
}

/// Prepares a P-384 key, with the `p384` crate because `jwt-compact` does not have this curve.
#[cfg(feature = "es384")]
pub(super) fn prepare_p384(x: &[u8], y: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed(x, y));
    Ok(Box::new(P384(key.map_err(|_| KeyRefused)?)))
}

#[cfg(feature = "es384")]
struct P384(p384::ecdsa::VerifyingKey);

#[cfg(feature = "es384")]
impl PreparedKey for P384 {
    fn verify(
        &self,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), tollgate_token::BadSignature> {
        use p384::ecdsa::{Signature, signature::Verifier};

        let bad = |_| tollgate_token::BadSignature;
        let signature = Signature::from_slice(signature).map_err(bad)?;
        self.0.verify(signing_input, &signature).map_err(bad)
    }
}

/// The point in the uncompressed form of SEC 1.
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
