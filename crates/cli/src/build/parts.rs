//! The built parts of a target, the same for every policy: modules, handlers, addons.
//!
//! `cargo xtask build` puts them into a directory named after the target, with a manifest; `cargo xtask dist` puts them
//! into the program. Not here: the artifacts that are built from them.

mod embedded;
mod error;
mod manifest;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

pub(crate) use error::PartsError;
use manifest::Manifest;

use crate::failure::Failure;
use crate::write::Entry;

/// The location of the parts, which are in a directory for every target.
pub(super) enum Parts {
    /// A directory with a manifest.
    Folder(PathBuf),
    /// An executable that contains them.
    Program(PathBuf),
}

impl Parts {
    /// The given directory, else the one in `TOLLGATE_PARTS`, else the parts inside this program, else `parts` next to
    /// it or to its directory.
    pub(super) fn find(given: Option<PathBuf>) -> Self {
        // An empty name would be the current directory, whose files are the policy's author's.
        let named = env::var_os("TOLLGATE_PARTS").filter(|folder| !folder.is_empty());
        if let Some(folder) = given.or_else(|| named.map(PathBuf::from)) {
            return Parts::Folder(folder);
        }
        let program = env::current_exe().unwrap_or_default();
        if embedded::has_parts(&program) {
            return Parts::Program(program);
        }
        let folder = program.parent().unwrap_or(&program);
        let parts = folder.join("parts");
        Parts::Folder(match folder.parent() {
            Some(above) if !parts.is_dir() => above.join("parts"),
            _ => parts,
        })
    }

    /// Returns every file below a directory of the parts, by name. One of them must be `entry`.
    ///
    /// # Errors
    ///
    /// Returns an error if `entry` does not exist: the parts are not built, or incomplete. Also if another version
    /// built them, or if a file has changed since.
    pub(super) fn folder(&self, folder: &str, entry: &str) -> Result<Vec<Entry>, Failure> {
        let (place, entries) = match self {
            Parts::Folder(place) => (place, from_folder(place, folder)?),
            Parts::Program(place) => (place, from_program(place, folder)?),
        };
        if entries.iter().any(|found| found.name == entry) {
            Ok(entries)
        } else {
            Err(Failure::NoParts(place.join(folder).join(entry)))
        }
    }
}

fn from_folder(place: &Path, folder: &str) -> Result<Vec<Entry>, Failure> {
    let failed = |path: PathBuf, error: io::Error| Failure::Read { path, error };
    let path = place.join(manifest::FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, error)),
        Err(_) if place.is_dir() => return Err(PartsError::NoManifest(place.to_owned()).into()),
        Err(_) => return Err(Failure::NoParts(place.join(folder))),
    };
    let manifest = Manifest::parse(&text, place)?;
    let entry = |(inner, name): (&str, &str)| {
        let path = place.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(manifest.entry(inner, name, bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(PartsError::damaged(place, name).into())
            }
            Err(error) => Err(failed(path, error)),
        }
    };
    manifest.below(folder).map(entry).collect()
}

fn from_program(place: &Path, folder: &str) -> Result<Vec<Entry>, Failure> {
    let mut files = embedded::read(place).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Failure::Read {
            path: place.to_owned(),
            error,
        },
        _ => PartsError::damaged(place, "parts.tar.gz").into(),
    })?;
    let missing = |name: &str| PartsError::damaged(place, name);
    let text = files
        .remove(manifest::FILE)
        .ok_or_else(|| missing(manifest::FILE))?;
    let manifest = Manifest::parse(&text, place)?;
    let entry = |(inner, name): (&str, &str)| {
        let bytes = files.remove(name).ok_or_else(|| missing(name))?;
        Ok(manifest.entry(inner, name, bytes)?)
    };
    manifest.below(folder).map(entry).collect()
}

/// Checks that every file that a module names is among the entries. Otherwise, an incomplete copy would fail only in
/// production.
///
/// # Errors
///
/// Returns an error if a module names a missing file.
pub(super) fn check_complete(entries: &[Entry]) -> Result<(), Failure> {
    let is_module = |entry: &&Entry| entry.name.ends_with(".js") || entry.name.ends_with(".mjs");
    for module in entries.iter().filter(is_module) {
        let text = String::from_utf8_lossy(&module.bytes);
        for named in named_files(&text) {
            let name = resolve(&module.name, named);
            if !entries.iter().any(|entry| entry.name == name) {
                return Err(Failure::NoParts(PathBuf::from(name)));
            }
        }
    }
    Ok(())
}

/// The files that a module names, relative to itself: imports, and URLs relative to the module.
fn named_files(module: &str) -> impl Iterator<Item = &str> {
    /// The text before the name of a file in a module.
    const BEFORE: [&str; 5] = [
        "from ",
        "import ",
        "import(",
        "Require(import.meta.url)(",
        "new URL(",
    ];
    BEFORE.into_iter().flat_map(move |before| {
        module.match_indices(before).filter_map(move |(at, _)| {
            let rest = module.get(at + before.len()..)?;
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (name, after) = rest.get(1..)?.split_once(quote)?;
            let is_relative = after.trim_start().starts_with(", import.meta.url");
            (name.starts_with('.') || is_relative).then_some(name)
        })
    })
}

/// The name of a file that a module in the same archive names.
fn resolve(module: &str, named: &str) -> String {
    let mut parts: Vec<_> = module.split('/').collect();
    parts.pop();
    for part in named.split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_named_by_modules_must_exist() {
        let entry = |name: &str, text: &str| Entry {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let table = [
            ("", None),
            ("import \"node:fs\";", None),
            ("import { a } from \"./b.mjs\";", None),
            ("import { a } from './c/d.mjs';", None),
            ("export { a } from \"../a.mjs\";", None),
            ("const { a } = await import('./b.mjs');", None),
            ("new URL(\"b.mjs\", import.meta.url)", None),
            ("new URL(url, place)", None),
            ("new URL(\"/x\", place)", None),
            ("// from here on", None),
            ("import { a } from \"./gone.mjs\";", Some("gone.mjs")),
            ("import './c/gone.mjs';", Some("c/gone.mjs")),
            ("new URL('gone.wasm', import.meta.url)", Some("gone.wasm")),
            (
                "createRequire(import.meta.url)(\"./gate.node\")",
                Some("gate.node"),
            ),
        ];
        for (text, missing) in table {
            let entries = [
                entry("a.mjs", text),
                entry("b.mjs", ""),
                entry("c/d.mjs", "import '../b.mjs'; import './e.js'"),
                entry("c/e.js", ""),
            ];
            let found = match check_complete(&entries) {
                Ok(()) => None,
                Err(Failure::NoParts(path)) => path.to_str().map(str::to_owned),
                Err(_) => panic!("another failure"),
            };
            assert_eq!(found.as_deref(), missing, "{text}");
        }
    }
}
