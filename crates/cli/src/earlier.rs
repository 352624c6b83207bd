//! Archives that `tollgate build` wrote earlier: how they are recognized, and the policy in them.
//!
//! Not here: writing archives, which `build` does, and whether one may be replaced ([`crate::overwrite`]).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use tar::Archive;
use tollgate_edges::{Artifact, EDGES};
use tollgate_gate::signed::MAX_SIGNED_BYTES;
use tollgate_javascript::{MAX_BUNDLE_BYTES, edgeworkers_policy};

/// The files of an EdgeWorkers bundle.
pub(crate) const BUNDLE_FILES: [&str; 2] = ["main.js", "bundle.json"];

/// Returns the policy in a zip, if the file is a zip that contains one.
pub(crate) fn zipped(path: &Path) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(File::open(path).ok()?).ok()?;
    let policies = EDGES.iter().filter_map(|edge| match edge.artifact {
        Artifact::Zip(parts) => Some(parts.policy),
        Artifact::Folder(_) | Artifact::Function | Artifact::Bundle | Artifact::Config(_) => None,
    });
    let name = policies
        .into_iter()
        .find(|name| archive.index_for_name(name).is_some())?;
    let file = archive.by_name(name).ok()?;
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_SIGNED_BYTES).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Whether `bytes` are a bundle: a gzipped tar file of exactly these files.
pub(crate) fn is_bundle(bytes: &[u8]) -> bool {
    let mut archive = Archive::new(GzDecoder::new(bytes));
    let Ok(entries) = archive.entries() else {
        return false;
    };
    // A foreign archive may have any number of entries; one more than ours is enough to know.
    let names: Option<Vec<_>> = entries
        .take(BUNDLE_FILES.len() + 1)
        .map(|entry| Some(entry.ok()?.path().ok()?.into_owned()))
        .collect();
    names.is_some_and(|names| names == BUNDLE_FILES.map(PathBuf::from))
}

/// The version of a bundle and the ID of the policy in it, if it is a bundle and both of its files have the same policy.
pub(crate) fn bundled(bytes: &[u8]) -> Option<(String, String)> {
    if !is_bundle(bytes) {
        return None;
    }
    let most = u64::try_from(MAX_BUNDLE_BYTES).ok()?;
    let mut texts = Vec::new();
    for entry in Archive::new(GzDecoder::new(bytes)).entries().ok()? {
        let mut text = String::new();
        entry.ok()?.take(most).read_to_string(&mut text).ok()?;
        texts.push(text);
    }
    let [main, manifest] = <[String; 2]>::try_from(texts).ok()?;
    let manifest: Value = serde_json::from_str(&manifest).ok()?;
    let version = manifest.get("edgeworker-version")?.as_str()?;
    let policy = edgeworkers_policy(version)?;
    let is_the_same = main.contains(&format!("\"policy\":\"{policy}\""));
    is_the_same.then(|| (version.to_owned(), policy))
}
