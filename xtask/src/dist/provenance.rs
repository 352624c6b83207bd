//! Provenance: an in-toto statement with a SLSA predicate about every file of the release. It is not signed here; the
//! release workflow signs it with the identity of the repository.

use anyhow::Result;
use serde_json::{Value, json};

use super::Release;
use super::program::Built;
use crate::build::manifest;
use crate::{repo, shell};

/// Writes the statement. It contains no time and no machine, so that the same commit gives the same statement.
pub(super) fn write(built: &[Built], release: &Release) -> Result<()> {
    let subjects: Vec<Value> = manifest::files_below(&release.out)?
        .into_iter()
        .map(|(name, bytes)| json!({ "name": name, "digest": { "sha256": manifest::sha256(&bytes) } }))
        .collect();
    let lock = std::fs::read(repo::root().join("Cargo.lock"))?;
    let rustc = shell::must(&mut shell::tool("rustc", ["-vV"]), |_| ())?;
    let field = |name: &str| {
        rustc
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let platforms: Vec<_> = built.iter().map(|one| one.platform.triple).collect();
    let mut sources =
        vec![json!({ "uri": "file:Cargo.lock", "digest": { "sha256": manifest::sha256(&lock) } })];
    if let Some(commit) = &release.commit {
        // A tree with changes is not the commit.
        if let Some(commit) = commit.strip_suffix(manifest::CHANGES) {
            sources.push(
                json!({ "name": "source with changes", "annotations": { "commit": commit } }),
            );
        } else {
            sources.push(json!({ "name": "source", "digest": { "gitCommit": commit } }));
        }
    }
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://tollgate.invalid/xtask-dist/v1",
                "externalParameters": { "version": release.version, "platforms": platforms, "quick": release.quick },
                "internalParameters": { "rustc": field("release:"), "host": field("host:") },
                "resolvedDependencies": sources,
            },
            "runDetails": { "builder": { "id": "https://tollgate.invalid/cargo-xtask-dist" } },
        },
    });
    release.put(
        "provenance.intoto.json",
        format!("{statement:#}\n").as_bytes(),
    )
}
