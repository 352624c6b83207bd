//! Trust keys given as arguments: the keys that policy images must be signed with.
//!
//! Not here: verifying signatures, which `tollgate_gate::signed` does.

use std::path::PathBuf;

use clap::Args;
use tollgate_crypto::Native;
use tollgate_gate::{PolicyVersion, Trust};

use crate::failure::Failure;
use crate::input;

/// Trust keys, and the oldest accepted version of a policy.
#[derive(Args)]
pub(crate) struct TrustArgs {
    /// Accept only an image that is signed with one of these keys, as written by `tollgate keygen`
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// With `--trust`: reject older versions of the policy
    #[arg(long, value_name = "VERSION", value_parser = version, requires = "trust")]
    oldest_version: Option<PolicyVersion>,
}

impl TrustArgs {
    /// Reads the keys, if `--trust` is given.
    pub(crate) fn read(&self) -> Result<Option<Trust>, Failure> {
        let Some(path) = &self.trust else {
            return Ok(None);
        };
        let trust = of_bytes(path, &input::read(path)?)?;
        Ok(Some(match self.oldest_version {
            Some(oldest) => trust.at_least(oldest),
            None => trust,
        }))
    }
}

/// Parses trust keys that were read from `path`.
pub(crate) fn of_bytes(path: &std::path::Path, text: &[u8]) -> Result<Trust, Failure> {
    Trust::from_json(text, &Native).map_err(|error| Failure::Trust {
        path: path.to_owned(),
        error,
    })
}

/// Parses a policy version.
pub(crate) fn version(text: &str) -> Result<PolicyVersion, String> {
    let number = text.parse().ok();
    number.and_then(PolicyVersion::new).ok_or_else(|| {
        format!(
            "a policy version is a number from 1 to {}",
            PolicyVersion::MAX
        )
    })
}
