//! Gates for generated policies: mutants, and policies instrumented for coverage.
//!
//! Tests state the claims of a token, so no signature is ever verified here. Not here: real gates.

use tollgate_gate::{Gate, LoadError};
use tollgate_policy::encode::{EncodeError, encode};
use tollgate_policy::spec::ImageSpec;
use tollgate_token::{
    Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider, SEALING_NONCE_BYTES,
    SealingKey,
};

/// Accepts every key, rejects every signature, and opens no cookie: tests of policies sign nobody in.
struct NoSignatures;

struct NoKey;

impl Provider for NoSignatures {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(NoKey))
    }

    // A gate with `[sign_in]` loads only where it could run the flow.
    fn sha256(&self, _: &[u8]) -> Option<[u8; 32]> {
        Some([0; 32])
    }

    fn sealing_key(&self, _: &[u8; 32]) -> Option<Box<dyn SealingKey>> {
        Some(Box::new(NoKey))
    }
}

impl SealingKey for NoKey {
    fn seal(&self, _: &[u8; SEALING_NONCE_BYTES], _: &[u8], _: Vec<u8>) -> Option<Vec<u8>> {
        None
    }

    fn open(&self, _: &[u8; SEALING_NONCE_BYTES], _: &[u8], _: Vec<u8>) -> Option<Vec<u8>> {
        None
    }
}

impl PreparedKey for NoKey {
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Err(BadSignature)
    }
}

/// The reason why a gate cannot be built for a policy.
#[derive(Debug)]
pub enum GateError {
    /// It exceeds the limits of an image.
    Encode(EncodeError),
    /// The image does not load.
    Load(LoadError),
    /// The analysis cannot decode it.
    Unusable(tollgate_analysis::PolicyError),
}

impl core::fmt::Display for GateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Load(error) => error.fmt(f),
            Self::Unusable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GateError {}

/// A gate that evaluates the policy and treats every token as invalid.
///
/// # Errors
/// Returns an error if the policy exceeds the limits of an image. The compiler has excluded this
/// for policies that it accepts.
pub fn gate(policy: &ImageSpec) -> Result<Gate<Vec<u8>>, GateError> {
    let encoded = encode(policy).map_err(GateError::Encode)?;
    Gate::new(encoded.image, &NoSignatures).map_err(GateError::Load)
}
