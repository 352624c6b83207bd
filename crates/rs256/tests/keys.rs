//! Accepted and rejected keys; and no input makes the crate panic.

#![cfg(test)]

use fastrand::Rng;
use tollgate_rs256::{BadSignature, Hash, KeyError, PublicKey};

/// An odd number of exactly `bits` bits.
fn odd(bits: usize) -> Vec<u8> {
    let rest = (bits - 1) / 8;
    [vec![1 << ((bits - 1) % 8)], vec![0xa5; rest]].concat()
}

#[test]
fn moduli() {
    for (bits, expected) in [
        (1, Err(KeyError::ModulusSize)),
        (1024, Err(KeyError::ModulusSize)),
        (2047, Err(KeyError::ModulusSize)),
        (2048, Ok(())),
        (2049, Ok(())),
        (3072, Ok(())),
        (4095, Ok(())),
        (4096, Ok(())),
        (4097, Err(KeyError::ModulusSize)),
        (1 << 20, Err(KeyError::ModulusSize)),
    ] {
        let key = PublicKey::new(&odd(bits), &[1, 0, 1]);
        assert_eq!(key.map(drop), expected, "{bits}");
    }
    let key = |n: &[u8]| PublicKey::new(n, &[1, 0, 1]).map(drop);
    assert_eq!(key(&[]), Err(KeyError::ModulusSize));
    assert_eq!(
        key(&[&[0], &odd(2048)[..]].concat()),
        Err(KeyError::LeadingZero)
    );
    let mut even = odd(2048);
    even[255] ^= 1;
    assert_eq!(key(&even), Err(KeyError::ModulusEven));
}

#[test]
fn exponents() {
    for (e, expected) in [
        (&[][..], Err(KeyError::ExponentSize)),
        (&[0], Err(KeyError::LeadingZero)),
        (&[0, 1, 0, 1], Err(KeyError::LeadingZero)),
        (&[1], Err(KeyError::ExponentSize)),
        (&[3], Err(KeyError::ExponentSize)),
        (&[0xff, 0xff], Err(KeyError::ExponentSize)),
        (&[1, 0, 0], Err(KeyError::ExponentSize)),
        (&[1, 0, 1], Ok(())),
        (&[1, 0, 2], Err(KeyError::ExponentEven)),
        (&[1, 0, 3], Ok(())),
        (&[1, 0, 0, 0, 0], Err(KeyError::ExponentEven)),
        (&[1, 0, 0, 0, 1], Ok(())),
        (&[1, 0, 0, 0, 0, 0, 0, 0, 1], Ok(())),
        (&[0xff; 32], Ok(())),
        (&[0xff; 33], Err(KeyError::ExponentSize)),
    ] {
        assert_eq!(PublicKey::new(&odd(2048), e).map(drop), expected, "{e:?}");
    }
}

/// Numbers whose power is known without a key are not signatures.
#[test]
fn trivial_signatures() {
    let n = odd(2048);
    let key = PublicKey::new(&n, &[1, 0, 1]).unwrap();
    let (zero, mut one, mut minus_one) = ([0; 256], [0; 256], n.clone());
    one[255] = 1;
    minus_one[255] ^= 1;
    for signature in [
        &[],
        &zero[..],
        &one,
        &minus_one,
        &n,
        &[0xff; 256],
        &[0; 255],
        &[0; 257],
    ] {
        assert_eq!(key.verify(Hash::Sha256, b"", signature), Err(BadSignature));
    }
}

/// Random bytes, of likely and other lengths, as key and as signature.
#[test]
fn nothing_panics() {
    let mut rng = Rng::with_seed(5);
    let mut bytes = |max: usize| {
        let len = match rng.u8(..8) {
            0 => rng.usize(..600),
            1 => 0,
            _ => max - rng.usize(..2),
        };
        let byte = match rng.u8(..8) {
            0 => Some(0),
            1 => Some(0xff),
            _ => None,
        };
        let mut bytes: Vec<u8> = (0..len)
            .map(|_| byte.unwrap_or_else(|| rng.u8(..)))
            .collect();
        if let Some(last) = bytes.last_mut().filter(|_| rng.u8(..4) != 0) {
            *last |= 1;
        }
        bytes
    };
    let (mut prepared, mut checked) = (0, 0);
    for case in 0..3000 {
        let len = [256, 257, 300, 384, 512][case % 5];
        let n = bytes(len);
        let e = bytes([3, 3, 4, 32][case % 4]);
        let signature = bytes(n.len().max(1));
        let message = bytes(64);
        if let Ok(key) = PublicKey::new(&n, &e) {
            prepared += 1;
            checked += usize::from(signature.len() == n.len());
            for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
                assert_eq!(key.verify(hash, &message, &signature), Err(BadSignature));
            }
        }
    }
    assert!(prepared > 500 && checked > 200, "{prepared} {checked}");
}
