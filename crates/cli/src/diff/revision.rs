//! The entries of a directory at a git revision, for the reader of policy directories.
//!
//! One run of git lists all entries. A second one, which keeps running, returns the contents of those that the reader
//! opens. Not here: which entries are read and how links are resolved. The reader does both, so a revision is read
//! exactly like a working tree.

use core::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use tollgate_compiler::{Directory, EntryName, Node};

use super::program::{command, git, not_run};

/// Longest target of a link that is read, in bytes; no system has longer paths.
const MAX_TARGET_BYTES: usize = 4_096;

/// The tree of a directory at a revision.
pub(super) struct Revision {
    /// Entries by path. Paths that are not UTF-8 are omitted.
    stored: HashMap<String, Stored>,
    names: BTreeMap<String, Vec<EntryName>>,
    blobs: RefCell<Blobs>,
}

/// An entry of a tree.
enum Stored {
    Directory,
    /// The id of its contents.
    File(String),
    /// The id of its target.
    Link(String),
    /// A directory whose entries are in another repository.
    Submodule,
}

impl Revision {
    /// Lists the tree with this id.
    pub(super) fn open(at: &Path, tree: &str) -> Result<Self, String> {
        // Without `--full-tree` git lists only what is in the directory where it runs.
        let arguments = ["ls-tree", "-r", "-t", "-z", "--full-tree", tree];
        let listed = git(at, &arguments, b"")?.stdout;
        let mut revision = Self {
            stored: HashMap::from([(String::new(), Stored::Directory)]),
            names: BTreeMap::new(),
            blobs: RefCell::new(Blobs::start(at).map_err(|error| not_run(&error))?),
        };
        for entry in listed.split(|byte| *byte == b'\0') {
            revision.add(entry)?;
        }
        Ok(revision)
    }

    /// Adds an entry, written `mode type id<tab>path`. The list ends with an empty entry.
    fn add(&mut self, entry: &[u8]) -> Result<(), String> {
        if entry.is_empty() {
            return Ok(());
        }
        let mut parts = entry.splitn(2, |byte| *byte == b'\t');
        let (Some(about), Some(path)) = (parts.next(), parts.next()) else {
            return Err("unexpected output of `git ls-tree`".to_owned());
        };
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => path.split_at(at),
            None => (&[] as &[u8], path),
        };
        let Ok(parent) = core::str::from_utf8(parent) else {
            return Ok(());
        };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let names = self.names.entry(parent.to_owned()).or_default();
        names.push(EntryName::from_bytes(name));
        let about = String::from_utf8_lossy(about);
        let mut about = about.split(' ');
        let (mode, kind, id) = (about.next(), about.next(), about.next());
        let id = id.unwrap_or_default().to_owned();
        let stored = match (mode, kind) {
            (Some("120000"), _) => Stored::Link(id),
            (_, Some("tree")) => Stored::Directory,
            (_, Some("blob")) => Stored::File(id),
            _ => Stored::Submodule,
        };
        if let Ok(path) = core::str::from_utf8(path)
            && self.stored.insert(path.to_owned(), stored).is_some()
        {
            // Git never writes such a tree, and does not define which of the two a checkout creates.
            return Err(format!("it has two entries named `{path}`"));
        }
        Ok(())
    }

    /// Returns an error if a path is inside a submodule, whose entries are unknown.
    fn check_known(&self, path: &str) -> io::Result<()> {
        let mut parent = Some(path);
        while let Some(path) = parent {
            if matches!(self.stored.get(path), Some(Stored::Submodule)) {
                let message = "it is in a git submodule, whose files a revision does not contain";
                return Err(io::Error::other(message));
            }
            parent = path.rsplit_once('/').map(|(parent, _)| parent);
        }
        Ok(())
    }
}

impl Directory for Revision {
    fn node(&self, path: &str) -> io::Result<Node> {
        Ok(match self.stored.get(path) {
            // In a working tree, a submodule is a directory.
            Some(Stored::Directory | Stored::Submodule) => Node::Directory,
            Some(Stored::File(_)) => Node::File,
            Some(Stored::Link(id)) => {
                let target = self.blobs.borrow_mut().read(id, MAX_TARGET_BYTES)?;
                Node::Link(String::from_utf8_lossy(&target).into_owned())
            }
            None => {
                self.check_known(path)?;
                return Err(io::ErrorKind::NotFound.into());
            }
        })
    }

    fn entries(&self, path: &str, most: usize) -> io::Result<Vec<EntryName>> {
        self.check_known(path)?;
        if !matches!(self.stored.get(path), Some(Stored::Directory)) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let names = self.names.get(path).into_iter().flatten();
        Ok(names.take(most).cloned().collect())
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Vec<u8>> {
        match self.stored.get(path) {
            Some(Stored::File(id)) => self.blobs.borrow_mut().read(id, most),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A running `git cat-file --batch`, which returns the contents of objects.
struct Blobs {
    child: Child,
    /// Closed to end git.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Blobs {
    fn start(at: &Path) -> io::Result<Self> {
        let mut child = command(at)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        })
    }

    /// Returns the first bytes of an object, at most `most`.
    fn read(&mut self, id: &str, most: usize) -> io::Result<Vec<u8>> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(input, "{id}")?;
        input.flush()?;
        // "id type size", a line end, the contents, a line end
        let mut head = String::new();
        self.output.read_line(&mut head)?;
        let size = match head.trim_end().split(' ').collect::<Vec<_>>().as_slice() {
            [_, "blob", size] => size.parse::<u64>().ok(),
            _ => None,
        };
        let unreadable = || io::Error::other("git cannot read its contents");
        let size = size.ok_or_else(unreadable)?;
        let wanted = size.min(most as u64);
        let mut bytes = Vec::new();
        (&mut self.output).take(wanted).read_to_end(&mut bytes)?;
        let rest = size - wanted + 1;
        let skipped = io::copy(&mut (&mut self.output).take(rest), &mut io::sink())?;
        if bytes.len() as u64 == wanted && skipped == rest {
            Ok(bytes)
        } else {
            Err(unreadable())
        }
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        drop(self.input.take());
        // The exit code does not matter, but a child that is not waited for remains as a zombie.
        let _ = self.child.wait();
    }
}
