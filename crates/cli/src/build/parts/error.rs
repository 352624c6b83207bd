//! Errors of built parts.

use core::fmt;
use std::path::{Path, PathBuf};

use super::manifest;
use crate::version::{COMMIT, VERSION};

/// Built parts that are not those of this command.
#[derive(Debug)]
pub(crate) enum PartsError {
    /// The directory has no manifest, so their version is unknown.
    NoManifest(PathBuf),
    /// Another version built them.
    Version {
        place: PathBuf,
        version: String,
        commit: Option<String>,
    },
    /// A file is missing, or has other contents than those that were built.
    Damaged { place: PathBuf, name: String },
}

impl PartsError {
    pub(super) fn damaged(place: &Path, name: &str) -> Self {
        PartsError::Damaged {
            place: place.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            PartsError::NoManifest(_) | PartsError::Version { .. } => "parts_version",
            PartsError::Damaged { .. } => "parts_damaged",
        }
    }

    /// The advice for the reader.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            PartsError::NoManifest(_) | PartsError::Version { .. } => {
                "the command of a release contains its own parts: leave `--parts` and `TOLLGATE_PARTS` out; or unpack \
                 the `tollgate-parts` archive of the same release; in a clone of the repository: `cargo xtask build`"
            }
            PartsError::Damaged { .. } => {
                "install the command again, or unpack the `tollgate-parts` archive of its release again; in a clone \
                 of the repository: `cargo xtask build`"
            }
        }
    }
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartsError::NoManifest(place) => write!(
                f,
                "the version of the parts in `{}` is unknown: no file `{}`",
                place.display(),
                place.join(manifest::FILE).display()
            ),
            PartsError::Version {
                place,
                version,
                commit,
            } => write!(
                f,
                "the parts in `{}` are of version {}; this command has version {}",
                place.display(),
                shown(version, commit.as_deref()),
                shown(VERSION, COMMIT),
            ),
            PartsError::Damaged { place, name } => write!(
                f,
                "the parts in `{}` are damaged: `{name}` is missing or has changed",
                place.display()
            ),
        }
    }
}

/// A version and its commit.
fn shown(version: &str, commit: Option<&str>) -> String {
    commit.map_or_else(
        || version.to_owned(),
        |commit| format!("{version} (commit {commit})"),
    )
}
