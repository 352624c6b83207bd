//! The state of files, to see that one of them was changed.
//!
//! Looks at the names, times and lengths, and needs no notifications of the system: these are lost on network drives and
//! in containers. Not here: what happens then.

use core::hash::{Hash, Hasher};
use core::time::Duration;
use std::collections::hash_map::DefaultHasher;
use std::path::{Path, PathBuf};

/// The time between two looks at files.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// The state of a file, or of a directory and everything in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

/// The current state.
pub(crate) fn stamp(path: &Path) -> Stamp {
    stamp_except(path, &[])
}

/// The current state of everything except these files.
pub(crate) fn stamp_except(path: &Path, except: &[PathBuf]) -> Stamp {
    let mut all = 0_u64;
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(found) = std::fs::metadata(&path) else {
            continue;
        };
        let is_excepted = || path.canonicalize().is_ok_and(|path| except.contains(&path));
        if !except.is_empty() && is_excepted() {
            continue;
        }
        let mut hash = DefaultHasher::new();
        path.hash(&mut hash);
        if found.is_dir() {
            // Links to directories are not followed: they may lead in a circle, and Kubernetes, which links to a hidden
            // directory with the files, has that directory beside the link. Only git's own files are not part of a policy.
            let is_read = |entry: &std::fs::DirEntry| {
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                !(entry.file_name() == ".git" || is_link && entry.path().is_dir())
            };
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.filter(is_read).map(|entry| entry.path()));
        } else {
            (found.modified().ok(), found.len()).hash(&mut hash);
        }
        // The order of directory entries is arbitrary.
        all = all.wrapping_add(hash.finish());
    }
    Stamp(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::stamp;

    #[test]
    fn every_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut seen = vec![stamp(folder.path())];
        let mut expect_new = |what: &str| {
            let now = stamp(folder.path());
            assert!(!seen.contains(&now), "{what}");
            assert_eq!(stamp(folder.path()), now, "{what}");
            seen.push(now);
        };
        fs::create_dir(path("courses")).unwrap();
        fs::write(path("courses/a.toml"), "a").unwrap();
        expect_new("a new file");
        fs::write(path("courses/a.toml"), "ab").unwrap();
        expect_new("another length");
        fs::rename(path("courses/a.toml"), path("courses/b.toml")).unwrap();
        expect_new("another name");
        let before = stamp(folder.path());
        fs::write(path(".git"), "x").unwrap();
        assert_eq!(stamp(folder.path()), before);
        fs::remove_file(path("courses/b.toml")).unwrap();
        expect_new("a file less");
        fs::create_dir(path("..1")).unwrap();
        fs::write(path("..1/site.toml"), "a").unwrap();
        expect_new("a hidden directory, to which Kubernetes links");
    }
}
