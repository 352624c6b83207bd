//! Signatures over any bytes (RFC 7515, compact form): the layer under tokens.
//!
//! For tools and test vectors. The key is given, not chosen; `kid`, `typ` and `cty` are not looked
//! at, and the payload is not read. Not for deciding about requests: use
//! [`Verifier`](crate::Verifier).

use alloc::vec::Vec;

use crate::{
    algorithm::Algorithm,
    base64url,
    compact::{Header, Parts},
    error::TokenError,
    jwk::Jwk,
    provider::{CheckedKey, Provider},
};

/// The payload of a JWS that this key has signed.
///
/// The header's algorithm must be the key's `alg`; for a key without one it must be of the key's
/// kind. `allowed`, if given, narrows either. An empty payload is fine here.
///
/// # Errors
/// What is wrong with the JWS. A key that the provider cannot use is
/// [`AlgNotAllowed`](TokenError::AlgNotAllowed).
pub fn verify(
    token: &[u8],
    key: &Jwk,
    allowed: Option<&[Algorithm]>,
    max_bytes: u32,
    provider: &dyn Provider,
) -> Result<Vec<u8>, TokenError> {
    if token.len() > max_bytes as usize {
        return Err(TokenError::TooLarge);
    }
    let parts = Parts::split(token)?;
    let algorithm = Header::decode(parts.header)?.algorithm()?;
    let named_by_key = key.algorithm.is_none_or(|own| own == algorithm);
    let listed = allowed.is_none_or(|allowed| allowed.contains(&algorithm));
    if !named_by_key || !listed {
        return Err(TokenError::AlgNotAllowed);
    }
    let key = CheckedKey::prepare(provider, algorithm, &key.material)
        .map_err(|_| TokenError::AlgNotAllowed)?;
    let signature = base64url::decode(parts.signature).ok_or(TokenError::BadEncoding)?;
    let payload = base64url::decode(parts.payload).ok_or(TokenError::BadEncoding)?;
    key.verify(parts.signing_input, &signature)
        .map_err(|_| TokenError::BadSignature)?;
    Ok(payload)
}
