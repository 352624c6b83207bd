//! The curves: is this point on its curve, and is it safe to use?
//!
//! Checked here in addition to the signature provider, so that an invalid key is reported when a
//! policy is checked and every edge rejects the same keys. Speed and constant time do not matter:
//! keys are public and few. Not here: signatures.

/// A NIST curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
}

impl Curve {
    /// Length of a coordinate, in bytes.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// Whether both coordinates are below the field's prime and satisfy the curve's equation.
pub(crate) fn is_on_nist_curve(curve: Curve, x: &[u8], y: &[u8]) -> bool {
    match curve {
        Curve::P256 => P256.has_point(&P256_B, x, y),
        Curve::P384 => P384.has_point(&P384_B, x, y),
    }
}

/// Whether the bytes are the canonical encoding (RFC 8032) of a point of edwards25519 that is not
/// of small order.
pub(crate) fn is_valid_ed25519_key(encoded: &[u8; 32]) -> bool {
    if !is_honest_ed25519_encoding(encoded) {
        return false;
    }
    // x² = (y² − 1) / (d·y² + 1) has a solution exactly if numerator × denominator is a square. By
    // Euler's criterion it is one if its power (p − 1) / 2 is 1. (The power is 0 for x = 0, but
    // that point is of small order.)
    let field = &ED25519;
    let y = magnitude_of_y(encoded);
    let y2 = field.mul(&y, &y);
    let numerator = field.add(&y2, &ED25519_MINUS_ONE);
    let denominator = field.add(&field.mul(&ED25519_D, &y2), &ONE);
    let candidate = field.mul(&numerator, &denominator);
    // (p − 1) / 2 = 2²⁵⁴ − 10: 250 ones, then 0110.
    let mut power = ONE;
    for bit in (0..254).rev() {
        power = field.mul(&power, &power);
        if bit >= 4 || bit == 1 || bit == 2 {
            power = field.mul(&power, &candidate);
        }
    }
    power == ONE || power == ED25519_P_PLUS_ONE
}

/// Whether the bytes could encode a point of full order: the y coordinate is below p (otherwise the
/// point would have two encodings) and is not one of the five of the eight points of small order.
pub(crate) fn is_honest_ed25519_encoding(encoded: &[u8; 32]) -> bool {
    let y = magnitude_of_y(encoded);
    let below_p = y.iter().rev().lt(ED25519_P.iter().rev());
    below_p && !SMALL_ORDER_Y.contains(&y)
}

/// The y coordinate, without the sign bit of x.
fn magnitude_of_y(encoded: &[u8; 32]) -> [u32; 8] {
    let mut y = [0; 8];
    let (words, _) = encoded.as_chunks::<4>();
    for (limb, word) in y.iter_mut().zip(words) {
        *limb = u32::from_le_bytes(*word);
    }
    y[7] &= 0x7fff_ffff;
    y
}

/// Arithmetic modulo 2^(32·N) − `fold`. Numbers are limbs, least significant first.
struct Field<const N: usize> {
    fold: [u32; N],
}

impl<const N: usize> Field<N> {
    /// Whether y² = x³ − 3x + b, computed without subtraction as y² + 3x = x³ + b.
    fn has_point(&self, b: &[u32; N], x: &[u8], y: &[u8]) -> bool {
        let (Some(x), Some(y)) = (self.element(x), self.element(y)) else {
            return false;
        };
        let x3 = self.mul(&self.mul(&x, &x), &x);
        let three_x = self.add(&self.add(&x, &x), &x);
        self.add(&self.mul(&y, &y), &three_x) == self.add(&x3, b)
    }

    /// A number of exactly the field's length; `None` if it is not below the modulus.
    fn element(&self, big_endian: &[u8]) -> Option<[u32; N]> {
        let (words, rest) = big_endian.as_chunks::<4>();
        if words.len() != N || !rest.is_empty() {
            return None;
        }
        let mut number = [0; N];
        for (limb, word) in number.iter_mut().zip(words.iter().rev()) {
            *limb = u32::from_be_bytes(*word);
        }
        (self.reduce(number, 0) == number).then_some(number)
    }

    fn add(&self, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
        let mut sum = *a;
        let carry = add_product(&mut sum, b, 1);
        self.reduce(sum, carry)
    }

    fn mul(&self, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
        let mut product = [0; N];
        for limb in b.iter().rev() {
            // product · 2³² + a · limb, with the top limb folded back in.
            let top = product.last().copied().unwrap_or_default();
            product.copy_within(..N - 1, 1);
            if let Some(lowest) = product.first_mut() {
                *lowest = 0;
            }
            let carry = add_product(&mut product, a, *limb);
            product = self.reduce(product, u64::from(top) + carry);
        }
        product
    }

    /// The number `top`·2^(32·N) + `number`, reduced: 2^(32·N) is congruent to `fold`.
    fn reduce(&self, mut number: [u32; N], mut top: u64) -> [u32; N] {
        while top != 0 {
            let (low, high) = (top as u32, (top >> 32) as u32);
            top = add_product(&mut number, &self.fold, low);
            // `high` is 0 or 1: a carry out of the top limb.
            if high != 0 {
                let mut shifted = [0; N];
                for (to, from) in shifted.iter_mut().skip(1).zip(&self.fold) {
                    *to = *from;
                }
                top += add_product(&mut number, &shifted, high);
            }
        }
        let mut less = number;
        // A carry means that the number was at least the modulus.
        if add_product(&mut less, &self.fold, 1) == 0 {
            number
        } else {
            less
        }
    }
}

/// Adds `a` · `factor` and returns the overflow.
fn add_product<const N: usize>(sum: &mut [u32; N], a: &[u32; N], factor: u32) -> u64 {
    let mut carry = 0;
    for (limb, a) in sum.iter_mut().zip(a) {
        carry += u64::from(*limb) + u64::from(*a) * u64::from(factor);
        *limb = carry as u32;
        carry >>= 32;
    }
    carry
}

/// p = 2²⁵⁶ − 2²²⁴ + 2¹⁹² + 2⁹⁶ − 1
const P256: Field<8> = Field {
    fold: limbs([
        0x00000000_fffffffe_ffffffff_ffffffff,
        0xffffffff_00000000_00000000_00000001,
    ]),
};

const P256_B: [u32; 8] = limbs([
    0x5ac635d8_aa3a93e7_b3ebbd55_769886bc,
    0x651d06b0_cc53b0f6_3bce3c3e_27d2604b,
]);

/// p = 2³⁸⁴ − 2¹²⁸ − 2⁹⁶ + 2³² − 1
const P384: Field<12> = Field {
    fold: limbs([0, 1, 0x00000000_ffffffff_ffffffff_00000001]),
};

const P384_B: [u32; 12] = limbs([
    0xb3312fa7_e23ee7e4_988e056b_e3f82d19,
    0x181d9c6e_fe814112_0314088f_5013875a,
    0xc656398d_8a2ed19d_2a85c8ed_d3ec2aef,
]);

/// Twice p = 2²⁵⁵ − 19, so a result may be the number itself or the number plus p.
const ED25519: Field<8> = Field {
    fold: limbs([0, 38]),
};

const ED25519_P: [u32; 8] = limbs([
    0x7fffffff_ffffffff_ffffffff_ffffffff,
    0xffffffff_ffffffff_ffffffff_ffffffed,
]);

const ED25519_MINUS_ONE: [u32; 8] = limbs([
    0x7fffffff_ffffffff_ffffffff_ffffffff,
    0xffffffff_ffffffff_ffffffff_ffffffec,
]);

const ED25519_P_PLUS_ONE: [u32; 8] = limbs([
    0x7fffffff_ffffffff_ffffffff_ffffffff,
    0xffffffff_ffffffff_ffffffff_ffffffee,
]);

/// d = −121665 / 121666
const ED25519_D: [u32; 8] = limbs([
    0x52036cee_2b6ffe73_8cc74079_7779e898,
    0x00700a4d_4141d8ab_75eb4dca_135978a3,
]);

const ONE: [u32; 8] = limbs([0, 1]);

/// The y coordinates of the points of order 1, 2, 4 and (both) 8.
const SMALL_ORDER_Y: [[u32; 8]; 5] = [
    ONE,
    ED25519_MINUS_ONE,
    limbs([0, 0]),
    limbs([
        0x7a03ac92_77fdc74e_c6cc392c_fa53202a,
        0x0f67100d_760b3cba_4fd84d3d_706a17c7,
    ]),
    limbs([
        0x05fc536d_880238b1_3933c6d3_05acdfd5,
        0xf098eff2_89f4c345_b027b2c2_8f95e826,
    ]),
];

/// The limbs of a number written as in standards, most significant first.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which checks the bounds"
)]
const fn limbs<const WORDS: usize, const N: usize>(words: [u128; WORDS]) -> [u32; N] {
    let mut limbs = [0; N];
    let mut place = 0;
    while place < N {
        limbs[place] = (words[WORDS - 1 - place / 4] >> (32 * (place % 4))) as u32;
        place += 1;
    }
    limbs
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
        hex.as_bytes()
            .chunks(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect()
    }

    /// The generators, from FIPS 186.
    const P256_G: (&str, &str) = (
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    );
    const P384_G: (&str, &str) = (
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    );

    #[test]
    fn nist_points() {
        for (curve, (x, y)) in [(Curve::P256, P256_G), (Curve::P384, P384_G)] {
            let (x, y) = (bytes(x), bytes(y));
            assert!(is_on_nist_curve(curve, &x, &y));
            assert!(!is_on_nist_curve(curve, &y, &x));
            for place in 0..x.len() * 8 {
                let mut other = y.clone();
                other[place / 8] ^= 1 << (place % 8);
                assert!(!is_on_nist_curve(curve, &x, &other), "{curve:?} {place}");
            }
            let zeros = [0; 48];
            assert!(!is_on_nist_curve(
                curve,
                &zeros[..x.len()],
                &zeros[..x.len()]
            ));
            assert!(!is_on_nist_curve(curve, &x[1..], &y));
            assert!(!is_on_nist_curve(curve, &[&[0], &x[..]].concat(), &y));
            assert!(!is_on_nist_curve(curve, &[&x[..], &[0]].concat(), &y));
            assert!(!is_on_nist_curve(curve, &x, &[&y[..], &[0; 4]].concat()));
            assert!(!is_on_nist_curve(curve, &[], &[]));
        }
    }

    #[test]
    fn coordinates_are_below_the_prime() {
        // (0, √b) is on P-256. Written as (p, √b) it would be a second encoding of the same point.
        let y = bytes("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
        let p = bytes("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
        assert!(is_on_nist_curve(Curve::P256, &[0; 32], &y));
        assert!(!is_on_nist_curve(Curve::P256, &p, &y));
    }

    fn ed25519(hex: &str) -> bool {
        is_valid_ed25519_key(&bytes(hex).try_into().unwrap())
    }

    #[test]
    fn ed25519_keys() {
        // The public keys of RFC 8032 §7.1 and RFC 8037 A.2.
        for good in [
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707519a",
        ] {
            assert!(ed25519(good), "{good}");
        }
    }

    #[test]
    fn bad_ed25519_keys() {
        let ff = "ff".repeat(30);
        let zeros = "00".repeat(30);
        let mut table: Vec<alloc::string::String> = Vec::new();
        for sign in ["00", "80"] {
            table.push(alloc::format!("01{zeros}{sign}"));
            table.push(alloc::format!("00{zeros}{sign}"));
        }
        for sign in ["7f", "ff"] {
            // −1, and everything from p to the end of the range.
            for low in 0xec..=0xff_u8 {
                table.push(alloc::format!("{low:02x}{ff}{sign}"));
            }
        }
        for last in ["7a", "fa"] {
            table.push(alloc::format!(
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03{last}"
            ));
        }
        for last in ["05", "85"] {
            table.push(alloc::format!(
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc{last}"
            ));
        }
        for bad in &table {
            assert!(!ed25519(bad), "{bad}");
        }
    }

    /// Half of all y coordinates belong to no point. The crypto crate's tests compare which ones
    /// with the curve library; this test only checks that both kinds exist.
    #[test]
    fn some_numbers_encode_no_point() {
        let good = (2..=101).filter(|low| {
            let mut encoded = [0; 32];
            encoded[0] = *low;
            is_valid_ed25519_key(&encoded)
        });
        let good: Vec<u8> = good.collect();
        assert!(good.len() > 30 && good.len() < 70, "{good:?}");
    }
}
