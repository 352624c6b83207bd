//! The same results as AWS-LC and `p256`, for signatures that are valid, nearly valid, and random.
//!
//! `TOLLGATE_ES256_CASES` is the number of cases; a million take some minutes in a release build.
//! A fifth is also verified with `p256`, which takes longer.

#![cfg(test)]
// AWS-LC does not build for WASM, where the other tests also run.
#![cfg(not(target_family = "wasm"))]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use fastrand::Rng;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use tollgate_es256::{PreparedKey, Table};

/// The kind of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Valid,
    /// n - s instead of s, which is valid, too.
    OtherS,
    BitFlipped,
    OtherMessage,
    OtherKey,
    /// n - r instead of r.
    OtherR,
    Swapped,
    /// r or s plus n, modulo 2²⁵⁶.
    PlusOrder,
    /// r or s is 0, 1, n - 1, n, n + 1 or 2²⁵⁶ - 1.
    Extreme,
    /// s such that u₂ is 1 or -1, or small.
    SmallScalar,
    Random,
    Shorter,
    Longer,
}

const KINDS: [Kind; 13] = [
    Kind::Valid,
    Kind::OtherS,
    Kind::BitFlipped,
    Kind::OtherMessage,
    Kind::OtherKey,
    Kind::OtherR,
    Kind::Swapped,
    Kind::PlusOrder,
    Kind::Extreme,
    Kind::SmallScalar,
    Kind::Random,
    Kind::Shorter,
    Kind::Longer,
];

/// The order of the group.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn random<const L: usize>(rng: &mut Rng) -> [u8; L] {
    core::array::from_fn(|_| rng.u8(..))
}

impl Kind {
    fn signature(self, secret: &SigningKey, message: &[u8], rng: &mut Rng) -> Vec<u8> {
        let hash = digest(&SHA256, message);
        let valid: Signature = secret.sign_prehash(hash.as_ref()).unwrap();
        let (r, s) = (*valid.r(), *valid.s());
        let built = |r: p256::FieldBytes, s: p256::FieldBytes| [r, s].concat();
        let mut bytes = valid.to_bytes().to_vec();
        let at = 32 * rng.usize(..2);
        match self {
            Self::Valid => {}
            Self::OtherS => bytes = built(r.to_bytes(), (-s).to_bytes()),
            Self::OtherR => bytes = built((-r).to_bytes(), s.to_bytes()),
            Self::Swapped => bytes = built(s.to_bytes(), r.to_bytes()),
            Self::BitFlipped => bytes[rng.usize(..64)] ^= 1 << rng.u8(..8),
            Self::OtherMessage => {
                let other: Signature = secret.sign_prehash(&random::<32>(rng)).unwrap();
                bytes = other.to_bytes().to_vec();
            }
            Self::OtherKey => {
                let other = SigningKey::from_slice(&[rng.u8(1..255); 32]).unwrap();
                let other: Signature = other.sign_prehash(hash.as_ref()).unwrap();
                bytes = other.to_bytes().to_vec();
            }
            Self::PlusOrder => {
                let mut carry = 0;
                for (byte, n) in bytes[at..at + 32].iter_mut().zip(N).rev() {
                    let sum = u16::from(*byte) + u16::from(n) + carry;
                    (*byte, carry) = (sum as u8, sum >> 8);
                }
            }
            Self::Extreme => {
                let number = &mut bytes[at..at + 32];
                number.copy_from_slice(&N);
                match rng.u8(..6) {
                    0 => number.fill(0),
                    1 => number.fill(0xff),
                    2 => {
                        number.fill(0);
                        number[31] = 1;
                    }
                    3 => number[31] -= 1,
                    4 => number[31] += 1,
                    _ => {}
                }
            }
            Self::SmallScalar => {
                let small = p256::Scalar::from(rng.u64(1..20));
                let small = if rng.bool() { small } else { -small };
                let s = r * small.invert().unwrap();
                bytes = built(r.to_bytes(), s.to_bytes());
            }
            Self::Random => bytes = random::<64>(rng).to_vec(),
            Self::Shorter => drop(bytes.pop()),
            Self::Longer => bytes.push(0),
        }
        bytes
    }
}

#[test]
fn same_answer() {
    let asked = std::env::var("TOLLGATE_ES256_CASES").ok();
    let cases: usize = asked.map_or(4_000, |cases| cases.parse().expect("a number of cases"));
    let seed = std::env::var("TOLLGATE_ES256_SEED").ok();
    let seed = seed.map_or(11, |seed| seed.parse().expect("a number"));
    let mut rng = Rng::with_seed(seed);
    let (mut valid, mut invalid, mut keys) = (0, 0, 0);
    let mut case = 0;
    while case < cases {
        let Ok(secret) = SigningKey::from_slice(&random::<32>(&mut rng)) else {
            continue;
        };
        keys += 1;
        let sec1 = secret.verifying_key().to_encoded_point(false);
        let (x, y) = ((*sec1.x().unwrap()).into(), (*sec1.y().unwrap()).into());
        let ours = [Table::Large, Table::Small, Table::None]
            .map(|table| PreparedKey::new(&x, &y, table).unwrap());
        let theirs = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, sec1.as_bytes());
        for _ in 0..100 {
            case += 1;
            // Valid and other ones alternate; each other kind is equally frequent.
            let kind = match case % 2 {
                0 => Kind::Valid,
                _ => KINDS[case / 2 % KINDS.len()],
            };
            let message: [u8; 40] = random(&mut rng);
            let signature = kind.signature(&secret, &message, &mut rng);
            let hash = digest(&SHA256, &message).as_ref().try_into().unwrap();
            let expected = theirs.verify(&message, &signature).is_ok();
            let what = || format!("{kind:?} {message:x?} {signature:x?} {x:x?} {y:x?}");
            for key in &ours {
                let verified = key.verify(&hash, &signature).is_ok();
                assert_eq!(verified, expected, "{}", what());
            }
            if case % 10 < 2 {
                let verified = Signature::from_slice(&signature).is_ok_and(|signature| {
                    secret.verifying_key().verify(&message, &signature).is_ok()
                });
                assert_eq!(verified, expected, "{}", what());
            }
            assert!(
                expected || !matches!(kind, Kind::Valid | Kind::OtherS),
                "{}",
                what()
            );
            *(if expected { &mut valid } else { &mut invalid }) += 1;
        }
    }
    println!("{valid} valid, {invalid} invalid, {keys} keys");
    assert!(valid > cases / 2 && invalid > cases / 3);
}
