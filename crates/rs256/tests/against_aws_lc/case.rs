//! Valid signatures, and variations of them.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use fastrand::Rng;
use num_bigint::BigUint;
use tollgate_rs256::Hash;

use crate::key::TestKey;

/// The kind of a signature. Only [`Kind::Good`] is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Good,
    BitFlipped,
    OtherMessage,
    OtherHash,
    /// The valid one plus the modulus, if the length allows.
    PlusModulus,
    /// The modulus minus the valid one.
    Negated,
    Shorter,
    Longer,
    Zero,
    One,
    ModulusMinusOne,
    Modulus,
    ModulusPlusOne,
    Random,
    /// Random, with the correct length.
    RandomBytes,
    /// An invalid encoding, signed with the private key: a lenient parser of padding might accept
    /// it.
    Forged(Forgery),
}

/// The error in an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// One flipped bit anywhere.
    Bit,
    /// The hash algorithm's parameters are omitted instead of NULL.
    NoNull,
    /// Short padding, and garbage after the hash.
    HashOnTheLeft,
    /// No padding, and garbage after the hash.
    NoPadding,
    /// Block type 2, which is for encryption.
    BlockType2,
    /// Block type 0: zeros for padding.
    BlockType0,
    /// The hash without its algorithm.
    NoPrefix,
    /// Zero instead of the first byte of padding.
    ZeroInPadding,
}

impl Kind {
    /// All except the valid one.
    pub(crate) const WRONG: [Self; 22] = [
        Self::BitFlipped,
        Self::OtherMessage,
        Self::OtherHash,
        Self::PlusModulus,
        Self::Negated,
        Self::Shorter,
        Self::Longer,
        Self::Zero,
        Self::One,
        Self::ModulusMinusOne,
        Self::Modulus,
        Self::ModulusPlusOne,
        Self::Random,
        Self::RandomBytes,
        Self::Forged(Forgery::Bit),
        Self::Forged(Forgery::NoNull),
        Self::Forged(Forgery::HashOnTheLeft),
        Self::Forged(Forgery::NoPadding),
        Self::Forged(Forgery::BlockType2),
        Self::Forged(Forgery::BlockType0),
        Self::Forged(Forgery::NoPrefix),
        Self::Forged(Forgery::ZeroInPadding),
    ];

    /// Creates a signature of this kind.
    pub(crate) fn signature(
        self,
        key: &TestKey,
        hash: Hash,
        message: &[u8],
        rng: &mut Rng,
    ) -> Vec<u8> {
        let len = key.len();
        let n = &key.n;
        let good = || key.sign(&encoded(hash, message, len));
        let number = match self {
            Self::Good => good(),
            Self::BitFlipped => {
                let mut bytes = key.fixed(&good());
                flip_bit(&mut bytes, rng);
                return bytes;
            }
            Self::OtherMessage => {
                let mut other = message.to_vec();
                other.push(rng.u8(..));
                key.sign(&encoded(hash, &other, len))
            }
            Self::OtherHash => {
                let other = if hash == Hash::Sha256 {
                    Hash::Sha512
                } else {
                    Hash::Sha256
                };
                key.sign(&encoded(other, message, len))
            }
            Self::PlusModulus => {
                let sum = good() + n;
                return if sum.bits() > len as u64 * 8 {
                    sum.to_bytes_be()
                } else {
                    key.fixed(&sum)
                };
            }
            Self::Negated => n - good(),
            Self::Shorter => {
                // Without a leading zero, if there is one; otherwise without the end.
                let mut bytes = key.fixed(&good());
                let at = if bytes[0] == 0 { 0 } else { len - 1 };
                bytes.remove(at);
                return bytes;
            }
            Self::Longer => {
                let mut bytes = key.fixed(&good());
                bytes.insert(if rng.bool() { 0 } else { len }, 0);
                return bytes;
            }
            Self::Zero => BigUint::ZERO,
            Self::One => BigUint::from(1_u8),
            Self::ModulusMinusOne => n - 1_u8,
            Self::Modulus => n.clone(),
            Self::ModulusPlusOne => n + 1_u8,
            Self::Random => BigUint::from_bytes_be(&random(len + 8, rng)) % n,
            Self::RandomBytes => return random(len, rng),
            Self::Forged(forgery) => key.sign(&forgery.encoded(hash, message, len, rng)),
        };
        key.fixed(&number)
    }
}

impl Forgery {
    fn encoded(self, hash: Hash, message: &[u8], len: usize, rng: &mut Rng) -> Vec<u8> {
        let mut right = encoded(hash, message, len);
        let (prefix, hash) = parts(hash, message);
        let mut info = [&prefix[..], &hash].concat();
        let start = match self {
            Self::Bit => {
                // Not in the first byte, which could produce a number above the modulus.
                flip_bit(&mut right[1..], rng);
                return right;
            }
            Self::NoNull => {
                // The two lengths that include the NULL, and the NULL.
                info[1] -= 2;
                info[3] -= 2;
                info.drain(15..17);
                return framed(&info, len);
            }
            Self::BlockType2 => {
                right[1] = 2;
                return right;
            }
            Self::BlockType0 => {
                right[1..len - info.len()].fill(0);
                return right;
            }
            Self::NoPrefix => return framed(&hash, len),
            Self::ZeroInPadding => {
                right[2] = 0;
                return right;
            }
            Self::HashOnTheLeft => vec![0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0],
            Self::NoPadding => vec![0, 1, 0],
        };
        let mut wrong = [start, info].concat();
        let rubbish = random(len - wrong.len(), rng);
        wrong.extend(rubbish);
        wrong
    }
}

/// The valid encoding, computed independently of the crate.
fn encoded(hash: Hash, message: &[u8], len: usize) -> Vec<u8> {
    let (prefix, hash) = parts(hash, message);
    framed(&[&prefix[..], &hash].concat(), len)
}

fn framed(info: &[u8], len: usize) -> Vec<u8> {
    [&[0, 1][..], &vec![0xff; len - 3 - info.len()], &[0], info].concat()
}

/// The identifier of the hash algorithm, and the hash.
fn parts(hash: Hash, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (algorithm, number) = match hash {
        Hash::Sha256 => (&SHA256, 1),
        Hash::Sha384 => (&SHA384, 2),
        Hash::Sha512 => (&SHA512, 3),
    };
    let hash = digest(algorithm, message).as_ref().to_vec();
    let len = hash.len() as u8;
    // SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.number, NULL }, OCTET STRING }
    let oid = [0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, number];
    let info = [&[0x30, 17 + len, 0x30, 13][..], &oid, &[5, 0, 4, len]].concat();
    (info, hash)
}

fn flip_bit(bytes: &mut [u8], rng: &mut Rng) {
    bytes[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
}

fn random(len: usize, rng: &mut Rng) -> Vec<u8> {
    (0..len).map(|_| rng.u8(..)).collect()
}
