//! Policy directories at git revisions, found through the `git` program. Nothing is checked out.
//!
//! Not here: the entries of the directory and their contents ([`revision`](super::revision)), and running the program
//! ([`program`](super::program)).

use std::path::{Component, Path};

use tollgate_compiler::diagnostic::codes;
use tollgate_compiler::{Diagnostic, SourceTree};

use super::program::git;
use super::revision::Revision;
use crate::analysed::Analysed;
use crate::failure::Failure;
use crate::progress::Progress;

/// Reads a directory of the working tree at a revision; `None` if there was no policy yet.
pub(crate) fn folder_at(revision: &str, folder: &Path) -> Result<Option<Analysed>, Failure> {
    match find(revision, folder) {
        Err(Failure::Policy { findings, .. }) if has_no_site(&findings) => Ok(None),
        found => found,
    }
}

/// Whether a directory is not a policy: its `site.toml` does not exist.
fn has_no_site(findings: &[Diagnostic]) -> bool {
    let mut findings = findings.iter();
    findings.any(|finding| *finding.code == codes::NO_SITE_FILE)
}

/// The same, for a revision that must have the policy.
pub(super) fn policy_at(revision: &str, folder: &Path) -> Result<Analysed, Failure> {
    find(revision, folder)?.ok_or_else(|| nothing(revision, named(revision, folder)))
}

/// A directory at a revision, in messages.
pub(super) fn named(revision: &str, folder: &Path) -> String {
    format!("{revision}:{}", folder.display())
}

/// Finds a directory of the working tree at a revision; `None` if the revision does not have it.
///
/// The repository of the current directory is asked first, and the path is followed at the revision: a pull request could put
/// a link or another repository in its place here.
fn find(revision: &str, folder: &Path) -> Result<Option<Analysed>, Failure> {
    let name = named(revision, folder);
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
    let found = match read(revision, &format!("./{folder}"), here, &name) {
        Err(Failure::Git { .. }) | Ok(None) => read(revision, folder, here, &name),
        read => read,
    };
    found?.ok_or_else(|| nothing(revision, name))
}

/// Reports that a revision does not have a directory.
fn nothing(revision: &str, name: String) -> Failure {
    let message = format!("the revision `{revision}` has no such directory");
    Failure::Git { name, message }
}

/// Whether git tracks a file of a directory on disk.
pub(super) fn is_tracked(folder: &Path, file: &str) -> bool {
    let arguments = ["ls-files", "--error-unmatch", "--", file];
    git(folder, &arguments, b"").is_ok()
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

/// Reads a directory at a revision; `None` if the revision does not have it.
fn read(revision: &str, folder: &str, at: &Path, name: &str) -> Result<Option<Analysed>, Failure> {
    let fault = |message: String| Failure::Git {
        name: name.to_owned(),
        message,
    };
    let sources = {
        let _progress = Progress::start("reading the revision", None);
        let Some(tree) = tree(revision, folder, at).map_err(fault)? else {
            return Ok(None);
        };
        SourceTree::read_from(&Revision::open(at, &tree).map_err(fault)?)
    };
    Analysed::of_revision(sources, Path::new(name)).map(Some)
}

/// Returns the ID of a directory; `None` if the revision does not have it. Links on the way to it are followed within the
/// repository, as on disk.
fn tree(revision: &str, folder: &str, at: &Path) -> Result<Option<String>, String> {
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
        [id, "tree", _] => Ok(Some((*id).to_owned())),
        [_, "blob", _] => Err(format!("`{folder}` is not a directory there")),
        ["symlink", _] => Err(format!("`{folder}` leads out of the repository")),
        ["dangling" | "loop" | "notdir", _] => Err(format!(
            "`{folder}` is a link to a path that does not exist"
        )),
        _ => missing(revision, folder, at),
    }
}

/// Determines why git has no such directory: `None` if the revision certainly does not have it. A clone may lack the
/// revision, or the objects of the directory, and then anything may be in it.
fn missing(revision: &str, folder: &str, at: &Path) -> Result<Option<String>, String> {
    let tree = format!("{revision}^{{tree}}");
    let Ok(found) = git(at, &["rev-parse", "--verify", "--quiet", &tree], b"") else {
        return Err(format!("revision `{revision}` not found"));
    };
    let id = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    // As in `REV:PATH`, only a path that begins with `./` is relative to the current directory.
    let listed = match folder.starts_with("./") {
        true => git(at, &["ls-tree", &id, "--", folder], b"")?,
        false => git(at, &["ls-tree", "--full-tree", &id, "--", folder], b"")?,
    };
    match listed.stdout.is_empty() {
        true => Ok(None),
        false => Err(format!(
            "the revision `{revision}` has `{folder}`, but this clone lacks its contents"
        )),
    }
}
