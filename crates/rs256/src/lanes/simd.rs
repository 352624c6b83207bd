//! Four sums as two vectors of two, for WASM with `simd128`.
//!
//! The vectors of products come from the widening multiplication, which every engine turns into the
//! multiplication of the processor; a plain `i64x2.mul` would be three of them.

use core::arch::wasm32::{
    u32x4, u32x4_extract_lane, u32x4_splat, u64x2, u64x2_add, u64x2_extmul_high_u32x4,
    u64x2_extmul_low_u32x4, u64x2_extract_lane, u64x2_shl, v128,
};

/// Four limbs, the lowest in lane 0.
#[derive(Clone, Copy)]
pub(crate) struct Quad(v128);

impl Quad {
    pub(crate) const ZERO: Self = Self(u32x4(0, 0, 0, 0));

    pub(crate) fn new([a, b, c, d]: [u32; 4]) -> Self {
        Self(u32x4(a, b, c, d))
    }

    pub(crate) fn to_array(self) -> [u32; 4] {
        [
            u32x4_extract_lane::<0>(self.0),
            u32x4_extract_lane::<1>(self.0),
            u32x4_extract_lane::<2>(self.0),
            u32x4_extract_lane::<3>(self.0),
        ]
    }
}

/// Four sums, the first in lane 0 of `low`.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    low: v128,
    high: v128,
}

impl Sums {
    pub(crate) const ZERO: Self = Self { low: u64x2(0, 0), high: u64x2(0, 0) };

    /// Adds the product of `x` with each limb of `y` to the sum in its place.
    #[inline(always)]
    pub(crate) fn add_products(&mut self, x: u32, Quad(y): Quad) {
        let x = u32x4_splat(x);
        self.low = u64x2_add(self.low, u64x2_extmul_low_u32x4(x, y));
        self.high = u64x2_add(self.high, u64x2_extmul_high_u32x4(x, y));
    }

    /// Doubles each sum.
    #[inline(always)]
    pub(crate) fn double(&mut self) {
        self.low = u64x2_shl(self.low, 1);
        self.high = u64x2_shl(self.high, 1);
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 4] {
        [
            u64x2_extract_lane::<0>(self.low),
            u64x2_extract_lane::<1>(self.low),
            u64x2_extract_lane::<0>(self.high),
            u64x2_extract_lane::<1>(self.high),
        ]
    }
}
