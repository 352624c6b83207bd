//! Reproducible randomness: a stream of bytes derived from a string.
//!
//! Every key and every salt has its own stream, so that a new fixture changes no other. Never use it for
//! secrets: the string determines all bytes.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// Returns the stream for these parts. Parts are delimited: `ab, c` and `a, bc` give different streams.
pub(crate) fn rng(parts: &[&[u8]]) -> ChaCha20Rng {
    let mut hash = Sha256::new();
    hash.update(b"tollgate-mint 1");
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    ChaCha20Rng::from_seed(hash.finalize().into())
}

/// Returns the first bytes of the stream for these parts.
pub(crate) fn bytes<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    rng(parts).fill_bytes(&mut bytes);
    bytes
}

/// Like [`bytes`], with any length.
pub(crate) fn vec(parts: &[&[u8]], len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng(parts).fill_bytes(&mut bytes);
    bytes
}
