//! Public exponents.
//!
//! Odd, at least 65537, and below 2²⁵⁶, the limit of FIPS 186-5. Not here: exponentiation.

use crate::KeyError;

const MAX_BYTES: usize = 32;
const MIN: u32 = 65537;

/// An odd exponent with 17 to 256 bits.
#[derive(Clone)]
pub(crate) struct Exponent {
    /// Lowest byte first.
    bytes: [u8; MAX_BYTES],
    bits: usize,
}

impl Exponent {
    /// Reads a big-endian exponent without leading zeros.
    pub(crate) fn from_be_bytes(e: &[u8]) -> Result<Self, KeyError> {
        let (Some(first), Some(last)) = (e.first(), e.last()) else {
            return Err(KeyError::ExponentSize);
        };
        if *first == 0 {
            return Err(KeyError::LeadingZero);
        }
        let low = e.iter().fold(0_u32, |low, byte| {
            low.saturating_mul(256) | u32::from(*byte)
        });
        if e.len() > MAX_BYTES || low < MIN {
            return Err(KeyError::ExponentSize);
        }
        if last % 2 == 0 {
            return Err(KeyError::ExponentEven);
        }
        let mut bytes = [0; MAX_BYTES];
        for (byte, from) in bytes.iter_mut().zip(e.iter().rev()) {
            *byte = *from;
        }
        Ok(Self {
            bytes,
            bits: e.len() * 8 - first.leading_zeros() as usize,
        })
    }

    /// The bits between the highest and the lowest, both of which are 1, highest first.
    pub(crate) fn inner_bits(&self) -> impl Iterator<Item = bool> {
        let bits = self
            .bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1));
        let above = 8 * MAX_BYTES - (self.bits - 1);
        bits.rev().skip(above).take(self.bits - 2)
    }
}
