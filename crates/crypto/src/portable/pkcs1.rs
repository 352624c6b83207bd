//! RSASSA-PKCS1-v1_5 verification with `tollgate-rs256`: several times faster in WASM than existing
//! libraries.

use alloc::boxed::Box;

use tollgate_rs256::{Hash, PublicKey};
use tollgate_token::{Algorithm, BadSignature, KeyRefused, PreparedKey};

/// Prepares a key.
pub(super) fn prepare(
    algorithm: Algorithm,
    n: &[u8],
    e: &[u8],
) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let hash = match algorithm {
        Algorithm::RS256 => Hash::Sha256,
        Algorithm::RS384 => Hash::Sha384,
        Algorithm::RS512 => Hash::Sha512,
        _ => return Err(KeyRefused),
    };
    let key = PublicKey::new(n, e).map_err(|_| KeyRefused)?;
    Ok(Box::new(Key { key, hash }))
}

struct Key {
    key: PublicKey,
    hash: Hash,
}

impl PreparedKey for Key {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.key
            .verify(self.hash, signing_input, signature)
            .map_err(|_| BadSignature)
    }
}
