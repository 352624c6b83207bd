//! RSASSA-PKCS1-v1_5 verification (RS256, RS384, RS512) for targets without a fast library.
//!
//! In WASM, public libraries take most of a millisecond for one signature, more than some edges
//! allow for a whole request. This crate takes a tenth of that, with `simd128` if the target has
//! it. On native targets it is fast, but AWS-LC is faster.
//!
//! Not here: signing, private keys, other paddings, key formats, and constant time. Every input is
//! public.
//!
//! ```
//! use tollgate_rs256::{BadSignature, Hash, KeyError, PublicKey};
//!
//! // 2²⁰⁴⁷ + 1 is not a secure modulus, but has the required size.
//! let mut n = [0; 256];
//! n[0] = 0x80;
//! n[255] = 1;
//! let key = PublicKey::new(&n, &[1, 0, 1])?;
//! assert_eq!(key.verify(Hash::Sha256, b"message", &[0; 256]), Err(BadSignature));
//! # Ok::<(), KeyError>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]

mod encoding;
mod exponent;
mod lanes;
mod montgomery;
mod number;

use core::fmt;

use exponent::Exponent;
use montgomery::Modulus;
use number::Number;

/// A public key with precomputed values: about 4 kB.
#[derive(Clone)]
pub struct PublicKey {
    modulus: Modulus,
    modulus_bits: usize,
    exponent: Exponent,
}

impl PublicKey {
    /// Prepares a key from modulus and exponent, both big-endian and without leading zeros.
    ///
    /// This costs about as much as one verification. It does not check whether the modulus is a
    /// product of two large primes, which is infeasible.
    ///
    /// # Errors
    ///
    /// Returns an error if a number is even or its size is not supported; see [`KeyError`].
    pub fn new(n_be: &[u8], e_be: &[u8]) -> Result<Self, KeyError> {
        let (Some(first), Some(last)) = (n_be.first(), n_be.last()) else {
            return Err(KeyError::ModulusSize);
        };
        if *first == 0 {
            return Err(KeyError::LeadingZero);
        }
        // Checked in this order, so that the length of the input cannot overflow the number of
        // bits.
        if n_be.len() > MAX_MODULUS_BITS / 8 {
            return Err(KeyError::ModulusSize);
        }
        let modulus_bits = n_be.len() * 8 - first.leading_zeros() as usize;
        if modulus_bits < MIN_MODULUS_BITS {
            return Err(KeyError::ModulusSize);
        }
        if last % 2 == 0 {
            return Err(KeyError::ModulusEven);
        }
        let exponent = Exponent::from_be_bytes(e_be)?;
        let modulus = Modulus::new(Number::from_be_bytes(n_be), modulus_bits);
        Ok(Self {
            modulus,
            modulus_bits,
            exponent,
        })
    }

    /// Verifies a signature over a message (RFC 8017 §8.2.2). Never panics.
    ///
    /// # Errors
    ///
    /// Returns [`BadSignature`] unless the signature is the valid one: as long as the modulus,
    /// below the modulus, and with exactly the encoded message as its power.
    pub fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let len = self.modulus_bits.div_ceil(8);
        if signature.len() != len {
            return Err(BadSignature);
        }
        let signature = Number::from_be_bytes(signature);
        if signature.is_at_least(self.modulus.number()) {
            return Err(BadSignature);
        }
        let (mut found, mut expected) = ([0; MAX_MODULUS_BITS / 8], [0; MAX_MODULUS_BITS / 8]);
        let (Some(found), Some(expected)) = (found.get_mut(..len), expected.get_mut(..len)) else {
            return Err(BadSignature);
        };
        self.modulus
            .power(&signature, &self.exponent)
            .write_be_bytes(found);
        encoding::encode(hash, message, expected);
        if found == expected {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("modulus_bits", &self.modulus_bits)
            .finish_non_exhaustive()
    }
}

/// The hash function of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256, for RS256.
    Sha256,
    /// SHA-384, for RS384.
    Sha384,
    /// SHA-512, for RS512.
    Sha512,
}

/// The reason why a key was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The modulus or the exponent starts with a zero byte.
    LeadingZero,
    /// The modulus has fewer than 2048 or more than 4096 bits.
    ModulusSize,
    /// The modulus is even.
    ModulusEven,
    /// The exponent is below 65537 or has more than 256 bits.
    ExponentSize,
    /// The exponent is even.
    ExponentEven,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeadingZero => "number starts with a zero byte",
            Self::ModulusSize => "modulus must have 2048 to 4096 bits",
            Self::ModulusEven => "modulus must be odd",
            Self::ExponentSize => "exponent must be at least 65537 and have at most 256 bits",
            Self::ExponentEven => "exponent must be odd",
        })
    }
}

impl core::error::Error for KeyError {}

/// The signature is invalid. Deliberately without a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signature is invalid")
    }
}

impl core::error::Error for BadSignature {}

const MIN_MODULUS_BITS: usize = 2048;
const MAX_MODULUS_BITS: usize = 4096;
