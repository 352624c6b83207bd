//! Signatures over any bytes (RFC 7515, compact form): the layer under tokens.
//!
//! For tools and test vectors. The caller supplies the key; `kid`, `typ`, `cty` and the payload are
//! not read. Not here: deciding about requests, for which [`Verifier`](crate::Verifier) exists.

use alloc::vec::Vec;

use crate::{
    algorithm::Algorithm,
    base64url,
    compact::{Header, Parts},
    error::TokenError,
    jwk::Jwk,
    provider::{CheckedKey, Provider},
};

/// Returns the payload of a JWS signed with this key.
///
/// The header's algorithm must be the key's `alg`, or of the key's kind if the key has none.
/// `allowed`, if given, restricts both. The payload may be empty.
///
/// # Errors
/// Returns the error in the JWS. A key that the provider cannot use is
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
