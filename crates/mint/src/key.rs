//! Private keys: derived from a seed, parsed from a JWK, and written as a JWK.

use core::fmt;

use rsa::RsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};

use crate::algorithm::{Algorithm, Family};
use crate::base64url::base64url;
use crate::error::MintError;
use crate::jwk::Jwk;
use crate::seed;

mod read;

/// A private key with its key ID and the algorithm of its tokens.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) material: Material,
}

/// The secret numbers.
#[derive(Clone)]
pub(crate) enum Material {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Secret(Vec<u8>),
}

impl PrivateKey {
    /// Derives the key for this seed, key ID and algorithm. RSA keys have `rsa_bits` bits.
    ///
    /// # Errors
    /// Returns an error if no RSA key of that size can be generated.
    pub fn generate(
        seed: &str,
        kid: &str,
        algorithm: Algorithm,
        rsa_bits: usize,
    ) -> Result<Self, MintError> {
        let parts = [b"key", seed.as_bytes(), kid.as_bytes()];
        let material = match algorithm.family() {
            Family::Rsa => {
                let key = RsaPrivateKey::new(&mut seed::rng(&parts), rsa_bits);
                Material::Rsa(Box::new(key.map_err(|_| MintError::BrokenKey)?))
            }
            Family::P256 => {
                let mut rng = seed::rng(&parts);
                Material::P256(p256::ecdsa::SigningKey::random(&mut rng))
            }
            Family::P384 => {
                let mut rng = seed::rng(&parts);
                Material::P384(p384::ecdsa::SigningKey::random(&mut rng))
            }
            Family::Ed25519 => {
                Material::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed::bytes(&parts)))
            }
            Family::Secret => Material::Secret(seed::vec(&parts, algorithm.hash_bytes())),
        };
        Ok(Self {
            kid: kid.into(),
            algorithm,
            material,
        })
    }

    /// Creates a shared secret of any length.
    pub fn from_secret(kid: &str, algorithm: Algorithm, secret: &[u8]) -> Self {
        Self {
            kid: kid.into(),
            algorithm,
            material: Material::Secret(secret.into()),
        }
    }

    /// Returns the same numbers with another key ID and algorithm, even if the combination is invalid.
    #[must_use]
    pub fn renamed(&self, kid: &str, algorithm: Algorithm) -> Self {
        Self {
            kid: kid.into(),
            algorithm,
            material: self.material.clone(),
        }
    }

    /// Returns the key ID, the `kid` of its tokens.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the algorithm of its tokens.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the bytes of a shared secret.
    pub fn secret(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Returns the public half in the form of a key set member. Shared secrets have none.
    pub fn to_public_jwk(&self) -> Option<Jwk> {
        let named = Jwk {
            kid: Some(self.kid.clone()),
            alg: Some(self.algorithm.name().into()),
            usage: Some("sig".into()),
            ..Jwk::default()
        };
        let public = match &self.material {
            Material::Rsa(key) => Jwk {
                kty: "RSA".into(),
                n: Some(base64url(&key.n().to_bytes_be())),
                e: Some(base64url(&key.e().to_bytes_be())),
                ..named
            },
            Material::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (point.x()?, point.y()?);
                ec("P-256", x, y, named)
            }
            Material::P384(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (point.x()?, point.y()?);
                ec("P-384", x, y, named)
            }
            Material::Ed25519(key) => Jwk {
                kty: "OKP".into(),
                crv: Some("Ed25519".into()),
                x: Some(base64url(key.verifying_key().as_bytes())),
                ..named
            },
            Material::Secret(_) => return None,
        };
        Some(public)
    }

    /// Returns the complete key, which [`PrivateKey::from_jwk`] can parse. Not for a key set.
    pub fn to_private_jwk(&self) -> Jwk {
        let public = self.to_public_jwk().unwrap_or_else(|| Jwk {
            kty: "oct".into(),
            kid: Some(self.kid.clone()),
            alg: Some(self.algorithm.name().into()),
            ..Jwk::default()
        });
        match &self.material {
            Material::Rsa(key) => {
                let prime = |at: usize| key.primes().get(at).map(|p| base64url(&p.to_bytes_be()));
                let part = |part: Option<&rsa::BigUint>| part.map(|p| base64url(&p.to_bytes_be()));
                let qi = key.qinv().and_then(|qi| qi.to_biguint());
                Jwk {
                    d: Some(base64url(&key.d().to_bytes_be())),
                    p: prime(0),
                    q: prime(1),
                    dp: part(key.dp()),
                    dq: part(key.dq()),
                    qi: part(qi.as_ref()),
                    ..public
                }
            }
            Material::P256(key) => Jwk {
                d: Some(base64url(&key.to_bytes())),
                ..public
            },
            Material::P384(key) => Jwk {
                d: Some(base64url(&key.to_bytes())),
                ..public
            },
            Material::Ed25519(key) => Jwk {
                d: Some(base64url(key.as_bytes())),
                ..public
            },
            Material::Secret(secret) => Jwk {
                k: Some(base64url(secret)),
                ..public
            },
        }
    }
}

fn ec(crv: &str, x: &[u8], y: &[u8], named: Jwk) -> Jwk {
    Jwk {
        kty: "EC".into(),
        crv: Some(crv.into()),
        x: Some(base64url(x)),
        y: Some(base64url(y)),
        ..named
    }
}

/// Never prints the secret numbers.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, {})", self.kid, self.algorithm.name())
    }
}

#[cfg(test)]
mod tests;
