//! The manifest of built parts: the version and the commit that built them, and a hash of every file.
//!
//! `cargo xtask build` writes it. Parts of another version could be unable to load the images of this one, and that
//! would be noticed only in production.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::PartsError;
use crate::version::{COMMIT, VERSION};
use crate::write::Entry;

/// The name of the manifest, in the directory of the parts.
pub(super) const FILE: &str = "parts.json";

/// The manifest of parts that this version built.
pub(super) struct Manifest {
    /// The location of the parts, for messages.
    place: PathBuf,
    /// File name, with `/`, to SHA-256 in hexadecimal.
    files: BTreeMap<String, String>,
}

impl Manifest {
    /// Parses the manifest of the parts at `place`.
    ///
    /// # Errors
    ///
    /// Returns an error if it is malformed, or if another version built the parts.
    pub(super) fn parse(text: &[u8], place: &Path) -> Result<Self, PartsError> {
        let malformed = || PartsError::damaged(place, FILE);
        let manifest: Value = serde_json::from_slice(text).map_err(|_| malformed())?;
        let member = |name| manifest.get(name).and_then(Value::as_str);
        let version = member("version").ok_or_else(malformed)?;
        let commit = member("commit");
        // A command that was built without a commit is under development; then versions are all that is known.
        let is_other_commit = commit.is_some_and(|commit| COMMIT.is_some_and(|own| own != commit));
        if version != VERSION || is_other_commit {
            return Err(PartsError::Version {
                place: place.to_owned(),
                version: version.to_owned(),
                commit: commit.map(str::to_owned),
            });
        }
        let files = manifest.get("files").and_then(Value::as_object);
        let files = files.ok_or_else(malformed)?.iter().map(|(name, hash)| {
            let hash = hash.as_str().ok_or_else(malformed)?;
            // A name that leads out of the parts would be written outside of the artifact.
            let is_inside = |part| matches!(part, Component::Normal(_));
            if !Path::new(name).components().all(is_inside) {
                return Err(PartsError::damaged(place, name));
            }
            Ok((name.clone(), hash.to_owned()))
        });
        Ok(Self {
            place: place.to_owned(),
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// The files below a directory: names relative to it, and names relative to the parts.
    pub(super) fn below<'a>(
        &'a self,
        folder: &str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let prefix = format!("{folder}/");
        self.files.keys().filter_map(move |name| {
            let inner = name.strip_prefix(&prefix)?;
            Some((inner, name.as_str()))
        })
    }

    /// Returns an entry with the contents of a file.
    ///
    /// # Errors
    ///
    /// Returns an error if these are not the contents with which the parts were built.
    pub(super) fn entry(
        &self,
        inner: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Entry, PartsError> {
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if self.files.get(name) != Some(&hash) {
            return Err(PartsError::damaged(&self.place, name));
        }
        Ok(Entry {
            name: inner.to_owned(),
            bytes,
        })
    }
}
