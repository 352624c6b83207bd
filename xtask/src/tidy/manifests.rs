//! The workspace as `cargo metadata` reports it, and requirements for every package: the shared lints, an
//! entry on the map, a single toolchain.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Tree;
use crate::{repo, shell};

/// The directories and hand-written files at the root; dotfiles belong to tools.
const TOP: [&str; 27] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "deploy",
    "edge-wasm",
    "fixtures",
    "fuzz",
    "integrations",
    "lab",
    "lambda-adapter",
    "package.json",
    "package-lock.json",
    "docs",
    "policy",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "taplo.toml",
    "xtask",
];

/// One package of the workspace.
pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the root, with `/`.
    pub(super) folder: String,
    pub(super) rust_version: String,
    /// The dependencies of the built package, ours and third-party.
    pub(super) imports: BTreeSet<String>,
    /// The dependencies of its tests only.
    pub(super) test_imports: BTreeSet<String>,
}

/// The packages of the workspace.
pub(super) struct Workspace(pub(super) Vec<Package>);

impl Workspace {
    pub(super) fn read() -> Result<Workspace> {
        shell::packages(&["--no-deps"])?
            .iter()
            .map(|package| Package::read(package).context("a package has no name"))
            .collect::<Result<_>>()
            .map(Workspace)
    }
}

impl Package {
    fn read(told: &Value) -> Option<Package> {
        let manifest = told.get("manifest_path")?.as_str()?;
        let folder = manifest.strip_suffix("/Cargo.toml")?;
        let root = repo::root();
        let folder = std::path::Path::new(folder)
            .strip_prefix(&root)
            .ok()?
            .to_str()?
            .to_owned();
        let mut package = Package {
            name: told.get("name")?.as_str()?.to_owned(),
            folder,
            rust_version: told
                .get("rust_version")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            imports: BTreeSet::new(),
            test_imports: BTreeSet::new(),
        };
        for dependency in told.get("dependencies")?.as_array()? {
            let name = dependency.get("name")?.as_str()?.to_owned();
            if dependency.get("kind").and_then(Value::as_str) == Some("dev") {
                package.test_imports.insert(name);
            } else {
                package.imports.insert(name);
            }
        }
        Some(package)
    }
}

pub(super) fn check(files: &Tree, workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    let toolchain = files
        .text("rust-toolchain.toml")
        .and_then(|text| value(text, "channel"))
        .unwrap_or_default();
    let map = files.text("ARCHITECTURE.md").unwrap_or_default();
    for package in &workspace.0 {
        let Package {
            name,
            folder,
            rust_version,
            ..
        } = package;
        if !(toolchain == rust_version || toolchain.starts_with(&format!("{rust_version}.")))
            || rust_version.is_empty()
        {
            problems.push(format!(
                "{name}: rust-version `{rust_version}` is not the toolchain `{toolchain}`"
            ));
        }
        let manifest = files
            .text(&format!("{folder}/Cargo.toml"))
            .unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!(
                "{folder}/Cargo.toml does not inherit the lints of the workspace"
            ));
        }
        if !map.contains(&format!("`{folder}`")) {
            problems.push(format!("the map in ARCHITECTURE.md lacks `{folder}`"));
        }
    }
    let tops: BTreeSet<&str> = files
        .0
        .iter()
        .filter_map(|file| file.name.split('/').next())
        .collect();
    for top in tops {
        if !top.starts_with('.') && !TOP.contains(&top) {
            problems.push(format!(
                "`{top}` does not belong at the root of the repository"
            ));
        }
    }
    problems
}

/// Returns the string value of a key in a TOML file simple enough to be parsed by line.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text
        .lines()
        .find(|line| line.split('=').next().is_some_and(|own| own.trim() == key))?;
    line.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(rust_version: &str) -> Workspace {
        Workspace(vec![Package {
            name: "one".to_owned(),
            folder: "crates/one".to_owned(),
            rust_version: rust_version.to_owned(),
            imports: BTreeSet::new(),
            test_imports: BTreeSet::new(),
        }])
    }

    #[test]
    fn each_rule_can_fail() {
        let lints = "[package]\n\n[lints]\nworkspace = true\n";
        let toolchain = "[toolchain]\nchannel = \"1.95.0\"\n";
        let map = "- `crates/one`: one.";
        let cases = [
            (lints, toolchain, map, "1.95", "Cargo.toml", None),
            (
                lints,
                toolchain,
                map,
                "1.9",
                "Cargo.toml",
                Some("rust-version"),
            ),
            (
                lints,
                toolchain,
                map,
                "",
                "Cargo.toml",
                Some("rust-version"),
            ),
            (
                "[package]\n",
                toolchain,
                map,
                "1.95",
                "Cargo.toml",
                Some("lints"),
            ),
            (
                lints,
                toolchain,
                "- crates/on",
                "1.95",
                "Cargo.toml",
                Some("map"),
            ),
            (
                lints,
                toolchain,
                map,
                "1.95",
                "scripts/run.md",
                Some("root"),
            ),
        ];
        for (manifest, toolchain, map, version, extra, expected) in cases {
            let files = Tree::of(&[
                ("crates/one/Cargo.toml", manifest),
                ("rust-toolchain.toml", toolchain),
                ("ARCHITECTURE.md", map),
                (extra, ""),
            ]);
            let found = check(&files, &workspace(version));
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            if let (Some(problem), Some(part)) = (found.first(), expected) {
                assert!(problem.contains(part), "{problem}");
            }
        }
    }
}
