//! Paths in this repository. It reads only names of directories and files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the repository.
pub fn root() -> PathBuf {
    // `xtask/` is one level below the root, and is built where it is run.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The policy folder of the samples.
pub fn policy() -> PathBuf {
    root().join("policy")
}

/// The fixtures folder.
pub fn fixtures() -> PathBuf {
    root().join("fixtures")
}

/// The folder of the npm package.
pub fn node_package() -> PathBuf {
    root().join("edge-wasm/node")
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the built parts of edges are, a folder for each target.
pub fn parts() -> PathBuf {
    target().join("parts")
}

/// A program of ours that cargo has built with the dev profile.
pub fn program(name: &str) -> PathBuf {
    target()
        .join("debug")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// `path` for printing: relative to the repository where it lies inside.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The entries of a folder in order of their names; none where the folder does not exist.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let listing =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in listing {
        found.push(entry?.path());
    }
    found.sort();
    Ok(found)
}

/// Signed policy images to try, and what must come of each, for targets that are not Rust.
pub fn signed_trial() -> PathBuf {
    target().join("signed-trial.json")
}

/// Copies a folder with everything below it.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in entries(from)? {
        let name = entry.file_name().context("a file without a name")?;
        if entry.is_dir() {
            copy_folder(&entry, &to.join(name))?;
        } else {
            std::fs::copy(&entry, to.join(name))
                .with_context(|| format!("cannot copy {}", shown(&entry)))?;
        }
    }
    Ok(())
}
