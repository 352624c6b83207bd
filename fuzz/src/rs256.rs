//! RSA signatures under whatever modulus: the arithmetic stays within the bounds that its comments claim, which
//! overflow checks watch, and nothing is good by accident.

use tollgate_rs256::{Hash, PublicKey};

/// Takes a byte for sizes, and after it a modulus, an exponent and a signature.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let size = [256, 384, 512][usize::from(choice % 3)];
    let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512][usize::from(choice / 3 % 3)];
    let mut numbers = rest.iter().copied().chain(core::iter::repeat(0xFF));
    let mut modulus: Vec<u8> = numbers.by_ref().take(size).collect();
    // A modulus has its length and is odd: what has not is refused early.
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
    // The power of a number is what it is; that it is this message's code would be a forgery.
    assert!(key.verify(hash, b"message", &signature).is_err());
    assert!(key.verify(hash, b"message", &signature[1..]).is_err());
    // The modulus and what is larger are no signatures, however small their remainder.
    assert!(key.verify(hash, b"message", &modulus).is_err());
    assert!(key.verify(hash, b"message", &vec![0xFF; size]).is_err());
}
