//! Reproducible `tar.gz` archives: their bytes depend only on the names, contents and modes of the files, and on the time
//! of the commit.

use std::fs;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::Release;
use super::program::Built;
use crate::build::manifest;

/// A file in an archive.
#[derive(Clone)]
pub(super) struct Entry {
    /// Its name, with `/`.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
}

impl Entry {
    /// A file that everyone can read.
    pub(super) fn file(name: String, bytes: Vec<u8>) -> Entry {
        Entry {
            name,
            bytes,
            mode: 0o644,
        }
    }

    /// An executable.
    pub(super) fn program(name: String, bytes: Vec<u8>) -> Entry {
        Entry {
            name,
            bytes,
            mode: 0o755,
        }
    }
}

/// The archive of `entries`, in the order of their names.
pub(super) fn tar_gz(mut entries: Vec<Entry>, release: &Release) -> Result<Vec<u8>> {
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let level = if release.quick {
        Compression::fast()
    } else {
        Compression::best()
    };
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), level));
    for entry in &entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(u64::try_from(entry.bytes.len())?);
        header.set_mode(entry.mode);
        header.set_mtime(release.epoch);
        tar.append_data(&mut header, &entry.name, entry.bytes.as_slice())
            .with_context(|| format!("cannot archive {}", entry.name))?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// The parts of all edges.
pub(super) fn of_parts(release: &Release) -> Result<Vec<u8>> {
    let parts = manifest::sealed_parts()?.into_iter();
    tar_gz(
        parts
            .map(|(name, bytes)| Entry::file(name, bytes))
            .collect(),
        release,
    )
}

/// Writes the archive of a platform.
pub(super) fn write(built: &Built, common: &[Entry], release: &Release) -> Result<()> {
    let Built { platform, path } = built;
    let folder = format!("tollgate-{}-{}", release.version, platform.triple);
    let program = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut entries = vec![Entry::program(
        format!("{folder}/tollgate{}", platform.exe),
        program,
    )];
    for entry in common {
        let name = format!("{folder}/{}", entry.name);
        entries.push(Entry {
            name,
            ..entry.clone()
        });
    }
    release.put(&format!("{folder}.tar.gz"), &tar_gz(entries, release)?)
}
