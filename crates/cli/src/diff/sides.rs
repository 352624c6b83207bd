//! The two policies that `tollgate diff` compares, and help for arguments that do not name two policies.
//!
//! Not here: reading them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::git;
use crate::analysed::Analysed;
use crate::failure::Failure;
use crate::output::{NOTE, note, styled};
use crate::policy;

/// The two policies.
pub(super) struct Sides {
    pub(super) old: Analysed,
    pub(super) new: Analysed,
    /// The revision and directory that have no policy yet, if the new policy is the first one.
    pub(super) before_first: Option<String>,
}

/// Reads both policies.
pub(super) fn read(old: &OsString, new: Option<&OsString>, quiet: bool) -> Result<Sides, Failure> {
    if let Some((from, to)) = range(old) {
        check_single(old, "OLD")?;
        return revisions(&from, &to, new, quiet);
    }
    let Some(new) = new else {
        return Err(alone(old));
    };
    if range(new).is_some() {
        check_single(new, "NEW")?;
    }
    let (old_side, new_side) = (Side::of(old), Side::of(new));
    if let Some(help) = misplaced(&old_side, &new_side) {
        let (name, value) = match old_side {
            Side::Policy => ("NEW", new),
            _ => ("OLD", old),
        };
        return Err(failure(name, value, help));
    }
    let (old, new) = (side(old, "OLD")?, side(new, "NEW")?);
    Ok(Sides {
        old,
        new,
        before_first: None,
    })
}

/// The two revisions of `A..B`; the second one is empty for the working tree.
///
/// Existing files do not matter: a pull request could add a directory with the name of the range.
fn range(argument: &OsStr) -> Option<(String, String)> {
    let text = argument.to_str().filter(|text| !is_path(text))?;
    let (from, to) = text.split_once("..")?;
    let to = to.strip_prefix('.').unwrap_or(to);
    let from = if from.is_empty() { "HEAD" } else { from };
    let is_revision = |text: &str| !text.contains(':') && !text.ends_with('/');
    (is_revision(from) && !to.starts_with('/')).then(|| (from.to_owned(), to.to_owned()))
}

/// Whether an argument is written as a path, so that it is neither a range nor `REV:DIR`.
fn is_path(text: &str) -> bool {
    let starts = ["./", "../", "/", "~"];
    matches!(text, "." | "..")
        || starts.iter().any(|start| text.starts_with(start))
        || Path::new(text).is_absolute()
}

/// Checks that an argument that names revisions does not name an existing path as well.
fn check_single(argument: &OsString, name: &'static str) -> Result<(), Failure> {
    if !Path::new(argument).exists() {
        return Ok(());
    }
    let path = argument.to_string_lossy();
    Err(Failure::Side {
        name,
        value: path.clone().into_owned(),
        problem: "a revision, and a path that exists",
        help: format!("write `./{path}` for the path; remove or rename it for the revision"),
    })
}

fn revisions(
    from: &str,
    to: &str,
    folder: Option<&OsString>,
    quiet: bool,
) -> Result<Sides, Failure> {
    if let Some(folder) = folder
        && !Path::new(folder).exists()
    {
        let name = folder.to_string_lossy();
        let help = if to.is_empty() && git::is_revision(&name) {
            format!("write two revisions as a range: `tollgate diff {from}..{name}`")
        } else {
            format!("NEW is the policy directory here: `tollgate diff {from}..{to} policy`")
        };
        return Err(failure("NEW", folder, help));
    }
    let folder = policy::folder_or_default(folder.map(PathBuf::from))?;
    let old = git::folder_at(from, &folder)?;
    let new = match to {
        "" => Analysed::read(&folder)?,
        to => git::policy_at(to, &folder)?,
    };
    let Some(old) = old else {
        return Ok(Sides {
            old: new.before_first(&folder)?,
            new,
            before_first: Some(git::named(from, &folder)),
        });
    };
    if !to.is_empty() && !quiet && git::is_older(to, from) {
        let word = styled(NOTE, "note");
        note(format_args!(
            "{word}: `{to}` is older than `{from}`, so this shows what going back would change; \
             for the changes of the newer one: `tollgate diff {to}..{from}`"
        ));
    }
    Ok(Sides {
        old,
        new,
        before_first: None,
    })
}

/// The kind of an argument.
enum Side {
    /// A directory, an image or `REV:DIR`. Any other argument is one, too: reading it reports the error.
    Policy,
    Revision(String),
    Range(String),
}

impl Side {
    fn of(argument: &OsStr) -> Self {
        let text = argument.to_string_lossy().into_owned();
        if range(argument).is_some() {
            Self::Range(text)
        } else if Path::new(argument).exists() {
            Self::Policy
        } else if !text.contains(':') && git::is_revision(&text) {
            Self::Revision(text)
        } else {
            Self::Policy
        }
    }
}

/// Returns help if one of the arguments is a revision without a directory.
fn misplaced(old: &Side, new: &Side) -> Option<String> {
    match (old, new) {
        (Side::Policy, Side::Policy) => None,
        (Side::Revision(from), Side::Revision(to)) => Some(format!(
            "write two revisions as a range: `tollgate diff {from}..{to}`"
        )),
        (Side::Revision(from), _) => Some(format!(
            "to compare the directory at `{from}` with the one here: `tollgate diff {from}.. DIR`"
        )),
        (_, Side::Revision(revision)) => Some(format!(
            "the old policy comes first: `tollgate diff {revision}.. DIR`; for the other direction name \
             the directory at the revision: `tollgate diff DIR {revision}:DIR`"
        )),
        (_, Side::Range(range)) | (Side::Range(range), _) => Some(format!(
            "the range comes first: `tollgate diff {range} DIR`"
        )),
    }
}

/// Reports that only one policy is named, with help.
fn alone(old: &OsString) -> Failure {
    let name = old.to_string_lossy();
    let help = match Side::of(old) {
        Side::Revision(from) => {
            format!("to compare it with the working tree: `tollgate diff {from}..`")
        }
        _ => format!(
            "name both policies, or compare it with a revision: `tollgate diff HEAD.. {name}`"
        ),
    };
    Failure::Side {
        name: "OLD",
        value: name.into_owned(),
        problem: "a comparison needs two policies",
        help,
    }
}

fn failure(name: &'static str, value: &OsStr, help: String) -> Failure {
    Failure::Side {
        name,
        value: value.to_string_lossy().into_owned(),
        problem: "not a directory, an image or REV:DIR",
        help,
    }
}

/// Reads `REV:DIR`, or else a path.
fn side(argument: &OsString, name: &'static str) -> Result<Analysed, Failure> {
    let text = argument.to_str().filter(|text| !is_path(text));
    match text.and_then(|text| text.split_once(':')) {
        Some((revision, folder)) if !revision.is_empty() => {
            check_single(argument, name)?;
            git::revision(revision, folder)
        }
        _ => Analysed::read(Path::new(argument)),
    }
}
