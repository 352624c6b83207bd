//! RSASSA-PSS verification.

use alloc::{borrow::Cow, boxed::Box};

use jwt_compact::{
    alg::{Rsa, RsaPublicKey},
    jwk::JsonWebKey,
};
use tollgate_token::{Algorithm, KeyRefused, PreparedKey};

use super::jwt_compact_key::JwtCompactKey;

/// Prepares a key. PSS accepts only salts of the hash's length, as RFC 7518 §3.5 requires.
pub(super) fn prepare(
    algorithm: Algorithm,
    n: &[u8],
    e: &[u8],
) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let algorithm: Rsa = algorithm.name().parse().map_err(|_| KeyRefused)?;
    // `jwt-compact` does not export the number type, so the key is converted via a JWK.
    let jwk = JsonWebKey::Rsa {
        modulus: Cow::Borrowed(n),
        public_exponent: Cow::Borrowed(e),
        private_parts: None,
    };
    let key = RsaPublicKey::try_from(&jwk).map_err(|_| KeyRefused)?;
    Ok(Box::new(JwtCompactKey {
        algorithm,
        key,
        signature_len: n.len(),
    }))
}
