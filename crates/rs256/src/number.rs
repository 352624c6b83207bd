//! Numbers of up to 4,104 bits, as limbs of 27 bits.
//!
//! Reading, writing, comparing, subtracting and doubling. Not here: multiplication, and the reason
//! for 27 bits ([`crate::montgomery`]).

/// Bits in a limb.
pub(crate) const LIMB_BITS: u32 = 27;
/// All bits of a limb.
pub(crate) const LIMB_MASK: u32 = (1 << LIMB_BITS) - 1;
/// Four limbs, the unit of the multiplication.
pub(crate) type Block = [u32; 4];
/// Bits in a block.
pub(crate) const BLOCK_BITS: usize = 4 * LIMB_BITS as usize;
/// Blocks in the longest number: 4,104 bits.
pub(crate) const MAX_BLOCKS: usize = 38;

/// A natural number, lowest limb first.
///
/// INVARIANT (limbs): each limb is at most [`LIMB_MASK`].
#[derive(Clone)]
pub(crate) struct Number {
    pub(crate) blocks: [Block; MAX_BLOCKS],
}

impl Number {
    pub(crate) const ZERO: Self = Self {
        blocks: [[0; 4]; MAX_BLOCKS],
    };

    /// 2 to the power of `exponent`, which must be below 4,104. Otherwise the result is zero.
    pub(crate) fn power_of_two(exponent: usize) -> Self {
        let mut number = Self::ZERO;
        let bits = LIMB_BITS as usize;
        if let Some(limb) = number.limbs_mut().nth(exponent / bits) {
            *limb = 1 << (exponent % bits);
        }
        number
    }

    /// Parses a big-endian number of at most 512 bytes. Excess leading bytes are lost.
    pub(crate) fn from_be_bytes(bytes: &[u8]) -> Self {
        let mut number = Self::ZERO;
        let mut bytes = bytes.iter().rev();
        // Bits that are not yet in a limb: at most 26 before a byte is added, so at most 34.
        let mut window = 0_u64;
        let mut window_bits = 0;
        for limb in number.limbs_mut() {
            while window_bits < LIMB_BITS {
                window |= u64::from(*bytes.next().unwrap_or(&0)) << window_bits;
                window_bits += 8;
            }
            *limb = window as u32 & LIMB_MASK;
            window >>= LIMB_BITS;
            window_bits -= LIMB_BITS;
        }
        number
    }

    /// Writes the number big-endian to the end of the buffer, after zeros. A buffer that is too
    /// short loses the leading bytes.
    pub(crate) fn write_be_bytes(&self, bytes: &mut [u8]) {
        let mut limbs = self.limbs();
        // Bits that are not yet in a byte: at most 7 before a limb is added, so at most 34.
        let mut window = 0_u64;
        let mut window_bits = 0;
        for byte in bytes.iter_mut().rev() {
            if window_bits < 8 {
                window |= u64::from(*limbs.next().unwrap_or(&0)) << window_bits;
                window_bits += LIMB_BITS;
            }
            *byte = window as u8;
            window >>= 8;
            window_bits -= 8;
        }
    }

    /// Whether `self` ≥ `other`.
    pub(crate) fn is_at_least(&self, other: &Self) -> bool {
        self.limbs().rev().cmp(other.limbs().rev()).is_ge()
    }

    /// Subtracts `other` once, if the result is not negative.
    pub(crate) fn subtract_if_at_least(&mut self, other: &Self) {
        if !self.is_at_least(other) {
            return;
        }
        let mut borrow = 0;
        for (limb, other) in self.limbs_mut().zip(other.limbs()) {
            // Between -2²⁷ and 2²⁷, so the top bit is the sign.
            let difference = limb.wrapping_sub(*other).wrapping_sub(borrow);
            *limb = difference & LIMB_MASK;
            borrow = difference >> 31;
        }
    }

    /// Doubles the number, which must be below 2⁴¹⁰³.
    pub(crate) fn double(&mut self) {
        let mut carry = 0;
        for limb in self.limbs_mut() {
            // At most 2²⁸ - 1.
            let doubled = *limb << 1 | carry;
            *limb = doubled & LIMB_MASK;
            carry = doubled >> LIMB_BITS;
        }
    }

    fn limbs(&self) -> impl DoubleEndedIterator<Item = &u32> {
        self.blocks.as_flattened().iter()
    }

    fn limbs_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.blocks.as_flattened_mut().iter_mut()
    }
}
