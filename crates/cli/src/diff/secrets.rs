//! Secrets that one of two compared policies lacks: a revision never has those that git ignores.
//!
//! A policy takes a missing one from the other policy, and if both lack it, both have the same stand-in. So a missing file
//! is no difference. A secret that a change adds to git is one: whoever reads the repository knows it. Not here: stand-ins
//! ([`tollgate_compiler::preview`]).

use tollgate_compiler::Diagnostic;

use super::git;
use super::sides::Sides;
use crate::analysed::{Analysed, Origin};
use crate::failure::Failure;
use crate::notes::Notes;
use crate::output::visible;
use crate::policy::Preview;

/// The notes about secrets that remain missing.
pub(super) struct Missing {
    /// About files that the new policy lacks.
    pub(super) new: Notes,
    /// About files that only the old policy lacks.
    pub(super) old: Notes,
}

/// Lends each policy the secrets that only the other one has.
pub(super) fn lend(sides: &mut Sides) -> Result<Missing, Failure> {
    if sides.before_first.is_some() {
        return Ok(Missing {
            new: sides.new.notes(),
            old: Notes::default(),
        });
    }
    let (old, new) = (&sides.old, &sides.new);
    let lent_new = lent(new, old, &|_| true)?;
    let lent_old = lent(old, new, &|file| !is_committed(new, file))?;
    let (old, new) = (
        lent_old.as_ref().unwrap_or(old),
        lent_new.as_ref().unwrap_or(new),
    );
    let is_in_both = |file: &str| new.missing().iter().any(|other| other.file == file);
    let only_old = old
        .missing()
        .iter()
        .filter(|missing| !is_in_both(&missing.file));
    let notes = only_old.map(|missing| {
        let mut note = missing.note.clone();
        if let Some(path) = is_committed(new, &missing.file).then(|| path_of(new, &missing.file)) {
            explain_committed(&mut note, &path);
        }
        note
    });
    let missing = Missing {
        old: old.notes_of(notes.collect()),
        new: new.notes(),
    };
    if let Some(lent) = lent_old {
        sides.old = lent;
    }
    if let Some(lent) = lent_new {
        sides.new = lent;
    }
    Ok(missing)
}

/// A policy with secrets of another one in place of stand-ins: all of an image's, or those files of a directory for which
/// `is_lent` is true. `None` if it lacks none, or they do not fit.
fn lent(
    own: &Analysed,
    other: &Analysed,
    is_lent: &dyn Fn(&str) -> bool,
) -> Result<Option<Analysed>, Failure> {
    let Some(directory) = own.directory.as_ref().filter(|_| !own.missing().is_empty()) else {
        return Ok(None);
    };
    let mut sources = directory.sources.clone();
    let preview = match &other.directory {
        None => Preview::of(sources, false)?.with_secrets_of(other.policy.config()),
        Some(others) => {
            let files = own.missing().iter().map(|missing| &missing.file);
            for file in files.filter(|file| is_lent(file)) {
                if let Some(text) = others.sources.text(file) {
                    sources.insert(file, text);
                }
            }
            // One that does not fit here is not the one that this policy had.
            let Ok(preview) = Preview::of(sources, false) else {
                return Ok(None);
            };
            preview
        }
    };
    Analysed::of(preview, directory.origin.clone()).map(Some)
}

/// Whether the policy has this file in git.
fn is_committed(policy: &Analysed, file: &str) -> bool {
    let Some(directory) = &policy.directory else {
        return false;
    };
    directory.sources.text(file).is_some()
        && match &directory.origin {
            Origin::Revision(_) => true,
            Origin::Disk(folder) => git::is_tracked(folder, file),
        }
}

/// A file as the caller sees it.
fn path_of(policy: &Analysed, file: &str) -> String {
    let directory = policy.directory.as_ref();
    directory.map_or_else(String::new, |directory| directory.sources.path_of(file))
}

fn explain_committed(note: &mut Diagnostic, path: &str) {
    note.help(format!(
        "the new policy has `{}` in git, so everyone who can read the repository knows it, and it counts as another secret: \
         make a new one, and run `git rm --cached` for the file",
        visible(path)
    ));
}
