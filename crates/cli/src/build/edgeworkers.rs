//! An Akamai EdgeWorkers code bundle: `main.js` and `bundle.json` in a gzipped tar file.
//!
//! Not here: the source, which the compiler generates.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, Header};
use tollgate_edges::EDGEWORKERS;
use tollgate_javascript::edgeworkers;

use super::{Artifact, Content, Input};
use crate::failure::{Failure, sized};
use crate::write::Entry;

/// Everybody may read every file.
const MODE: u32 = 0o644;
/// The files of a bundle.
const NAMES: [&str; 2] = ["main.js", "bundle.json"];

pub(super) fn build(input: &Input<'_>) -> Result<Artifact, Failure> {
    let made = edgeworkers(input.spec()?, input.id).map_err(Failure::Script)?;
    let raw = made.main.len();
    let entries: Vec<Entry> = NAMES
        .into_iter()
        .zip([made.main, made.manifest])
        .map(|(name, text)| Entry {
            name: name.to_owned(),
            bytes: text.into_bytes(),
        })
        .collect();
    let bundle = archive(&entries).map_err(Failure::Pack)?;
    super::check_size(&EDGEWORKERS, bundle.len())?;
    let mut artifact = Artifact::of(Content::File(bundle));
    artifact.notes.push(format!("main.js has {}", sized(raw)));
    Ok(artifact)
}

/// Whether `bytes` are a bundle: a gzipped tar file of exactly these files.
pub(crate) fn is_bundle(bytes: &[u8]) -> bool {
    let mut archive = Archive::new(GzDecoder::new(bytes));
    let Ok(entries) = archive.entries() else {
        return false;
    };
    // A foreign archive may have any number of entries; one more than ours is enough to know.
    let names: Option<Vec<_>> = entries
        .take(NAMES.len() + 1)
        .map(|entry| Some(entry.ok()?.path().ok()?.into_owned()))
        .collect();
    names.is_some_and(|names| names == NAMES.map(std::path::PathBuf::from))
}

/// A gzipped tar file that depends on nothing but its files.
fn archive(files: &[Entry]) -> std::io::Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for file in files {
        let mut header = Header::new_ustar();
        header.set_size(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(MODE);
        header.set_mtime(0);
        archive.append_data(&mut header, &file.name, file.bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn tar_reads_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("main.js", "x".repeat(700)),
            ("bundle.json", "{}".to_owned()),
        ];
        let entries = files.clone().map(|(name, text)| Entry {
            name: name.to_owned(),
            bytes: text.into_bytes(),
        });
        let bundle = archive(&entries).unwrap();
        assert!(is_bundle(&bundle));
        assert!(!is_bundle(&archive(&entries[..1]).unwrap()));
        assert!(!is_bundle(b"no bundle"));
        std::fs::write(folder.path().join("b.tgz"), bundle).unwrap();
        let done = Command::new("tar")
            .args(["-xzf", "b.tgz"])
            .current_dir(&folder)
            .status()
            .unwrap();
        assert!(done.success());
        for (name, text) in files {
            assert_eq!(
                std::fs::read_to_string(folder.path().join(name)).unwrap(),
                text
            );
        }
    }
}
