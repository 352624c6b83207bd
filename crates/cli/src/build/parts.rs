//! The built parts of a target, the same for every policy: modules, handlers, addons.
//!
//! `cargo xtask build` puts them into a directory named after the target. Not here: the artifacts that are built from
//! them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::failure::Failure;
use crate::write::{self, Entry};

/// The directory that contains a directory for every target.
pub(super) struct Parts(PathBuf);

impl Parts {
    /// The given directory, else the one in `TOLLGATE_PARTS`, else `parts` next to this program or to its directory.
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

    /// Returns every file below a directory of the parts, by name. One of them must be `entry`.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory or `entry` does not exist: the parts are not built, or incomplete.
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
