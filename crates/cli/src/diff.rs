//! `tollgate diff`: what an edit changes, for people, for programs, and for a pull request.

mod git;
mod markdown;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_analysis::diff::{Diff, Setting, diff};

pub(crate) use show::{described, request, ruled};

use crate::analysed::Analysed;
use crate::failure::{Failure, Problem};
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::{Verdict, input, policy};

/// Show which requests an edit answers differently
#[derive(Args)]
#[command(after_help = "\
A policy can be given as a folder, as an image, or as a folder at a git revision (REV:DIR).
`REV.. [DIR]` compares the folder at a revision with the one that lies there now, `REV..REV [DIR]` two revisions.

Examples:
  tollgate diff main.. policy
  tollgate diff main..my-branch policy --markdown
  tollgate diff old.tollgate policy --no-new-access
  tollgate diff v1.2:policy policy --json

Exit code: 0 for no difference, 3 for differences. With --no-new-access: 3 only if somebody may get in who
did not before. Where it cannot be sure it says `undecided`, and the exit code is 3 either way.")]
pub(crate) struct DiffVerb {
    /// The policy before: a folder, an image, REV:DIR, or REV.. for the folder in NEW
    old: OsString,
    /// The policy after; the default for REV.. is this folder, or `policy` in it
    new: Option<OsString>,
    /// Mind only what is opened: exit code 3 if somebody may get in who did not
    #[arg(long)]
    no_new_access: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, for a comment on a pull request
    #[arg(long)]
    markdown: bool,
    /// The time of requests that show a difference which does not depend on it, as RFC 3339 or in Unix seconds
    /// [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
}

impl DiffVerb {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let (old, new) = self.sides()?;
        let now = input::now_or_clock(self.now).0;
        let found = {
            let _progress = Progress::start("comparing", None);
            diff(&old.policy, &new.policy, now)
        };
        if self.json {
            print_json(show::object(&old, &new, &found))?;
        } else if self.markdown {
            print(markdown::text(&old, &new, &found).trim_end())?;
        } else {
            print(show::text(&old, &new, &found).trim_end())?;
        }
        let is_fine = if self.no_new_access {
            found.opens_nothing()
        } else {
            is_same(&found)
        };
        Ok(is_fine.into())
    }

    fn sides(&self) -> Result<(Analysed, Analysed), Failure> {
        if let Some(range) = self.range() {
            let folder = policy::folder_or_default(self.new.as_ref().map(PathBuf::from))?;
            let (from, to) = range;
            let old = git::folder_at(&from, &folder)?;
            let new = if to.is_empty() {
                Analysed::read(&folder)?
            } else {
                git::folder_at(&to, &folder)?
            };
            return Ok((old, new));
        }
        let Some(new) = &self.new else {
            return Err(Failure::Argument {
                name: "OLD",
                value: self.old.to_string_lossy().into_owned(),
                problem: Problem::Revision,
            });
        };
        Ok((side(&self.old)?, side(new)?))
    }

    /// The two revisions of `A..B`; the second one is empty for what lies there now.
    fn range(&self) -> Option<(String, String)> {
        if Path::new(&self.old).exists() {
            return None;
        }
        let (from, to) = self.old.to_str()?.split_once("..")?;
        let to = to.strip_prefix('.').unwrap_or(to);
        let from = if from.is_empty() { "HEAD" } else { from };
        (!from.contains(':')).then(|| (from.to_owned(), to.to_owned()))
    }
}

/// A path that is there, else `REV:DIR`.
fn side(argument: &OsString) -> Result<Analysed, Failure> {
    let path = Path::new(argument);
    let revision = argument.to_str().and_then(|text| text.split_once(':'));
    match revision {
        Some((revision, folder)) if !path.exists() && !revision.is_empty() => {
            git::revision(revision, folder)
        }
        _ => Analysed::read(path),
    }
}

/// Whether no client can tell the two apart.
fn is_same(found: &Diff) -> bool {
    let tells = |setting: &Setting| *setting != Setting::SiteName;
    found.differences.is_empty() && found.gave_up.is_empty() && !found.settings.iter().any(tells)
}
