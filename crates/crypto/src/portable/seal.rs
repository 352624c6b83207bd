//! SHA-256 and ChaCha20-Poly1305.

use alloc::{boxed::Box, vec::Vec};

use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305, Key, KeyInit, Nonce};
use sha2::{Digest, Sha256};
use tollgate_token::{SEALING_NONCE_BYTES, SealingKey};

pub(super) fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

pub(super) fn sealing_key(key: &[u8; 32]) -> Box<dyn SealingKey> {
    Box::new(Sealing(ChaCha20Poly1305::new(Key::from_slice(key))))
}

struct Sealing(ChaCha20Poly1305);

impl SealingKey for Sealing {
    fn seal(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        mut text: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let nonce = Nonce::from_slice(nonce);
        self.0.encrypt_in_place(nonce, bound, &mut text).ok()?;
        Some(text)
    }

    fn open(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        mut sealed: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let nonce = Nonce::from_slice(nonce);
        self.0.decrypt_in_place(nonce, bound, &mut sealed).ok()?;
        Some(sealed)
    }
}
