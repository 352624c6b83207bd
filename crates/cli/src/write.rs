//! Atomic writing of files and directories: readers see either the complete old version or the complete new one.
//!
//! Not here: the contents.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file in a directory or an archive.
pub(crate) struct Entry {
    /// The path, relative, with `/`.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Writes a file atomically. A link stays a link, and an existing file keeps its permissions.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    let permissions = fs::metadata(path).ok().map(|meta| meta.permissions());
    let temp = temp_path_for(path, "tmp")?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temp)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if let Some(permissions) = permissions {
                file.set_permissions(permissions)?;
            }
            file.sync_all()?;
            fs::rename(&temp, path)
        });
    if written.is_err() {
        // The file may not exist.
        let _ = fs::remove_file(&temp);
    }
    written
}

/// Writes a new file that only its owner can read.
pub(crate) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = new_file(path, true)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Writes a directory atomically. An existing directory is replaced only if every file in it is also written now, so no
/// other file is ever lost.
///
/// # Errors
///
/// Returns `DirectoryNotEmpty` if the directory contains other files, `NotADirectory` if it is a file.
pub(crate) fn write_folder(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let exists = path.try_exists()?;
    replaced(path, entries)?;
    let (temp, old) = (temp_path_for(path, "tmp")?, temp_path_for(path, "old")?);
    let written = fill(&temp, entries).and_then(|()| {
        if !exists {
            return fs::rename(&temp, path);
        }
        // Two steps, because no portable system call swaps directories. If the second step fails, the first is
        // undone.
        fs::rename(path, &old)?;
        fs::rename(&temp, path).inspect_err(|_| {
            let _ = fs::rename(&old, path);
        })
    });
    let _ = fs::remove_dir_all(if written.is_ok() { &old } else { &temp });
    written
}

/// Writes files into a directory, each atomically, and leaves others there as they are. Creates the directory.
pub(crate) fn write_files(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in entries {
        write_whole(&folder.join(&entry.name), &entry.bytes)?;
    }
    Ok(())
}

/// Whether writing `entries` would replace files.
///
/// # Errors
///
/// The same as [`write_folder`].
pub(crate) fn replaced(path: &Path, entries: &[Entry]) -> io::Result<bool> {
    if !path.try_exists()? {
        return Ok(false);
    }
    let held = list(path)?;
    let is_written = |held: &PathBuf| entries.iter().any(|entry| Path::new(&entry.name) == held);
    if held.iter().all(is_written) {
        Ok(!held.is_empty())
    } else {
        Err(io::ErrorKind::DirectoryNotEmpty.into())
    }
}

/// A new file.
pub(crate) struct NewFile {
    /// The path, relative, with `/`.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether only its owner can read it.
    pub(crate) is_secret: bool,
}

/// New files and directories, which are removed when this is dropped.
#[derive(Default)]
pub(crate) struct Created(Vec<PathBuf>);

impl Drop for Created {
    fn drop(&mut self) {
        // The last created first, so that directories are empty when they are removed. A file that another program wrote
        // meanwhile keeps its directory.
        for path in self.0.iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
    }
}

impl Created {
    /// Keeps the files.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }

    fn write(&mut self, path: &Path, file: &NewFile) -> io::Result<()> {
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<&Path> = path.ancestors().skip(1).take_while(is_missing).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.0.push(folder.to_owned());
        }
        let mut new = new_file(path, file.is_secret)?;
        self.0.push(path.to_owned());
        new.write_all(file.text.as_bytes())?;
        new.sync_all()
    }
}

/// Writes new files into a directory: all of them, or none. Creates the directory.
///
/// # Errors
///
/// Returns the path and the error, for example if a file exists.
pub(crate) fn write_new(folder: &Path, files: &[NewFile]) -> Result<Created, (PathBuf, io::Error)> {
    let mut created = Created::default();
    for file in files {
        let path = folder.join(&file.name);
        if let Err(error) = created.write(&path, file) {
            return Err((path, error));
        }
    }
    Ok(created)
}

/// Creates a file. A secret one can only be read by its owner.
fn new_file(path: &Path, is_secret: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)
}

fn fill(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for entry in entries {
        let file = folder.join(&entry.name);
        if let Some(above) = file.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(file, &entry.bytes)?;
    }
    Ok(())
}

/// Returns every file below `folder`, relative to it, sorted by name.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut ahead = vec![PathBuf::new()];
    while let Some(below) = ahead.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                ahead.push(name);
            } else {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A hidden name in the same directory that no other process uses.
fn temp_path_for(path: &Path, end: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut temp = OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}.{end}", std::process::id()));
    Ok(path.with_file_name(temp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, text: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_file_keeps_its_mode() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let scratch = tempfile::tempdir().unwrap();
        let (file, link) = (scratch.path().join("file"), scratch.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        symlink("file", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444);
        assert_eq!(names(scratch.path()), ["file", "link"]);
    }

    fn names(folder: &Path) -> Vec<String> {
        let files = list(folder).unwrap();
        files
            .iter()
            .map(|file| file.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn folders_are_replaced_only_if_nothing_is_lost() {
        let scratch = std::env::temp_dir().join(format!("tollgate-write-{}", std::process::id()));
        fs::create_dir(&scratch).unwrap();
        let out = scratch.join("out");
        let entries = [entry("a", "1"), entry("deep/er/b", "2")];
        for _ in 0..2 {
            write_folder(&out, &entries).unwrap();
            assert_eq!(names(&out), ["a", "deep/er/b"]);
        }
        let refused = |entries: &[Entry]| write_folder(&out, entries).unwrap_err().kind();
        assert_eq!(refused(&entries[..1]), io::ErrorKind::DirectoryNotEmpty);
        assert_eq!(names(&out), ["a", "deep/er/b"]);
        write_folder(
            &out,
            &[entry("a", "3"), entry("deep/er/b", ""), entry("c", "")],
        )
        .unwrap();
        assert_eq!(names(&out), ["a", "c", "deep/er/b"]);
        assert_eq!(fs::read(out.join("a")).unwrap(), b"3");
        // A file exists at the path of a directory. Nothing is left of the attempt.
        fs::write(scratch.join("file"), "").unwrap();
        assert!(write_folder(&scratch.join("file"), &entries).is_err());
        assert!(write_folder(&scratch.join("new"), &[entry("a", ""), entry("a/b", "")]).is_err());
        assert_eq!(names(&scratch), ["file", "out/a", "out/c", "out/deep/er/b"]);
        fs::remove_dir_all(&scratch).unwrap();
    }
}
