//! Four column sums at once: the one piece that differs between machines.
//!
//! A [`Sums`] holds four sums of 64 bits, and its one operation adds `x·y₀, x·y₁, x·y₂, x·y₃` to
//! them. With `simd128` the sums are two vectors; elsewhere four integers. Nothing else in this crate
//! asks which it is, so a test on any machine tests all of the rest. Not here: any bound. That no sum
//! overflows is argued in [`crate::montgomery`]; here additions wrap.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd::{Quad, Sums};

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use scalar::{Quad, Sums};

#[cfg(test)]
mod tests {
    use super::{Quad, Sums};

    #[test]
    fn every_lane_is_a_full_product() {
        let mut sums = Sums::ZERO;
        sums.add_products(u32::MAX, Quad::new([1, 2, 0x8000_0000, u32::MAX]));
        sums.add_products(3, Quad::new([5, 7, 11, 0]));
        let max = u64::from(u32::MAX);
        let expected = [max + 15, 2 * max + 21, (max << 31) + 33, max * max];
        assert_eq!(sums.to_array(), expected);
        sums.add_products(2, Quad::new([0, 0, 0, 1]));
        assert_eq!(sums.to_array()[3], max * max + 2);
    }

    #[test]
    fn doubling_is_per_lane() {
        let mut sums = Sums::ZERO;
        sums.add_products(1 << 31, Quad::new([1, 2, 3, 4]));
        sums.double();
        assert_eq!(sums.to_array(), [1 << 32, 2 << 32, 3 << 32, 4 << 32]);
    }

    #[test]
    fn limbs_keep_their_order() {
        let limbs = [1, 2, 3, 4];
        assert_eq!(Quad::new(limbs).to_array(), limbs);
    }
}
