//! The interface to cryptography: key material in, prepared key out, one signature check at a time.
//!
//! `tollgate-crypto` and hosts implement [`Provider`]. Requirements common to all engines (lengths, forbidden curve points) are checked here, before any engine is called, because engines are known to differ. Not here: which key may verify which token.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use crate::{
    algorithm::{Algorithm, KeyKind},
    curve::{self, Curve},
};

/// Prepares keys for verification.
pub trait Provider: Send + Sync {
    /// Prepares a key for one algorithm.
    ///
    /// # Errors
    /// Returns an error if the provider lacks the algorithm or cannot use the key. A point that is
    /// not on its curve must be rejected.
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused>;

    /// The SHA-256 hash of a message; `None` if the provider does not hash.
    fn sha256(&self, _message: &[u8]) -> Option<[u8; 32]> {
        None
    }

    /// Prepares a ChaCha20-Poly1305 key (RFC 8439); `None` if the provider does not encrypt.
    fn sealing_key(&self, _key: &[u8; 32]) -> Option<Box<dyn SealingKey>> {
        None
    }
}

/// The length of a nonce of [`SealingKey`], in bytes.
pub const SEALING_NONCE_BYTES: usize = 12;

/// A key that encrypts and authenticates. A nonce must never be used for two messages.
pub trait SealingKey: Send + Sync {
    /// Encrypts `text` in place and appends the tag; `bound` is authenticated with it. `None` if it
    /// cannot be encrypted.
    fn seal(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        text: Vec<u8>,
    ) -> Option<Vec<u8>>;

    /// Decrypts the result of [`seal`](Self::seal); `None` unless key, nonce, `bound` and every byte
    /// are those it was sealed with.
    fn open(
        &self,
        nonce: &[u8; SEALING_NONCE_BYTES],
        bound: &[u8],
        sealed: Vec<u8>,
    ) -> Option<Vec<u8>>;
}

/// A key prepared to verify signatures of one algorithm.
pub trait PreparedKey: Send + Sync {
    /// Verifies that the signature is from this key, over exactly these bytes.
    ///
    /// # Errors
    /// Returns the same error for every invalid signature.
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature>;

    /// The MAC of a message, if this is a secret and the provider computes MACs. Other keys cannot
    /// sign.
    fn mac(&self, _message: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// The bytes of a verification key. Numbers are big-endian and unsigned.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// An RSA public key.
    Rsa {
        /// The modulus, without leading zeros.
        n: Vec<u8>,
        /// The public exponent, without leading zeros.
        e: Vec<u8>,
    },
    /// A point on a NIST curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The x coordinate, of exactly [`Curve::coordinate_len`] bytes.
        x: Vec<u8>,
        /// The y coordinate, of exactly [`Curve::coordinate_len`] bytes.
        y: Vec<u8>,
    },
    /// An Ed25519 public key.
    Ed25519 {
        /// The point as RFC 8032 encodes it.
        x: [u8; 32],
    },
    /// A shared secret.
    Hmac {
        /// The secret's bytes.
        k: Vec<u8>,
    },
}

impl KeyMaterial {
    /// Whether the algorithm works with this key: it must be of the right kind, and for HMAC at
    /// least as long as the hash (RFC 7518 §3.2).
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let long_enough = match self {
            Self::Hmac { k } => k.len() >= algorithm.hash_len(),
            _ => true,
        };
        long_enough && self.kind() == algorithm.key_kind()
    }

    /// The kind of this key.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa { .. } => KeyKind::Rsa,
            Self::Ec {
                curve: Curve::P256, ..
            } => KeyKind::P256,
            Self::Ec {
                curve: Curve::P384, ..
            } => KeyKind::P384,
            Self::Ed25519 { .. } => KeyKind::Ed25519,
            Self::Hmac { .. } => KeyKind::Hmac,
        }
    }
}

/// Prints public parts, and only the length of a secret.
impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { n, .. } => write!(f, "Rsa({} bits)", n.len() * 8),
            Self::Ec { curve, .. } => write!(f, "Ec({curve:?})"),
            Self::Ed25519 { .. } => f.write_str("Ed25519"),
            Self::Hmac { k } => write!(f, "Hmac({} bytes)", k.len()),
        }
    }
}

/// A provider rejected a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRefused;

impl fmt::Display for KeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature provider cannot use this key with this algorithm")
    }
}

impl core::error::Error for KeyRefused {}

/// A signature is invalid. Deliberately without a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature is invalid")
    }
}

impl core::error::Error for BadSignature {}

/// A prepared key with the checks that do not depend on the provider.
pub struct CheckedKey {
    key: Box<dyn PreparedKey>,
    algorithm: Algorithm,
    signature_len: usize,
}

impl CheckedKey {
    pub(crate) fn prepare(
        provider: &dyn Provider,
        algorithm: Algorithm,
        material: &KeyMaterial,
    ) -> Result<Self, KeyRefused> {
        if !material.fits(algorithm) {
            return Err(KeyRefused);
        }
        let signature_len = match material {
            KeyMaterial::Rsa { n, .. } => n.len(),
            KeyMaterial::Ec { curve, .. } => 2 * curve.coordinate_len(),
            KeyMaterial::Ed25519 { .. } => 64,
            KeyMaterial::Hmac { .. } => algorithm.hash_len(),
        };
        let key = provider.prepare(algorithm, material)?;
        Ok(Self {
            key,
            algorithm,
            signature_len,
        })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Verifies that the signature is from this key, over exactly these bytes.
    ///
    /// # Errors
    /// Returns an error if it is not, whatever the reason.
    pub fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() != self.signature_len {
            return Err(BadSignature);
        }
        // An Ed25519 signature begins with a point. If it is of small order, the signature is valid
        // for several messages or keys. Engines disagree on accepting it, so none is called.
        if self.algorithm == Algorithm::EdDSA
            && !signature
                .first_chunk()
                .is_some_and(curve::is_honest_ed25519_encoding)
        {
            return Err(BadSignature);
        }
        self.key.verify(signing_input, signature)
    }

    pub(crate) fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mac = self.key.mac(message)?;
        (mac.len() == self.signature_len && self.algorithm.key_kind() == KeyKind::Hmac)
            .then_some(mac)
    }
}

impl fmt::Debug for CheckedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedKey({})", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString, vec};

    use super::*;

    /// Accepts every signature.
    struct Gullible;

    impl Provider for Gullible {
        fn prepare(
            &self,
            _: Algorithm,
            _: &KeyMaterial,
        ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
            Ok(Box::new(Self))
        }
    }

    impl PreparedKey for Gullible {
        fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
            Ok(())
        }
    }

    fn ec(curve: Curve) -> KeyMaterial {
        let len = curve.coordinate_len();
        KeyMaterial::Ec {
            curve,
            x: vec![1; len],
            y: vec![1; len],
        }
    }

    #[test]
    fn keys_are_shown_without_secrets() {
        let shown = |key: KeyMaterial| format!("{key:?}");
        let (n, e) = (vec![0xAB; 256], vec![1, 0, 1]);
        assert_eq!(shown(KeyMaterial::Rsa { n, e }), "Rsa(2048 bits)");
        let (curve, x, y) = (Curve::P384, vec![7; 48], vec![7; 48]);
        assert_eq!(shown(KeyMaterial::Ec { curve, x, y }), "Ec(P384)");
        assert_eq!(shown(KeyMaterial::Ed25519 { x: [7; 32] }), "Ed25519");
        let secret = KeyMaterial::Hmac {
            k: b"hunter2".to_vec(),
        };
        assert_eq!(shown(secret), "Hmac(7 bytes)");
        assert!(KeyRefused.to_string().contains("cannot use this key"));
        assert!(BadSignature.to_string().contains("signature"));
    }

    /// Computes MACs of this length with any key.
    struct Macs(usize);

    impl Provider for Macs {
        fn prepare(
            &self,
            _: Algorithm,
            _: &KeyMaterial,
        ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
            Ok(Box::new(Self(self.0)))
        }
    }

    impl PreparedKey for Macs {
        fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
            Err(BadSignature)
        }

        fn mac(&self, _: &[u8]) -> Option<Vec<u8>> {
            Some(vec![7; self.0])
        }
    }

    #[test]
    fn only_secrets_make_macs_and_whole_ones() {
        let secret = KeyMaterial::Hmac { k: vec![1; 32] };
        let mac = |length, algorithm, key: &KeyMaterial| {
            let key = CheckedKey::prepare(&Macs(length), algorithm, key).unwrap();
            key.mac(b"message").map(|mac| mac.len())
        };
        assert_eq!(mac(32, Algorithm::HS256, &secret), Some(32));
        assert_eq!(mac(31, Algorithm::HS256, &secret), None);
        assert_eq!(mac(33, Algorithm::HS256, &secret), None);
        assert_eq!(mac(64, Algorithm::ES256, &ec(Curve::P256)), None);
        let key = CheckedKey::prepare(&Macs(32), Algorithm::HS256, &secret).unwrap();
        assert_eq!(format!("{key:?}"), "CheckedKey(HS256)");
    }

    #[test]
    fn only_exact_lengths_reach_the_provider() {
        let rsa = KeyMaterial::Rsa {
            n: vec![0xff; 257],
            e: vec![1, 0, 1],
        };
        let hmac = KeyMaterial::Hmac { k: vec![7; 64] };
        for (material, algorithm, len) in [
            (&rsa, Algorithm::RS256, 257),
            (&rsa, Algorithm::PS512, 257),
            (&ec(Curve::P256), Algorithm::ES256, 64),
            (&ec(Curve::P384), Algorithm::ES384, 96),
            (&KeyMaterial::Ed25519 { x: [9; 32] }, Algorithm::EdDSA, 64),
            (&hmac, Algorithm::HS256, 32),
            (&hmac, Algorithm::HS384, 48),
            (&hmac, Algorithm::HS512, 64),
        ] {
            let key = CheckedKey::prepare(&Gullible, algorithm, material).unwrap();
            for candidate in 0..600 {
                let answer = key.verify(b"input", &vec![9; candidate]);
                assert_eq!(answer.is_ok(), candidate == len, "{algorithm} {candidate}");
            }
        }
    }

    #[test]
    fn algorithm_and_key_must_fit() {
        let materials = [
            KeyMaterial::Rsa {
                n: vec![1],
                e: vec![3],
            },
            ec(Curve::P256),
            ec(Curve::P384),
            KeyMaterial::Ed25519 { x: [9; 32] },
            KeyMaterial::Hmac { k: vec![7; 64] },
        ];
        let fitting = |material: &KeyMaterial| {
            Algorithm::ALL
                .into_iter()
                .filter(|algorithm| material.fits(*algorithm))
                .count()
        };
        assert_eq!(materials.each_ref().map(fitting), [6, 1, 1, 1, 3]);
        for (len, count) in [(0, 0), (31, 0), (32, 1), (47, 1), (48, 2), (63, 2), (64, 3)] {
            assert_eq!(fitting(&KeyMaterial::Hmac { k: vec![7; len] }), count);
        }
        assert!(CheckedKey::prepare(&Gullible, Algorithm::HS256, &materials[0]).is_err());
    }

    #[test]
    fn small_order_points_in_signatures_are_refused() {
        let material = KeyMaterial::Ed25519 { x: [9; 32] };
        let key = CheckedKey::prepare(&Gullible, Algorithm::EdDSA, &material).unwrap();
        let mut signature = [0; 64];
        assert!(key.verify(b"", &signature).is_err());
        signature[0] = 1;
        assert!(key.verify(b"", &signature).is_err());
        signature[0] = 9;
        assert!(key.verify(b"", &signature).is_ok());
    }
}
