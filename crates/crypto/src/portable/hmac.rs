//! HMAC, compared in constant time.

use alloc::boxed::Box;

use jwt_compact::alg::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};
use tollgate_token::{Algorithm, KeyRefused, PreparedKey};

use super::through::Through;

/// Prepares a secret.
pub(super) fn prepare(algorithm: Algorithm, k: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let signature_len = algorithm.hash_len();
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Through {
            algorithm: Hs256,
            key: Hs256Key::new(k),
            signature_len,
        }),
        Algorithm::HS384 => Box::new(Through {
            algorithm: Hs384,
            key: Hs384Key::new(k),
            signature_len,
        }),
        Algorithm::HS512 => Box::new(Through {
            algorithm: Hs512,
            key: Hs512Key::new(k),
            signature_len,
        }),
        _ => return Err(KeyRefused),
    })
}
