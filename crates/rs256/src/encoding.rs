//! EMSA-PKCS1-v1_5 (RFC 8017 §9.2): the only valid encoding of a message.
//!
//! Verification generates it and compares. Encodings are never parsed, so no parser of padding or
//! DER can be too lenient.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::Hash;

/// Fills the buffer with the encoded message:
/// `00 01 ff … ff 00`, the DER prefix for the hash, the hash.
pub(crate) fn encode(hash: Hash, message: &[u8], encoded: &mut [u8]) {
    match hash {
        Hash::Sha256 => assemble(&SHA256_PREFIX, &Sha256::digest(message), encoded),
        Hash::Sha384 => assemble(&SHA384_PREFIX, &Sha384::digest(message), encoded),
        Hash::Sha512 => assemble(&SHA512_PREFIX, &Sha512::digest(message), encoded),
    }
}

fn assemble(prefix: &[u8], digest: &[u8], encoded: &mut [u8]) {
    // Written from the end, so that the rest is padding, whatever the length of the modulus. The
    // smallest buffer has 256 bytes, and the longest suffix with the two leading bytes has 86, so
    // there are more than the required eight bytes of padding.
    let tail = digest.iter().rev().chain(prefix.iter().rev()).chain(&[0]);
    let mut tail = tail.copied().chain(core::iter::repeat(0xff));
    for byte in encoded.iter_mut().rev() {
        *byte = tail.next().unwrap_or(0xff);
    }
    for (byte, start) in encoded.iter_mut().zip([0, 1]) {
        *byte = start;
    }
}

/// `DigestInfo` up to the hash: algorithm SHA-256 with NULL parameters; 32 bytes follow.
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];
/// The same for SHA-384, 48 bytes.
const SHA384_PREFIX: [u8; 19] = [
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
    0x00, 0x04, 0x30,
];
/// The same for SHA-512, 64 bytes.
const SHA512_PREFIX: [u8; 19] = [
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
    0x00, 0x04, 0x40,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks everything except the hash, which is at the end, for every length of modulus.
    #[test]
    fn frame() {
        for len in 256..=512 {
            for (hash, prefix, hash_len) in [
                (Hash::Sha256, SHA256_PREFIX, 32),
                (Hash::Sha384, SHA384_PREFIX, 48),
                (Hash::Sha512, SHA512_PREFIX, 64),
            ] {
                let mut buffer = [0x55; 512];
                encode(hash, b"", &mut buffer[..len]);
                let (encoded, rest) = buffer.split_at(len);
                assert!(rest.iter().all(|byte| *byte == 0x55));
                let (frame, _) = encoded.split_at(len - hash_len);
                let (padding, found) = frame.split_at(len - hash_len - prefix.len());
                assert_eq!(found, prefix);
                let (start, padding) = padding.split_at(2);
                assert_eq!(start, [0, 1]);
                let (zero, padding) = padding.split_last().unwrap();
                assert_eq!(*zero, 0);
                assert!(padding.len() > 100 && padding.iter().all(|byte| *byte == 0xff));
                // The last two numbers of the prefix are the lengths of what follows.
                assert_eq!(usize::from(prefix[1]), prefix.len() - 2 + hash_len);
                assert_eq!(usize::from(prefix[18]), hash_len);
            }
        }
    }
}
