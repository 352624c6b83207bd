//! Four sums as four integers.

/// Four limbs.
#[derive(Clone, Copy)]
pub(crate) struct Quad([u32; 4]);

impl Quad {
    pub(crate) const ZERO: Self = Self([0; 4]);

    pub(crate) fn new(limbs: [u32; 4]) -> Self {
        Self(limbs)
    }

    pub(crate) fn to_array(self) -> [u32; 4] {
        self.0
    }
}

/// Four sums.
#[derive(Clone, Copy)]
pub(crate) struct Sums([u64; 4]);

impl Sums {
    pub(crate) const ZERO: Self = Self([0; 4]);

    /// Adds the product of `x` with each limb of `y` to the sum in its place.
    #[inline(always)]
    pub(crate) fn add_products(&mut self, x: u32, y: Quad) {
        for (sum, y) in self.0.iter_mut().zip(y.0) {
            // A product of two 32-bit numbers is below 2⁶⁴.
            *sum = sum.wrapping_add(u64::from(x) * u64::from(y));
        }
    }

    /// Doubles each sum.
    #[inline(always)]
    pub(crate) fn double(&mut self) {
        for sum in &mut self.0 {
            *sum <<= 1;
        }
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 4] {
        self.0
    }
}
