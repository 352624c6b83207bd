//! `tollgate diff`: what a change of a policy newly allows or denies, as text, JSON, Markdown or annotations.

mod annotate;
mod git;
mod markdown;
pub(crate) mod program;
mod revision;
mod secrets;
mod show;
mod sides;

use std::ffi::OsString;

use clap::Args;
use tollgate_analysis::diff::diff;
use tollgate_author::annotate::Annotation;

use crate::failure::Failure;
use crate::form::{Form, FormArgs};
use crate::input;
use crate::output::{note, print, print_json};
use crate::progress::Progress;
use crate::verdict::Verdict;
use sides::Sides;

pub(crate) use git::folder_at;

/// Show what a change newly allows or denies, with example requests
#[derive(Args)]
#[command(after_help = "\
A policy is a directory, an image, or a directory at a git revision (REV:DIR). The old one comes first.
`REV.. [DIR]` compares the directory at a revision with the working tree, `REV..REV [DIR]` two revisions. If the
revision before `..` has no policy there yet, everything that the new policy allows is new. A secret that is missing on
one side, as in git, is taken from the other.

Examples:
  tollgate diff main.. policy
  tollgate diff main..my-branch policy --markdown
  tollgate diff old.tollgate policy --no-new-access
  tollgate diff v1.2:policy policy --json
  tollgate diff main.. policy --no-new-access --format github

Exit code: 0 if nothing differs, 3 if a decision, a response or a setting differs: whatever is printed. With
--no-new-access: 3 only if a request may be allowed that was denied before, which some settings can cause. An incomplete
comparison reports `undecided`, and the exit code is 3 with and without the option.")]
pub(crate) struct DiffArgs {
    /// The policy before: a directory, an image, REV:DIR, or REV.. for the directory in NEW
    old: OsString,
    /// The policy after [default for REV..: the current directory, or `policy` in it]
    new: Option<OsString>,
    /// Exit with code 3 only if the change may allow requests that were denied before
    #[arg(long)]
    no_new_access: bool,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    /// Print Markdown, for a comment on a pull request
    #[arg(long, conflicts_with_all = ["json", "format"])]
    markdown: bool,
    /// The time of example requests for differences that do not depend on the time, as RFC 3339 or in Unix seconds
    /// [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
}

impl DiffArgs {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let form = self.form.form();
        let mut sides = sides::read(&self.old, self.new.as_ref(), form == Form::Json)?;
        let missing = secrets::lend(&mut sides)?;
        let Sides {
            old,
            new,
            before_first,
        } = sides;
        let first = before_first.as_deref();
        let now = input::now_or_clock(self.now).0;
        let found = {
            let _progress = Progress::start("comparing", None);
            diff(&old.policy, &new.policy, now)
        };
        match form {
            Form::Json => {
                let object = show::object(&old, &new, &found, first.is_some());
                print_json(missing.new.and(missing.old).in_text(object))?;
            }
            Form::Human => {
                missing.new.print();
                missing.old.print();
                let text = match self.markdown {
                    true => markdown::text(&old, &new, &found, first),
                    false => show::text(&old, &new, &found, first),
                };
                print(text.trim_end())?;
            }
            Form::Sarif | Form::Github | Form::Gitlab => {
                let first = first.map(|base| annotate::first(&new, base));
                let mut all: Vec<Annotation> = first.into_iter().collect();
                all.extend(annotate::annotations(
                    &old,
                    &new,
                    &found,
                    self.no_new_access,
                ));
                all.extend(missing.new.annotations());
                // The files of the old policy are not in the checkout.
                let of_old = missing.old.annotations().into_iter();
                all.extend(of_old.map(|note| annotate::in_site(&new, note)));
                form.print(&all)?;
            }
        }
        if form == Form::Github {
            note(show::summary(&found));
        }
        let is_fine = if self.no_new_access {
            found.opens_nothing()
        } else {
            found.is_empty() && first.is_none()
        };
        Ok(is_fine.into())
    }
}
