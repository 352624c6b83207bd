//! Whose policy images a verb takes: trust keys as arguments name them. Not here: the rule, which is
//! `tollgate_gate::signed`'s.

use std::path::PathBuf;

use clap::Args;
use tollgate_crypto::Native;
use tollgate_gate::{PolicyVersion, Trust};

use crate::failure::Failure;
use crate::input;

/// Trust keys, and how old a policy may be.
#[derive(Args)]
pub(crate) struct TrustArgs {
    /// Take only an image that is signed by one of these keys, as `tollgate keygen` writes them
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// With `--trust`: take no older version of the policy
    #[arg(long, value_name = "VERSION", value_parser = version, requires = "trust")]
    oldest_version: Option<PolicyVersion>,
}

impl TrustArgs {
    /// The keys, if there are to be any.
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

/// The trust keys in a text that was read from `path`.
pub(crate) fn of_bytes(path: &std::path::Path, text: &[u8]) -> Result<Trust, Failure> {
    Trust::from_json(text, &Native).map_err(|error| Failure::Trust {
        path: path.to_owned(),
        error,
    })
}

/// A policy version as an argument.
pub(crate) fn version(text: &str) -> Result<PolicyVersion, String> {
    let number = text.parse().ok();
    number.and_then(PolicyVersion::new).ok_or_else(|| {
        format!(
            "a policy version is a number from 1 to {}",
            PolicyVersion::MAX
        )
    })
}
