//! Parts inside the executable: a `tar.gz` after its last section, which `cargo xtask dist` appends.
//!
//! Appended, because the same parts belong to the executable of every platform, and none is linked again for them. The
//! end of the file is the length of the archive in 8 bytes, little-endian, and [`MAGIC`]. A tool that rewrites
//! executables, such as `strip`, removes them; then the command has no parts, and says so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::Archive;

/// The last bytes of an executable with parts. `xtask/src/dist/program.rs` has the same.
pub(super) const MAGIC: [u8; 16] = *b"tollgate-parts\x001";
/// The length of the archive, and [`MAGIC`].
const END_BYTES: u64 = 8 + 16;
/// More than all parts together, so that a damaged archive cannot fill the memory.
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;

/// Returns whether an executable contains parts.
pub(super) fn has_parts(program: &Path) -> bool {
    File::open(program)
        .is_ok_and(|mut file| archive_bytes(&mut file).is_ok_and(|found| found.is_some()))
}

/// Returns all files of the archive, by name.
///
/// # Errors
///
/// Returns an error if the executable cannot be read, or if the archive is damaged.
pub(super) fn read(program: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut file = File::open(program)?;
    let bytes = archive_bytes(&mut file)?.ok_or(io::ErrorKind::InvalidData)?;
    let end = i64::try_from(bytes + END_BYTES).map_err(|_| io::ErrorKind::InvalidData)?;
    file.seek(SeekFrom::End(-end))?;
    let tar = GzDecoder::new(file.take(bytes)).take(MAX_BYTES);
    let mut files = BTreeMap::new();
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(name, bytes);
    }
    Ok(files)
}

/// The length of the archive at the end of an executable; `None` if it has none.
fn archive_bytes(file: &mut File) -> io::Result<Option<u64>> {
    let all = file.seek(SeekFrom::End(0))?;
    let Some(start) = all.checked_sub(END_BYTES) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(start))?;
    let (mut length, mut magic) = ([0; 8], [0; 16]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut magic)?;
    let length = u64::from_le_bytes(length);
    Ok((magic == MAGIC && length <= start).then_some(length))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn an_archive_at_the_end_is_found_and_a_damaged_one_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let program = scratch.path().join("program");
        let archive = archive(&[("a/b.js", b"one"), ("parts.json", b"{}")]);
        let length = |bytes: usize| (bytes as u64).to_le_bytes();
        let whole = [b"code", &archive[..], &length(archive.len()), &MAGIC].concat();
        fs::write(&program, &whole).unwrap();
        assert!(has_parts(&program));
        let files = read(&program).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a/b.js", "parts.json"]);
        assert_eq!(files["a/b.js"], b"one");

        // Every way in which the end of the file is not that of parts.
        let without: [&[u8]; 5] = [
            b"",
            b"code",
            &MAGIC,
            &whole[..whole.len() - 1],
            &[&archive[..], &length(usize::MAX), &MAGIC].concat(),
        ];
        for bytes in without {
            fs::write(&program, bytes).unwrap();
            assert!(!has_parts(&program), "{bytes:?}");
        }
        assert!(!has_parts(&scratch.path().join("nothing")));

        // Damaged archives, of the right length.
        for at in [0, archive.len() / 2] {
            let mut hurt = archive.clone();
            hurt[at] ^= 0x55;
            let bytes = [&hurt[..], &length(hurt.len()), &MAGIC].concat();
            fs::write(&program, bytes).unwrap();
            assert!(has_parts(&program));
            let found = read(&program);
            assert!(found.is_err() || found.unwrap() != files);
        }
    }

    #[test]
    fn an_archive_that_expands_without_end_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let program = scratch.path().join("program");
        let zeros = vec![0; usize::try_from(MAX_BYTES).unwrap()];
        let archive = archive(&[("a", &zeros), ("b", b"")]);
        let length = (archive.len() as u64).to_le_bytes();
        fs::write(&program, [&archive[..], &length, &MAGIC].concat()).unwrap();
        assert!(read(&program).is_err());
    }
}
