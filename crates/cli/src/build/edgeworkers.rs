//! An Akamai EdgeWorkers code bundle: `main.js` and `bundle.json` in a gzipped tar file.
//!
//! Not here: the source, which `tollgate-javascript` generates.

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tollgate_edges::EDGEWORKERS;
use tollgate_javascript::edgeworkers;

use super::artifact::{Artifact, Content, Input, check_size};
use super::sign_in::Elsewhere;
use crate::earlier::BUNDLE_FILES;
use crate::failure::{Failure, sized};
use crate::write::Entry;

/// All files are world-readable.
const MODE: u32 = 0o644;

pub(super) fn build(input: &Input<'_>) -> Result<Artifact, Failure> {
    let spec = input.spec()?;
    let made = edgeworkers(spec, input.id).map_err(Failure::Script)?;
    let raw = made.main.len();
    let entries: Vec<Entry> = BUNDLE_FILES
        .into_iter()
        .zip([made.main, made.manifest])
        .map(|(name, text)| Entry {
            name: name.to_owned(),
            bytes: text.into_bytes(),
        })
        .collect();
    let bundle = archive(&entries).map_err(Failure::Pack)?;
    check_size(&EDGEWORKERS, bundle.len())?;
    let mut artifact = Artifact::of(Content::File(bundle));
    artifact.notes.push(format!("main.js has {}", sized(raw)));
    let elsewhere = Elsewhere::of(spec);
    artifact
        .warnings
        .extend(elsewhere.map(|elsewhere| elsewhere.rule_warning()));
    Ok(artifact)
}

/// A reproducible gzipped tar file: its bytes depend only on the files.
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
    use crate::earlier::is_bundle;

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
