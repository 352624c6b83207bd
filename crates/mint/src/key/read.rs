//! Parsing of private keys from JSON.

use base64ct::{Base64UrlUnpadded, Encoding};
use rsa::{BigUint, RsaPrivateKey};

use super::{Material, PrivateKey};
use crate::algorithm::{Algorithm, Family};
use crate::error::MintError;
use crate::jwk::Jwk;

impl PrivateKey {
    /// Parses a private key from the JSON of a JWK.
    ///
    /// Without `alg`, elliptic-curve keys have the only algorithm of their curve and RSA keys `RS256`.
    /// Without `kid`, the key ID is empty and is not included in tokens.
    ///
    /// # Errors
    /// Returns an error if the string is not a private key of a supported type.
    pub fn from_jwk(json: &str) -> Result<Self, MintError> {
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| MintError::NotAnObject)?;
        let algorithm = match (&jwk.alg, jwk.kty.as_str(), jwk.crv.as_deref()) {
            (Some(name), ..) => Algorithm::from_name(name)
                .ok_or_else(|| MintError::UnknownAlgorithm(name.as_str().into()))?,
            (None, "RSA", _) => Algorithm::RS256,
            (None, "EC", Some("P-256")) => Algorithm::ES256,
            (None, "EC", Some("P-384")) => Algorithm::ES384,
            (None, "OKP", Some("Ed25519")) => Algorithm::EdDSA,
            _ => return Err(MintError::NoAlgorithm),
        };
        let (kty, crv) = match algorithm.family() {
            Family::Rsa => ("RSA", None),
            Family::P256 => ("EC", Some("P-256")),
            Family::P384 => ("EC", Some("P-384")),
            Family::Ed25519 => ("OKP", Some("Ed25519")),
            Family::Secret => ("oct", None),
        };
        if jwk.kty != kty || jwk.crv.as_deref() != crv {
            return Err(MintError::WrongKey(algorithm.name()));
        }
        let material = match algorithm.family() {
            Family::Rsa => Material::Rsa(Box::new(rsa(&jwk)?)),
            Family::P256 => Material::P256(
                p256::ecdsa::SigningKey::from_slice(&member("d", &jwk.d)?)
                    .map_err(|_| MintError::BadMember("d"))?,
            ),
            Family::P384 => Material::P384(
                p384::ecdsa::SigningKey::from_slice(&member("d", &jwk.d)?)
                    .map_err(|_| MintError::BadMember("d"))?,
            ),
            Family::Ed25519 => {
                let seed = <[u8; 32]>::try_from(member("d", &jwk.d)?);
                let seed = seed.map_err(|_| MintError::BadMember("d"))?;
                Material::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed))
            }
            Family::Secret => Material::Secret(member("k", &jwk.k)?),
        };
        Ok(Self {
            kid: jwk.kid.unwrap_or_default(),
            algorithm,
            material,
        })
    }
}

fn rsa(jwk: &Jwk) -> Result<RsaPrivateKey, MintError> {
    let number = |name, text: &Option<String>| Ok(BigUint::from_bytes_be(&member(name, text)?));
    let primes = vec![number("p", &jwk.p)?, number("q", &jwk.q)?];
    let (n, e, d) = (
        number("n", &jwk.n)?,
        number("e", &jwk.e)?,
        number("d", &jwk.d)?,
    );
    RsaPrivateKey::from_components(n, e, d, primes).map_err(|_| MintError::BrokenKey)
}

fn member(name: &'static str, text: &Option<String>) -> Result<Vec<u8>, MintError> {
    let text = text.as_deref().ok_or(MintError::BadMember(name))?;
    Base64UrlUnpadded::decode_vec(text).map_err(|_| MintError::BadMember(name))
}
