//! The manifest of the edges' parts: the version and commit that built them, and a hash of every file. `tollgate build`
//! rejects parts of another version.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{repo, shell};

/// The file name, in the directory of the parts. `crates/cli/src/build/parts/manifest.rs` has the same.
const FILE: &str = "parts.json";
/// The Lambda program's own zip is next to the parts, and is not one of them.
const NO_PARTS: &str = "lambda";
/// The mark of a commit with changes.
pub(crate) const CHANGES: &str = "+changes";
/// The version of this workspace.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes the manifest of all parts that exist. `commit` built all of them; `None` if some may be older.
pub(crate) fn write(commit: Option<String>) -> Result<()> {
    let mut files = BTreeMap::new();
    for (name, bytes) in parts()? {
        files.insert(name, sha256(&bytes));
    }
    let manifest = json!({ "version": VERSION, "commit": commit, "files": files });
    let path = repo::parts().join(FILE);
    fs::write(&path, format!("{manifest:#}\n"))
        .with_context(|| format!("cannot write {}", repo::shown(&path)))
}

/// All files of the parts by name, the manifest among them.
pub(crate) fn sealed_parts() -> Result<BTreeMap<String, Vec<u8>>> {
    let path = repo::parts().join(FILE);
    let manifest = fs::read(&path)
        .with_context(|| format!("no {}: run `cargo xtask build` first", repo::shown(&path)))?;
    let mut files = parts()?;
    files.insert(FILE.to_owned(), manifest);
    Ok(files)
}

fn parts() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for folder in repo::entries(&repo::parts())? {
        if folder.is_dir() && !folder.ends_with(NO_PARTS) {
            for (name, bytes) in files_below(&folder)? {
                let above = folder.file_name().unwrap_or_default().to_string_lossy();
                files.insert(format!("{above}/{name}"), bytes);
            }
        }
    }
    Ok(files)
}

/// Every file below a directory, by its name relative to it, with `/`.
pub(crate) fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(next) = ahead.pop() {
        for entry in repo::entries(&next)? {
            if entry.is_dir() {
                ahead.push(entry);
                continue;
            }
            let name: Vec<_> = entry
                .strip_prefix(folder)?
                .iter()
                .map(|part| part.to_string_lossy())
                .collect();
            let bytes =
                fs::read(&entry).with_context(|| format!("cannot read {}", repo::shown(&entry)))?;
            files.insert(name.join("/"), bytes);
        }
    }
    Ok(files)
}

/// The commit of this tree, with a mark if files have changed since; `None` outside a clone.
pub(crate) fn commit() -> Option<String> {
    let git = |args: &[&str]| shell::must(&mut shell::tool("git", args), |_| ()).ok();
    let commit = git(&["rev-parse", "HEAD"])?;
    let mark = match git(&["status", "--porcelain"])?.trim() {
        "" => "",
        _ => CHANGES,
    };
    Some(format!("{}{mark}", commit.trim()))
}

/// The SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
