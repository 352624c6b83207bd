//! Quotients compared with a big number library.

use fastrand::Rng;
use num_bigint::BigInt;

use super::divide;
use crate::big::{below, limbs, modulo, signed, value};
use crate::field::P;
use crate::limbs::{LIMB_MASK, ZERO};
use crate::scalar::N;

#[test]
fn quotients() {
    let mut rng = Rng::with_seed(3);
    for modulus in [P, N] {
        let m = value(&modulus);
        // -m⁻¹ modulo 2²⁹.
        let power = BigInt::from(LIMB_MASK + 1);
        let inverse = &power - m.modinv(&power).unwrap();
        let inverse = i64::try_from(inverse).unwrap();
        for case in 0..6_000_u32 {
            let (a, mut b) = (below(&m, &mut rng), below(&m, &mut rng));
            if case < 256 {
                b = num_bigint::BigUint::from(1_u8) << case;
            }
            let quotient = divide(&limbs(&a), &limbs(&b), &modulus, inverse);
            let (a, b) = (signed(a), signed(b));
            if modulo(b.clone(), &m) == BigInt::ZERO {
                assert_eq!(quotient, ZERO);
            } else {
                assert_eq!(modulo(value(&quotient) * b, &m), a);
                assert!(value(&quotient) < m && value(&quotient) >= BigInt::ZERO);
            }
        }
    }
}
