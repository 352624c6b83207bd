//! Verification of ECDSA signatures with P-256 and SHA-256 (ES256), fast in WASM without SIMD.
//!
//! In WASM, public libraries take a good half of a millisecond for one signature. With a table per
//! key this crate takes a thirtieth of that, and without a table an eighth. On native targets it is
//! fast, but AWS-LC is faster.
//!
//! Not here: signing, private keys, hashing, key formats, other curves, and constant time. Every
//! input is public.
//!
//! A signature is valid if x(u₁·G + u₂·Q) = r modulo n, with u₁ = digest / s and u₂ = r / s modulo n
//! (FIPS 186-5 §6.4.2). The fast sums of points ([`verify`], [`window`]) do not check for exceptional
//! additions. They detect them, and then [`complete`] computes the sum again.
//!
//! ```
//! use tollgate_es256::{BadSignature, KeyError, PreparedKey, Table};
//!
//! // 0 is not the x of any point with y = 0.
//! assert_eq!(PreparedKey::new(&[0; 32], &[0; 32], Table::None).err(), Some(KeyError));
//! let x = [
//!     0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
//!     0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
//! ];
//! let y = [
//!     0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
//!     0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
//! ];
//! let key = PreparedKey::new(&x, &y, Table::Large)?;
//! assert_eq!(key.table_bytes(), 36 * 1024);
//! assert_eq!(key.verify(&[7; 32], &[1; 64]), Err(BadSignature));
//! # Ok::<(), KeyError>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
// The table of the generator: some thousand products, about a second. The loops end, because they
// run over slices or count.
#![allow(
    long_running_const_eval,
    reason = "the compiler computes the table of the generator"
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod comb;
mod complete;
mod division;
mod field;
mod limbs;
mod point;
mod scalar;
mod verify;
mod window;

use core::fmt;

use comb::{KeyComb, Shape};
use point::Affine;
use scalar::{N, Scalars};

/// A public key, with a table or without.
#[derive(Clone)]
pub struct PreparedKey {
    point: Affine,
    comb: Option<KeyComb>,
}

impl PreparedKey {
    /// Prepares a key from the coordinates of its point, both big-endian.
    ///
    /// A large table costs about as much as ten verifications, a small one as five.
    ///
    /// # Errors
    ///
    /// Returns an error if a coordinate is not below the prime, or if the point is not on the curve.
    pub fn new(x: &[u8; 32], y: &[u8; 32], table: Table) -> Result<Self, KeyError> {
        let point = Affine::parse(x, y).ok_or(KeyError)?;
        let comb = match table {
            Table::Large => KeyComb::new(&point, &Shape::LARGE),
            Table::Small => KeyComb::new(&point, &Shape::SMALL),
            Table::None => None,
        };
        Ok(Self { point, comb })
    }

    /// The size of the key's table, 0 without one.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.comb.as_ref().map_or(0, KeyComb::bytes)
    }

    /// Verifies a signature, r and s as 32 bytes each, over a message with this SHA-256 digest.
    /// Never panics.
    ///
    /// For a valid (r, s), (r, n - s) is valid, too.
    ///
    /// # Errors
    ///
    /// Returns [`BadSignature`] unless the signature is valid.
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), BadSignature> {
        let scalars = Scalars::new(digest, signature).ok_or(BadSignature)?;
        let sum = match &self.comb {
            Some(comb) => verify::sum(&scalars, comb.comb()),
            None => window::sum(&scalars, &self.point),
        };
        let sum = sum.unwrap_or_else(|| complete::sum(&scalars, &self.point));
        if sum.has_x(&scalars.r, &N) {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedKey")
            .field("table_bytes", &self.table_bytes())
            .finish_non_exhaustive()
    }
}

/// The table of a key. It only affects time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// 36 KiB: the fastest verification.
    Large,
    /// 9 KiB: a tenth slower.
    Small,
    /// No table, four times as slow, and without preparation.
    None,
}

/// The key is not a point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("coordinates are not those of a point of P-256")
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

#[cfg(test)]
mod big;
