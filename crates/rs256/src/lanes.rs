//! Four column sums at once: the only part that depends on the machine.
//!
//! A [`Quad`] is four limbs, [`Sums`] four sums of 64 bits. The one operation adds to each sum the
//! inner product of one quad with a quad of its own: x₀·y₀ + x₁·y₁ + x₂·y₂ + x₃·y₃. With `simd128`
//! these are vectors, elsewhere integers. No other code in this crate distinguishes them, so a test
//! on any machine covers all other code. Not here: why no sum overflows, which is explained in
//! [`crate::montgomery`].

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use scalar::{Quad, Sums};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd::{Quad, Sums};

#[cfg(test)]
mod tests {
    use super::{Quad, Sums};

    /// 2³¹, to check that no product is treated as signed or truncated to 32 bits.
    const BIG: u32 = 1 << 31;

    #[test]
    fn each_sum_gets_its_own_inner_product() {
        let mut sums = Sums::ZERO;
        let x = Quad::new([1, 10, 100, BIG]);
        let y = [[1, 2, 3, 4], [5, 6, 7, 0], [0, 0, 0, BIG - 1], [9, 0, 0, 1]].map(Quad::new);
        let big = u64::from(BIG);
        let once = [321 + 4 * big, 765, big * (big - 1), 9 + big];
        sums.add_products(x, &y);
        assert_eq!(sums.to_array(), once);
        sums.add_products(x, &y);
        assert_eq!(sums.to_array(), once.map(|sum| 2 * sum));
    }

    #[test]
    fn limbs_keep_their_order() {
        let quad = Quad::new([1, 2, 3, BIG]);
        assert_eq!(quad.to_array(), [1, 2, 3, BIG]);
        assert_eq!(quad.lower_half().to_array(), [1, 2, 0, 0]);
    }
}
