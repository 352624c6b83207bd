//! Reproducible zip archives: their bytes depend only on the names and contents of the files.

use std::io::{self, Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::write::Entry;

/// All files are world-readable, because a function's runtime is not their owner.
const MODE: u32 = 0o644;
/// The slowest level, with the smallest output.
const LEVEL: i64 = 9;

/// The archive of `entries`, in the order of their names.
pub(super) fn zip(mut entries: Vec<Entry>) -> io::Result<Vec<u8>> {
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::default())
        .unix_permissions(MODE);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in &entries {
        archive.start_file(entry.name.as_str(), options)?;
        archive.write_all(&entry.bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_depend_only_on_names_and_contents() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bytes: name.repeat(1_000).into_bytes(),
        };
        let one = zip(vec![entry("b/c"), entry("a")]).unwrap();
        assert_eq!(one, zip(vec![entry("a"), entry("b/c")]).unwrap());
        assert!(one.len() < 1_000);
        let mut archive = zip::ZipArchive::new(Cursor::new(one)).unwrap();
        let mut files = Vec::new();
        for at in 0..archive.len() {
            let file = archive.by_index(at).unwrap();
            let (mode, time) = (file.unix_mode(), file.last_modified());
            let name = file.name().unwrap().into_owned();
            files.push((name, file.size(), mode, time));
        }
        let meta = (Some(0o100_644), Some(DateTime::default()));
        assert_eq!(
            files,
            [
                ("a".to_owned(), 1_000, meta.0, meta.1),
                ("b/c".to_owned(), 3_000, meta.0, meta.1)
            ]
        );
    }
}
