//! The digits of the windows.

use fastrand::Rng;
use num_bigint::BigInt;

use super::{WINDOW, digits};
use crate::big::{limbs, number, signed};
use crate::limbs::to_words;

#[test]
fn digits_are_the_number() {
    let mut rng = Rng::with_seed(5);
    for _ in 0..5_000 {
        let number = number(&mut rng);
        let digits = digits(&to_words(&limbs(&number)));
        let weighted = |(i, digit): (usize, &i8)| BigInt::from(*digit) << i;
        let total: BigInt = digits.iter().enumerate().map(weighted).sum();
        assert_eq!(total, signed(number));
        assert!(digits.iter().all(|d| *d == 0 || d % 2 != 0 && d.abs() < 16));
        for window in digits.windows(WINDOW) {
            assert!(window.iter().filter(|digit| **digit != 0).count() < 2);
        }
    }
}
