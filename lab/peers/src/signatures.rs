//! One signature, verified by each library that could have been chosen: the cost of RS256, ES256 and
//! Ed25519.
//!
//! Each library prepares the key once, as a server would, and then verifies the same bytes. Not here:
//! clocks. The same code runs natively and as a WASM module.

use p256::ecdsa::signature::Verifier;
use tollgate_es256::Table;
use tollgate_rs256::{Hash, PublicKey};

/// A prepared verification: returns whether the signature is valid.
pub type Check = Box<dyn Fn() -> bool>;

/// The input of a verification: the key, the message and its signature.
///
/// RSA keys are modulus and exponent, big-endian; EC keys are SEC 1 points of 65 bytes with an empty
/// second part, Ed25519 keys are 32 bytes with an empty second part. EC signatures are r and s.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Modulus, or public key.
    pub key: Vec<u8>,
    /// Public exponent, or nothing.
    pub exponent: Vec<u8>,
    /// The signed message.
    pub message: Vec<u8>,
    /// The signature, in the format of JWS.
    pub signature: Vec<u8>,
}

impl Signed {
    /// Parses the four parts, each after its length in four bytes, little-endian.
    #[must_use]
    pub fn from_parts(mut bytes: &[u8]) -> Option<Self> {
        let mut part = || {
            let (length, rest) = bytes.split_first_chunk()?;
            let (part, rest) =
                rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            bytes = rest;
            Some(part.to_vec())
        };
        Some(Self {
            key: part()?,
            exponent: part()?,
            message: part()?,
            signature: part()?,
        })
    }
}

/// The names of libraries, with a function that prepares a key in each. The first of every algorithm is ours.
pub const LIBRARIES: [(&str, &str, fn(&Signed) -> Option<Check>); 12] = [
    ("RS256", "tollgate-rs256", rs256_ours),
    ("RS256", "ring 0.17", rs256_ring),
    ("RS256", "rsa 0.9", rs256_rsa),
    ("RS256", "rsa 0.10-rc", rs256_rsa_next),
    ("ES256", "tollgate-es256", es256_ours),
    ("ES256", "tollgate-es256, 9 KiB", es256_small),
    ("ES256", "tollgate-es256, no table", es256_bare),
    ("ES256", "p256 0.13", es256_p256),
    ("ES256", "ring 0.17", es256_ring),
    ("EdDSA", "ed25519-dalek 2.2", eddsa_dalek),
    ("EdDSA", "ed25519-compact 2", eddsa_compact),
    ("EdDSA", "ring 0.17", eddsa_ring),
];

fn rs256_ours(signed: &Signed) -> Option<Check> {
    let key = PublicKey::new(&signed.key, &signed.exponent).ok()?;
    let signed = signed.clone();
    Some(Box::new(move || {
        key.verify(Hash::Sha256, &signed.message, &signed.signature)
            .is_ok()
    }))
}

fn rs256_ring(signed: &Signed) -> Option<Check> {
    let signed = signed.clone();
    Some(Box::new(move || {
        // Its prepared form of an RSA key is these two slices.
        ring::signature::RsaPublicKeyComponents {
            n: &signed.key,
            e: &signed.exponent,
        }
        .verify(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            &signed.message,
            &signed.signature,
        )
        .is_ok()
    }))
}

fn rs256_rsa(signed: &Signed) -> Option<Check> {
    use rsa::BigUint;
    let key = rsa::RsaPublicKey::new(
        BigUint::from_bytes_be(&signed.key),
        BigUint::from_bytes_be(&signed.exponent),
    );
    let key = rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(key.ok()?);
    let signature = rsa::pkcs1v15::Signature::try_from(signed.signature.as_slice()).ok()?;
    let message = signed.message.clone();
    Some(Box::new(move || key.verify(&message, &signature).is_ok()))
}

fn rs256_rsa_next(signed: &Signed) -> Option<Check> {
    use rsa_next::signature::Verifier;
    use rsa_next::{BoxedUint, pkcs1v15, sha2};
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let key = rsa_next::RsaPublicKey::new(number(&signed.key), number(&signed.exponent)).ok()?;
    let key = pkcs1v15::VerifyingKey::<sha2::Sha256>::new(key);
    let signature = pkcs1v15::Signature::try_from(signed.signature.as_slice()).ok()?;
    let message = signed.message.clone();
    Some(Box::new(move || key.verify(&message, &signature).is_ok()))
}

fn es256_ours(signed: &Signed) -> Option<Check> {
    es256(signed, Table::Large)
}

fn es256_small(signed: &Signed) -> Option<Check> {
    es256(signed, Table::Small)
}

fn es256_bare(signed: &Signed) -> Option<Check> {
    es256(signed, Table::None)
}

fn es256(signed: &Signed, table: Table) -> Option<Check> {
    use sha2::Digest;

    let ([x, y], []) = signed.key.strip_prefix(&[4])?.as_chunks() else {
        return None;
    };
    let key = tollgate_es256::PreparedKey::new(x, y, table).ok()?;
    let signed = signed.clone();
    Some(Box::new(move || {
        let digest = sha2::Sha256::digest(&signed.message).into();
        key.verify(&digest, &signed.signature).is_ok()
    }))
}

fn es256_p256(signed: &Signed) -> Option<Check> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&signed.key).ok()?;
    let signature = p256::ecdsa::Signature::from_slice(&signed.signature).ok()?;
    let message = signed.message.clone();
    Some(Box::new(move || key.verify(&message, &signature).is_ok()))
}

fn es256_ring(signed: &Signed) -> Option<Check> {
    Some(by_ring(&ring::signature::ECDSA_P256_SHA256_FIXED, signed))
}

fn eddsa_dalek(signed: &Signed) -> Option<Check> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(signed.key.as_slice().try_into().ok()?);
    let key = key.ok()?;
    let signature = ed25519_dalek::Signature::from_slice(&signed.signature).ok()?;
    let message = signed.message.clone();
    Some(Box::new(move || {
        key.verify_strict(&message, &signature).is_ok()
    }))
}

fn eddsa_compact(signed: &Signed) -> Option<Check> {
    let key = ed25519_compact::PublicKey::from_slice(&signed.key).ok()?;
    let signature = ed25519_compact::Signature::from_slice(&signed.signature).ok()?;
    let message = signed.message.clone();
    Some(Box::new(move || key.verify(&message, &signature).is_ok()))
}

fn eddsa_ring(signed: &Signed) -> Option<Check> {
    Some(by_ring(&ring::signature::ED25519, signed))
}

fn by_ring(
    algorithm: &'static dyn ring::signature::VerificationAlgorithm,
    signed: &Signed,
) -> Check {
    let key = ring::signature::UnparsedPublicKey::new(algorithm, signed.key.clone());
    let signed = signed.clone();
    Box::new(move || key.verify(&signed.message, &signed.signature).is_ok())
}
