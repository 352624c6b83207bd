//! ES384 with the `p384` crate. Keys that are not points of the curve are rejected.

use alloc::boxed::Box;

use p384::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use tollgate_token::{BadSignature, KeyRefused, PreparedKey};

/// Prepares a key.
pub(super) fn prepare(x: &[u8], y: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    // The uncompressed form of SEC 1.
    let point = [&[4], x, y].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| KeyRefused)?;
    Ok(Box::new(Key(key)))
}

struct Key(VerifyingKey);

impl PreparedKey for Key {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        self.0
            .verify(signing_input, &signature)
            .map_err(|_| BadSignature)
    }
}
