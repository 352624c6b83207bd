//! RSA signatures with the probabilistic padding.

use alloc::{borrow::Cow, boxed::Box};

use jwt_compact::{
    alg::{Rsa, RsaPublicKey},
    jwk::JsonWebKey,
};
use tollgate_token::{Algorithm, KeyRefused, PreparedKey};

use super::through::Through;

/// Prepares a key. PSS takes salts of the hash's length only, as RFC 7518 §3.5 wants.
pub(super) fn prepare(
    algorithm: Algorithm,
    n: &[u8],
    e: &[u8],
) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let algorithm: Rsa = algorithm.name().parse().map_err(|_| KeyRefused)?;
    // The number type is not ours to name, so the key goes by way of a JWK.
    let jwk = JsonWebKey::Rsa {
        modulus: Cow::Borrowed(n),
        public_exponent: Cow::Borrowed(e),
        private_parts: None,
    };
    let key = RsaPublicKey::try_from(&jwk).map_err(|_| KeyRefused)?;
    Ok(Box::new(Through {
        algorithm,
        key,
        signature_len: n.len(),
    }))
}
