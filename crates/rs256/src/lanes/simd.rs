//! Quads and sums as vectors, for WASM with `simd128`.

use core::arch::wasm32::{
    u32x4, u32x4_extract_lane, u64x2, u64x2_add, u64x2_extmul_high_u32x4, u64x2_extmul_low_u32x4,
    u64x2_extract_lane, v128, v128_and,
};

/// Four limbs, the lowest in lane 0.
#[derive(Clone, Copy)]
pub(crate) struct Quad(v128);

impl Quad {
    pub(crate) const ZERO: Self = Self(u32x4(0, 0, 0, 0));

    pub(crate) fn new([a, b, c, d]: [u32; 4]) -> Self {
        Self(u32x4(a, b, c, d))
    }

    /// The first two limbs, and zeros.
    pub(crate) fn lower_half(self) -> Self {
        Self(v128_and(self.0, u64x2(u64::MAX, 0)))
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

/// Four sums, each spread over the four lanes of two vectors.
#[derive(Clone, Copy)]
pub(crate) struct Sums([[v128; 2]; 4]);

impl Sums {
    pub(crate) const ZERO: Self = Self([[u64x2(0, 0); 2]; 4]);

    /// Adds to each sum the inner product of `x` and the corresponding quad.
    ///
    /// Both factors must be opaque to the compiler. If one is a number repeated in all lanes, the
    /// compiler emits a plain `i64x2.mul`, which costs a processor three multiplications: the whole
    /// verification takes twice as long.
    #[inline(always)]
    pub(crate) fn add_products(&mut self, x: Quad, y: &[Quad; 4]) {
        for ([low, high], y) in self.0.iter_mut().zip(y) {
            *low = u64x2_add(*low, u64x2_extmul_low_u32x4(x.0, y.0));
            *high = u64x2_add(*high, u64x2_extmul_high_u32x4(x.0, y.0));
        }
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 4] {
        self.0.map(|[low, high]| {
            let sum = u64x2_add(low, high);
            u64x2_extract_lane::<0>(sum) + u64x2_extract_lane::<1>(sum)
        })
    }
}
