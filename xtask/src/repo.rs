//! Paths in this repository. It reads only names of directories and files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the repository.
pub fn root() -> PathBuf {
    // `xtask/` is one level below the root, and is built where it is run.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The directory of the sample policy.
pub fn policy() -> PathBuf {
    root().join("policy")
}

/// The fixtures directory.
pub fn fixtures() -> PathBuf {
    root().join("fixtures")
}

/// The directory of the npm package.
pub fn node_package() -> PathBuf {
    root().join("edge-wasm/node")
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The directory of the built parts of edges, with a subdirectory for each target.
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

/// `path` for display: relative to the repository if it is inside it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Returns the entries of a directory, sorted by name; empty if the directory does not exist.
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

/// Signed test images and their expected results, for targets that are not Rust.
pub fn signed_trial() -> PathBuf {
    target().join("signed-trial.json")
}

/// Copies a directory recursively.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in entries(from)? {
        let name = entry.file_name().context("the file has no name")?;
        if entry.is_dir() {
            copy_folder(&entry, &to.join(name))?;
        } else {
            std::fs::copy(&entry, to.join(name))
                .with_context(|| format!("cannot copy {}", shown(&entry)))?;
        }
    }
    Ok(())
}
