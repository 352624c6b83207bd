//! RSA signatures with any modulus: the arithmetic stays within the bounds stated in its comments,
//! which overflow checks verify, and no random signature is valid.

use tollgate_rs256::{Hash, PublicKey};

/// Uses a byte for sizes, and the rest as a modulus, an exponent and a signature.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let size = [256, 384, 512][usize::from(choice % 3)];
    let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512][usize::from(choice / 3 % 3)];
    let mut numbers = rest.iter().copied().chain(core::iter::repeat(0xFF));
    let mut modulus: Vec<u8> = numbers.by_ref().take(size).collect();
    // A valid modulus is odd and has the right length; others are rejected early.
    modulus[0] |= 0x80;
    modulus[size - 1] |= 1;
    let exponent = match choice / 9 % 4 {
        0 | 1 => vec![1, 0, 1],
        _ => {
            let mut exponent: Vec<u8> = numbers.by_ref().take(4).collect();
            exponent[3] |= 1;
            exponent
        }
    };
    let signature: Vec<u8> = numbers.by_ref().take(size).collect();
    let Ok(key) = PublicKey::new(&modulus, &exponent) else {
        return;
    };
    // The power can be any number; if it were the encoding of this message, it would be a forgery.
    assert!(key.verify(hash, b"message", &signature).is_err());
    assert!(key.verify(hash, b"message", &signature[1..]).is_err());
    // The modulus and larger numbers are not signatures, however small their remainder.
    assert!(key.verify(hash, b"message", &modulus).is_err());
    assert!(key.verify(hash, b"message", &vec![0xFF; size]).is_err());
}
