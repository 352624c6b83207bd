//! Quads and sums as integers.

/// Four limbs.
#[derive(Clone, Copy)]
pub(crate) struct Quad([u32; 4]);

impl Quad {
    pub(crate) const ZERO: Self = Self([0; 4]);

    pub(crate) fn new(limbs: [u32; 4]) -> Self {
        Self(limbs)
    }

    /// The first two limbs, and zeros.
    pub(crate) fn lower_half(self) -> Self {
        let [a, b, ..] = self.0;
        Self([a, b, 0, 0])
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

    /// Adds to each sum the inner product of `x` and the corresponding quad.
    #[inline(always)]
    pub(crate) fn add_products(&mut self, x: Quad, y: &[Quad; 4]) {
        for (sum, y) in self.0.iter_mut().zip(y) {
            for (x, y) in x.0.iter().zip(y.0) {
                *sum += u64::from(*x) * u64::from(y);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 4] {
        self.0
    }
}
