//! Policy directories at git revisions, found through the `git` program. Nothing is checked out.
//!
//! Not here: the entries of the directory and their contents ([`revision`](super::revision)), and running the program
//! ([`program`](super::program)).

use std::path::{Component, Path};

use tollgate_compiler::SourceTree;

use super::program::git;
use super::revision::Revision;
use crate::analysed::Analysed;
use crate::failure::Failure;
use crate::progress::Progress;

/// Reads a directory of the working tree at a revision.
///
/// The repository of the current directory is asked first, and the path is followed at the revision: a pull request could put
/// a link or another repository in its place here.
pub(crate) fn folder_at(revision: &str, folder: &Path) -> Result<Analysed, Failure> {
    let name = format!("{revision}:{}", folder.display());
    let here = std::env::current_dir().unwrap_or_default();
    let below = folder.strip_prefix(&here).unwrap_or(folder);
    if below.is_relative() {
        match read(revision, &spelled(below), Path::new("."), &name) {
            Err(Failure::Git { .. }) if is_elsewhere(below) => {}
            read => return read,
        }
    }
    // Another repository than that of the current directory.
    match (folder.parent(), folder.file_name()) {
        (Some(above), Some(last)) => read(revision, &spelled(Path::new(last)), above, &name),
        _ => read(revision, "./", folder, &name),
    }
}

/// Whether a relative path can be in another repository: the current directory is in none, or the path leaves it.
fn is_elsewhere(path: &Path) -> bool {
    let leaves = path.components().next() == Some(Component::ParentDir);
    leaves || git(Path::new("."), &["rev-parse", "--git-dir"], b"").is_err()
}

fn spelled(path: &Path) -> String {
    let names = path.components().filter(|part| *part != Component::CurDir);
    let names: Vec<_> = names
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    format!("./{}", names.join("/"))
}

/// Reads `REV:DIR`, with DIR as seen from the current directory, else from the top of the repository.
pub(super) fn revision(revision: &str, folder: &str) -> Result<Analysed, Failure> {
    let name = format!("{revision}:{folder}");
    let here = Path::new(".");
    match read(revision, &format!("./{folder}"), here, &name) {
        Err(Failure::Git { .. }) => read(revision, folder, here, &name),
        read => read,
    }
}

/// Whether the repository of the current directory has this revision.
pub(super) fn is_revision(name: &str) -> bool {
    let commit = format!("{name}^{{commit}}");
    let arguments = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &commit,
    ];
    git(Path::new("."), &arguments, b"").is_ok()
}

/// Whether the first revision is an ancestor of the second one, and another commit.
pub(super) fn is_older(older: &str, newer: &str) -> bool {
    let is_ancestor = |a: &str, b: &str| {
        let arguments = ["merge-base", "--is-ancestor", a, b];
        git(Path::new("."), &arguments, b"").is_ok()
    };
    is_ancestor(older, newer) && !is_ancestor(newer, older)
}

fn read(revision: &str, folder: &str, at: &Path, name: &str) -> Result<Analysed, Failure> {
    let fault = |message: String| Failure::Git {
        name: name.to_owned(),
        message,
    };
    let sources = {
        let _progress = Progress::start("reading the revision", None);
        let tree = tree(revision, folder, at).map_err(fault)?;
        SourceTree::read_from(&Revision::open(at, &tree).map_err(fault)?)
    };
    Analysed::of_sources(sources, Path::new(name))
}

/// Returns the ID of a directory. Links on the way to it are followed within the repository, as on disk.
fn tree(revision: &str, folder: &str, at: &Path) -> Result<String, String> {
    // Git would parse a leading dash as an option.
    if revision.starts_with('-') {
        return Err("a revision must not start with a dash".to_owned());
    }
    let object = format!("{revision}:{folder}\n");
    if object.lines().count() > 1 {
        return Err("a revision must be a single line".to_owned());
    }
    let arguments = ["cat-file", "--batch-check", "--follow-symlinks"];
    let found = git(at, &arguments, object.as_bytes())?.stdout;
    let found = String::from_utf8_lossy(&found);
    let found = found.lines().next().unwrap_or_default();
    // "id type size" of an object, or a problem and the length of a name.
    let words: Vec<&str> = found.split(' ').collect();
    match words.as_slice() {
        [id, "tree", _] => Ok((*id).to_owned()),
        [_, "blob", _] => Err(format!("`{folder}` is not a directory there")),
        ["symlink", _] => Err(format!("`{folder}` leads out of the repository")),
        ["dangling" | "loop" | "notdir", _] => Err(format!(
            "`{folder}` is a link to a path that does not exist"
        )),
        _ => Err(missing(revision, at)),
    }
}

/// Reports which one does not exist: the revision, or the directory in it.
fn missing(revision: &str, at: &Path) -> String {
    let tree = format!("{revision}^{{tree}}");
    match git(at, &["rev-parse", "--verify", "--quiet", &tree], b"") {
        Ok(_) => format!("the revision `{revision}` has no such directory"),
        Err(_) => format!("revision `{revision}` not found"),
    }
}
