//! Whether the finished modules are those of what cargo built last. Finishing takes seconds that
//! nobody needs to wait for twice. It does not look inside modules.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use super::Modules;
use crate::repo;

/// What the finished modules are made from, as text.
pub(super) struct Stamp(String);

impl Stamp {
    /// The stamp of modules, and of the tool that finishes one of them.
    pub(super) fn of(modules: &[PathBuf], optimise: bool) -> Result<Stamp> {
        let mut text = format!("optimise {optimise}\n");
        let bindgen = repo::root().join("edge-wasm/bindgen/src/main.rs");
        for path in modules.iter().chain([&bindgen]) {
            text.push_str(&line(path)?);
        }
        Ok(Stamp(text))
    }

    /// True if the finished modules are there and carry this stamp.
    pub(super) fn is_current(&self) -> bool {
        let Modules { plain, node } = Modules::places();
        plain.exists()
            && node.exists()
            && std::fs::read_to_string(place()).is_ok_and(|left| left == self.0)
    }

    /// Says that the finished modules are those of this stamp.
    pub(super) fn leave(&self) -> Result<()> {
        std::fs::write(place(), &self.0).context("cannot write the stamp of the WASM modules")
    }
}

fn place() -> PathBuf {
    repo::target().join("edge/stamp")
}

/// A file's name, length and time of change.
fn line(path: &Path) -> Result<String> {
    let about = path
        .metadata()
        .with_context(|| format!("{} is missing", path.display()))?;
    let changed = about
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(format!(
        "{} {} {}\n",
        path.display(),
        about.len(),
        changed.as_nanos()
    ))
}
