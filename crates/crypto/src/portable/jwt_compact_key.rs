//! A key for any algorithm of `jwt-compact`.

use jwt_compact::{Algorithm, AlgorithmSignature};
use tollgate_token::{BadSignature, PreparedKey};

/// A key with its algorithm.
pub(super) struct JwtCompactKey<A: Algorithm> {
    pub(super) algorithm: A,
    pub(super) key: A::VerifyingKey,
    pub(super) signature_len: usize,
}

impl<A> PreparedKey for JwtCompactKey<A>
where
    A: Algorithm + Send + Sync,
    A::VerifyingKey: Send + Sync,
{
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        // Must be checked first: the HMAC types panic on other lengths.
        if signature.len() != self.signature_len {
            return Err(BadSignature);
        }
        let signature = A::Signature::try_from_slice(signature).map_err(|_| BadSignature)?;
        let good = self
            .algorithm
            .verify_signature(&signature, &self.key, signing_input);
        if good { Ok(()) } else { Err(BadSignature) }
    }
}
