//! Ed25519, strictly.

use alloc::boxed::Box;

use ed25519_dalek::{Signature, VerifyingKey};
use tollgate_token::{BadSignature, KeyRefused, PreparedKey};

/// Prepares a key.
///
/// Without `jwt-compact`: its two back ends do not consider points of small order, and accept
/// different signatures. The result of `verify_strict` does not depend on the library.
pub(super) fn prepare(x: &[u8; 32]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let key = VerifyingKey::from_bytes(x).map_err(|_| KeyRefused)?;
    if key.is_weak() {
        Err(KeyRefused)
    } else {
        Ok(Box::new(Key(key)))
    }
}

struct Key(VerifyingKey);

impl PreparedKey for Key {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        self.0
            .verify_strict(signing_input, &signature)
            .map_err(|_| BadSignature)
    }
}
