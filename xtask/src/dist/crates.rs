//! The crates for crates.io: the command, the facade for embedders, and everything that they need. All others have
//! `publish = false`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell;
use crate::ui::Step;

/// The crates that are published for their own sake.
const ROOTS: [&str; 2] = ["tollgate", "tollgate-edge"];

/// Checks what cargo checks only when it publishes; returns the names of the published crates.
pub(super) fn check_manifests() -> Result<Vec<String>> {
    let packages = shell::packages(&["--no-deps"])?;
    let by_name: BTreeMap<&str, &Value> = packages
        .iter()
        .map(|package| (text(package, "name"), package))
        .collect();
    let mut problems = Vec::new();
    let mut needed = BTreeSet::new();
    let mut ahead = ROOTS.to_vec();
    while let Some(name) = ahead.pop() {
        if !needed.insert(name) {
            continue;
        }
        let package = by_name
            .get(name)
            .with_context(|| format!("no package `{name}`"))?;
        for member in ["description", "license", "rust_version"] {
            if text(package, member).is_empty() {
                problems.push(format!("{name}: no `{member}` in Cargo.toml"));
            }
        }
        if !package.get("publish").is_none_or(Value::is_null) {
            problems.push(format!(
                "{name}: write `publish = true`, because {} needs it",
                ROOTS.join(" or ")
            ));
        }
        for dependency in package
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let inner = text(dependency, "name");
            if dependency.get("path").is_none() || text(dependency, "kind") == "dev" {
                continue;
            }
            if text(dependency, "req") == "*" {
                problems.push(format!(
                    "{name}: `{inner}` needs a version in the dependencies of the workspace"
                ));
            }
            ahead.push(inner);
        }
    }
    for (name, package) in &by_name {
        if package.get("publish").is_none_or(Value::is_null) && !needed.contains(name) {
            problems.push(format!(
                "{name}: write `publish.workspace = true`; nothing that is published needs it"
            ));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(needed.into_iter().map(str::to_owned).collect())
}

/// Packages all crates as `cargo publish` would, in the order of their dependencies. They are not compiled again.
pub(super) fn dry_run(step: &Step) -> Result<()> {
    let mut publish = shell::cargo([
        "publish",
        "--dry-run",
        "--no-verify",
        "--allow-dirty",
        "--locked",
    ]);
    for name in check_manifests()? {
        publish.args(["--package", &name]);
    }
    shell::must(&mut publish, |line| step.line(line)).map(|_| ())
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
