//! Is this RSA public key safe to use?
//!
//! Checks only the numbers: size, shape, and one generator known to be broken. Not
//! here: whether anyone knows the factors.

use crate::error::KeyErrorKind;

/// Validates a modulus and an exponent, both big-endian without leading zeros.
pub(super) fn validate(n: &[u8], e: &[u8]) -> Result<(), KeyErrorKind> {
    let (Some(n_first), Some(e_first)) = (n.first(), e.first()) else {
        return Err(KeyErrorKind::RsaSize);
    };
    if *n_first == 0 || *e_first == 0 {
        return Err(KeyErrorKind::RsaSize);
    }
    let bits = n.len() * 8 - n_first.leading_zeros() as usize;
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyErrorKind::RsaSize);
    }
    if n.last().is_none_or(|last| last % 2 == 0) {
        return Err(KeyErrorKind::RsaEvenModulus);
    }
    if e.len() > 8 {
        return Err(KeyErrorKind::RsaExponent);
    }
    let exponent = e
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    if exponent % 2 == 0 || !(MIN_EXPONENT..=MAX_EXPONENT).contains(&exponent) {
        return Err(KeyErrorKind::RsaExponent);
    }
    if is_roca(n) {
        return Err(KeyErrorKind::RsaRoca);
    }
    Ok(())
}

/// Whether the modulus has the fingerprint of CVE-2017-15361 (Nemec, Sys, Švenda, Klinec, Matyáš:
/// "The Return of Coppersmith's Attack", 2017).
///
/// That generator produced primes of the form k·M + 65537^a mod M, where M is a product of small
/// primes. Modulo each of these, the modulus is therefore a power of 65537. For an honest modulus
/// this holds for all of them once in a billion keys.
fn is_roca(n: &[u8]) -> bool {
    SMALL_PRIMES.iter().all(|&prime| {
        let residue = n
            .iter()
            .fold(0, |r, byte| (r << 8 | u32::from(*byte)) % prime);
        let generator = 65537 % prime;
        let mut power = 1;
        // The powers return to 1 after fewer than `prime` steps.
        for _ in 0..prime {
            if power == residue {
                return true;
            }
            power = power * generator % prime;
        }
        false
    })
}

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 4096;
const MIN_EXPONENT: u64 = 65537;
/// No key in use has a larger exponent, and both engines reject larger ones.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// The odd primes of the smallest M, which divides all larger ones.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;

    const F4: &[u8] = &[1, 0, 1];

    /// An odd number of this many bits without the fingerprint.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut n = vec![0xa5; bits.div_ceil(8)];
        n[0] = 1 << ((bits - 1) % 8);
        n
    }

    #[test]
    fn sizes() {
        for (bits, good) in [
            (1, false),
            (8, false),
            (1024, false),
            (2040, false),
            (2047, false),
            (2048, true),
            (2049, true),
            (3072, true),
            (4095, true),
            (4096, true),
            (4097, false),
            (16384, false),
        ] {
            let expected = if good {
                Ok(())
            } else {
                Err(KeyErrorKind::RsaSize)
            };
            assert_eq!(validate(&modulus(bits), F4), expected, "{bits}");
        }
        assert_eq!(validate(&[], F4), Err(KeyErrorKind::RsaSize));
        assert_eq!(validate(&modulus(2048), &[]), Err(KeyErrorKind::RsaSize));
    }

    #[test]
    fn shapes() {
        let mut even = modulus(2048);
        *even.last_mut().unwrap() ^= 1;
        assert_eq!(validate(&even, F4), Err(KeyErrorKind::RsaEvenModulus));
        let padded = [&[0], &modulus(2048)[..]].concat();
        assert_eq!(validate(&padded, F4), Err(KeyErrorKind::RsaSize));
        assert_eq!(validate(&[0; 256], F4), Err(KeyErrorKind::RsaSize));
    }

    #[test]
    fn exponents() {
        for (e, good) in [
            (&[1][..], false),
            (&[3], false),
            (&[0xff, 0xff], false),
            (&[1, 0, 0], false),
            (&[1, 0, 1], true),
            (&[1, 0, 2], false),
            (&[1, 0, 3], true),
            (&[1, 0xff, 0xff, 0xff, 0xff], true),
            (&[2, 0, 0, 0, 1], false),
            (&[1, 0, 0, 0, 0, 0, 1, 0, 1], false),
            (&[0xff; 300], false),
        ] {
            assert_eq!(validate(&modulus(2048), e).is_ok(), good, "{e:?}");
        }
    }

    /// Constructed as by the broken generator: 65537^a mod M plus a multiple of M.
    const ROCA: &str = "\
        80000000000008b83bdd655e5cb9bb8e87130b8e5a89b85fb0f50263dc0a2380a3b227a96492aa9ed0be2ceca76b\
        19ddb942b9daa179371d0aef489c0f06e0357982480a6a406c06363ed50b32688a0742869ec4c68dec1851ae4988\
        89cefac8357e2226e5903d56c6d06421a3af44a9a8655ed26812c657c780ba2fc9e056dc6f86e0f36ff3f18868af\
        d897c8ca01f9aace57f8798388b305abe780201c7abd6cb969a479f8e5c131850de4853253fea9b37efe3f345681\
        6ff8004698b78f93f1866615dfb30c9abccd70f888aba5aa1ead150e57008be01bf3df078a4a664e842379e09c36\
        c9696f223b06a8b55c3ec2436c1c7f00501238789c0940c1c01b";

    #[test]
    fn roca_is_found() {
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
        let mut n: Vec<u8> = ROCA
            .as_bytes()
            .chunks(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect();
        assert_eq!(validate(&n, F4), Err(KeyErrorKind::RsaRoca));
        // Its neighbours are not of that form.
        for delta in [2, 4, 6] {
            *n.last_mut().unwrap() ^= delta;
            assert_eq!(validate(&n, F4), Ok(()));
            *n.last_mut().unwrap() ^= delta;
        }
    }
}
