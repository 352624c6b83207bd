//! What is built once for a target and is the same for every policy: modules, handlers, addons.
//!
//! `cargo xtask build` puts it into a folder of the target's name. Not here: what a target makes of
//! it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::{Entry, write};
use crate::failure::Failure;

/// The folder that holds a folder for every target.
pub(super) struct Parts(PathBuf);

impl Parts {
    /// The folder that was given, else what `TOLLGATE_PARTS` names, else `parts` next to this program or
    /// next to its folder.
    pub(super) fn find(given: Option<PathBuf>) -> Self {
        let near = || {
            let program = env::current_exe().ok()?;
            let folder = program.parent()?;
            let parts = folder.join("parts");
            match folder.parent() {
                Some(above) if !parts.is_dir() => Some(above.join("parts")),
                _ => Some(parts),
            }
        };
        Self(
            given
                .or_else(|| env::var_os("TOLLGATE_PARTS").map(PathBuf::from))
                .or_else(near)
                .unwrap_or_else(|| PathBuf::from("parts")),
        )
    }

    /// Every file below a folder of the parts, by name; one of them must be `entry`.
    ///
    /// # Errors
    ///
    /// If the folder is not there or holds no `entry`: then it was not built, or is not whole.
    pub(super) fn folder(&self, folder: &str, entry: &str) -> Result<Vec<Entry>, Failure> {
        let folder = self.0.join(folder);
        let entries = read(&folder)?;
        if entries.iter().any(|found| found.name == entry) {
            Ok(entries)
        } else {
            Err(Failure::NoParts(folder.join(entry)))
        }
    }
}

fn read(folder: &Path) -> Result<Vec<Entry>, Failure> {
    let failed = |path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::NoParts(path.to_owned()),
        _ => Failure::Read {
            path: path.to_owned(),
            error,
        },
    };
    let files = write::list(folder).map_err(|error| failed(folder, error))?;
    let entry = |file: PathBuf| {
        let path = folder.join(&file);
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        // Artifacts have `/` in names wherever they are built.
        let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
        Ok(Entry {
            name: parts.join("/"),
            bytes,
        })
    };
    files.into_iter().map(entry).collect()
}
