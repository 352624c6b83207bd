//! Gates for policies that nobody wrote: mutants, and policies with measuring rules in them.
//!
//! Tests say what a token would say, so no signature is ever looked at here. Not here: real gates.

use tollgate_gate::{Gate, LoadError};
use tollgate_policy::encode::{EncodeError, encode};
use tollgate_policy::spec::ImageSpec;
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider};

/// Takes every key and finds every signature bad.
struct NoSignatures;

struct NoKey;

impl Provider for NoSignatures {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(NoKey))
    }
}

impl PreparedKey for NoKey {
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Err(BadSignature)
    }
}

/// Why a policy has no gate.
#[derive(Debug)]
pub enum Unbuildable {
    /// It does not fit an image.
    Encode(EncodeError),
    /// The image does not load.
    Load(LoadError),
    /// The analysis cannot read it.
    Unusable(tollgate_analysis::PolicyError),
}

impl core::fmt::Display for Unbuildable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Load(error) => error.fmt(f),
            Self::Unusable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Unbuildable {}

/// A gate that decides as the policy says and takes every token for a bad one.
///
/// # Errors
/// If the policy does not fit an image, which the compiler has ruled out for what it accepts.
pub fn gate(policy: &ImageSpec) -> Result<Gate<Vec<u8>>, Unbuildable> {
    let encoded = encode(policy).map_err(Unbuildable::Encode)?;
    Gate::new(encoded.image, &NoSignatures).map_err(Unbuildable::Load)
}
