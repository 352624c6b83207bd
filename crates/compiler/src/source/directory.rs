//! The source of a policy's files: a directory on disk, or entries that are stored elsewhere, such as the tree
//! of a git revision.
//!
//! Links are resolved here, once for every kind of directory, so that the same entries are the same policy with
//! the same errors wherever they are stored. Not here: selecting the files ([`read`](super::read)).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Most links on the way to one file, as Linux has it.
const MAX_LINKS: usize = 40;

/// The kind of entry at a path, before any link is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to this target, with `/` between its parts.
    Link(String),
    /// A pipe, a device and the like.
    Other,
}

/// The name of an entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryName {
    /// A name that is UTF-8.
    Text(String),
    /// Any other, with U+FFFD in place of what is not UTF-8.
    NotText(String),
}

impl EntryName {
    /// A name from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match core::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::NotText(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// A policy directory. Paths are relative to it, with `/` between their parts; the empty path is the directory
/// itself. No method follows links.
pub trait Directory {
    /// Returns what is stored at a path, each part of which but the last is a directory.
    ///
    /// # Errors
    /// Returns an error of the kind `NotFound` if nothing exists there, and any other kind if that is unknown.
    fn node(&self, path: &str) -> io::Result<Node>;

    /// Returns the names in a directory, at most `most`.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read.
    fn entries(&self, path: &str, most: usize) -> io::Result<Vec<EntryName>>;

    /// Returns the first bytes of a file, at most `most`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    fn read(&self, path: &str, most: usize) -> io::Result<Vec<u8>>;
}

/// The reason why a path cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing is stored there.
    Missing,
    /// A link on the way leads to nothing.
    Dangling,
    /// A link on the way leads out of the directory, or is absolute.
    Outside,
    /// The directory could not be read.
    Io(io::Error),
}

/// Follows the links on the way to a path. Returns the path without them, and what is stored there.
pub(super) fn resolve(directory: &dyn Directory, path: &str) -> Result<(String, Node), Fault> {
    let parts = |path: &str| -> Vec<String> { path.rsplit('/').map(str::to_owned).collect() };
    // The parts still to go, the next one last.
    let mut rest = parts(path);
    let mut at: Vec<String> = Vec::new();
    let mut node = Node::Directory;
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if node != Node::Directory {
            return Err(Fault::Io(io::ErrorKind::NotADirectory.into()));
        }
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop().ok_or(Fault::Outside)?;
                continue;
            }
            _ => at.push(part),
        }
        node = match directory.node(&at.join("/")) {
            Ok(Node::Link(target)) => {
                links += 1;
                if links > MAX_LINKS {
                    let message = "too many levels of symbolic links";
                    return Err(Fault::Io(io::Error::other(message)));
                }
                if target.starts_with('/') {
                    return Err(Fault::Outside);
                }
                at.pop();
                rest.extend(parts(&target));
                Node::Directory
            }
            Ok(node) => node,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(match links {
                    0 => Fault::Missing,
                    _ => Fault::Dangling,
                });
            }
            Err(error) => return Err(Fault::Io(error)),
        };
    }
    Ok((at.join("/"), node))
}

/// A directory on disk.
pub(super) struct OnDisk {
    /// Its canonical path.
    root: PathBuf,
}

impl OnDisk {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = path.canonicalize()?;
        Ok(Self { root })
    }
}

impl Directory for OnDisk {
    fn node(&self, path: &str) -> io::Result<Node> {
        let path = self.root.join(path);
        let kind = fs::symlink_metadata(&path)?.file_type();
        Ok(if kind.is_symlink() {
            Node::Link(target(&fs::read_link(&path)?))
        } else if kind.is_dir() {
            Node::Directory
        } else if kind.is_file() {
            Node::File
        } else {
            Node::Other
        })
    }

    fn entries(&self, path: &str, most: usize) -> io::Result<Vec<EntryName>> {
        let entries = fs::read_dir(self.root.join(path))?.take(most);
        entries
            .map(|entry| Ok(EntryName::from_bytes(entry?.file_name().as_encoded_bytes())))
            .collect()
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // The length is counted while reading, because a file may grow after it was measured.
        File::open(self.root.join(path))?
            .take(most as u64)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A link's target in the form of [`Node::Link`].
fn target(path: &Path) -> String {
    let text = path.to_string_lossy();
    if !cfg!(windows) {
        return text.into_owned();
    }
    // What begins with a drive is absolute, or depends on where the command runs.
    let root = match path.components().next() {
        Some(Component::Prefix(_)) => "/",
        _ => "",
    };
    format!("{root}{}", text.replace('\\', "/"))
}

#[cfg(test)]
mod tests;
