//! `tollgate fmt`: formats all files of a policy.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tollgate_author::format::formatted;
use tollgate_author::suite;
use tollgate_compiler::{COURSES_FOLDER, SITE_FILE};

use crate::failure::{Failure, counted};
use crate::output::{BAD, GOOD, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::write::write_whole;
use crate::{input, overwrite, policy};

/// Format policy files, preserving comments and order
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate fmt policy
  tollgate fmt policy --check

Symbolic links and permissions are preserved.

Exit code: 0 on success, 3 with --check if a file is not formatted, 2 if a file is not TOML.")]
pub(crate) struct Fmt {
    /// The policy directory [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// List the files that are not formatted, and write nothing
    #[arg(long)]
    check: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Fmt {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let names = names(&dir)?;
        let mut changed = Vec::new();
        // Format every file before writing any.
        for name in &names {
            let path = dir.join(name);
            overwrite::check_inside(&path, &dir)?;
            let text = input::read_text(&path)?;
            let new = formatted(&text).map_err(|error| {
                let path = path.clone();
                Failure::NotFormatted { path, error }
            })?;
            if new != text {
                changed.push((name, path, new));
            }
        }
        if !self.check {
            for (_, path, text) in &changed {
                write_whole(path, text.as_bytes()).map_err(|error| Failure::Write {
                    path: path.clone(),
                    error,
                })?;
            }
        }
        let list: Vec<&String> = changed.iter().map(|(name, ..)| *name).collect();
        if self.json {
            print_json(json!({ "files": names.len(), "changed": list, "written": !self.check }))?;
        } else {
            let (style, word) = if self.check {
                (BAD, "differs")
            } else {
                (GOOD, "formatted")
            };
            for name in &list {
                print(format_args!("{} {}", styled(style, word), visible(name)))?;
            }
            print(format_args!(
                "{}, {} changed",
                counted(names.len(), "file"),
                list.len()
            ))?;
        }
        Ok((!self.check || changed.is_empty()).into())
    }
}

/// The TOML files of a policy directory: the site's, the courses', and their tests.
fn names(dir: &Path) -> Result<Vec<String>, Failure> {
    let mut names = suite::find(dir).map_err(|(path, error)| Failure::Read { path, error })?;
    if dir.join(SITE_FILE).is_file() {
        names.push(SITE_FILE.to_owned());
    }
    let courses = dir.join(COURSES_FOLDER);
    let failed = |error| Failure::Read {
        path: courses.clone(),
        error,
    };
    if courses.is_dir() {
        for entry in fs::read_dir(&courses).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str()
                && name.ends_with(".toml")
                && !name.ends_with(suite::SUFFIX)
            {
                names.push(format!("{COURSES_FOLDER}/{name}"));
            }
        }
    }
    if names.is_empty() {
        return Err(Failure::NoFiles(dir.to_owned()));
    }
    names.sort();
    Ok(names)
}
