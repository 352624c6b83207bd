//! `tollgate check --fix`: applies the suggested fixes that need no review.
//!
//! Not here: which fixes are applied ([`tollgate_author::fix`]).

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tollgate_author::fix::{Done, Fixed, unified};
use tollgate_compiler::SourceTree;

use crate::diff::program::git;
use crate::failure::Failure;
use crate::form::Form;
use crate::output::{BAD, FAINT, GOOD, NOTE, note, print, print_json, styled, visible};
use crate::overwrite;
use crate::write::write_whole;

/// The files that fixes change.
pub(super) struct Changes<'a> {
    dir: &'a Path,
    old: &'a SourceTree,
    fixed: &'a Fixed,
}

impl<'a> Changes<'a> {
    pub(super) const fn new(dir: &'a Path, old: &'a SourceTree, fixed: &'a Fixed) -> Self {
        Self { dir, old, fixed }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.fixed.applied.is_empty()
    }

    /// The changed files, with the text before and after.
    fn files(&self) -> Vec<(&str, &str, &str)> {
        let new = self.fixed.sources.files();
        new.filter_map(|(name, new)| {
            let old = self.old.text(name)?;
            (old != new).then_some((name, old, new))
        })
        .collect()
    }

    /// The changes as a diff.
    fn diff(&self) -> String {
        let files = self.files().into_iter();
        let diffs = files.map(|(name, old, new)| unified(&self.old.path_of(name), old, new));
        diffs.collect()
    }

    /// Prints the changes, and writes nothing.
    pub(super) fn show(&self, form: Form) -> Result<(), Failure> {
        let diff = self.diff();
        match form {
            Form::Json => print_json(json!({
                "fixed": self.json(&self.fixed.applied),
                "withheld": self.json(&self.fixed.withheld),
                "compared": self.fixed.is_compared,
                "written": false,
                "diff": diff,
            }))?,
            Form::Human => {
                if !diff.is_empty() {
                    print(coloured(&diff).trim_end())?;
                }
            }
            Form::Github | Form::Sarif | Form::Gitlab => note(diff.trim_end()),
        }
        self.list("would fix");
        Ok(())
    }

    /// Writes the changed files, if all of them can be restored with git.
    pub(super) fn write(&self, is_dirty_allowed: bool) -> Result<(), Failure> {
        let files = self.files();
        let mut unsaved = Vec::new();
        for (name, old, _) in &files {
            let path = self.dir.join(name);
            overwrite::check_inside(&path, self.dir)?;
            let failed = |error| Failure::Write {
                path: path.clone(),
                error,
            };
            if fs::read(&path).map_err(failed)? != old.as_bytes() {
                let error = io::Error::other("it changed while the policy was checked; run again");
                return Err(failed(error));
            }
            if !is_dirty_allowed && !is_committed(&path, old) {
                unsaved.push(self.old.path_of(name).into());
            }
        }
        if !unsaved.is_empty() {
            return Err(Failure::NotCommitted(unsaved));
        }
        for (name, _, new) in files {
            let path = self.dir.join(name);
            write_whole(&path, new.as_bytes()).map_err(|error| Failure::Write { path, error })?;
        }
        self.list("fixed");
        Ok(())
    }

    /// Lists the fixes on standard error.
    fn list(&self, word: &str) {
        for done in &self.fixed.applied {
            note(self.line(&styled(GOOD, word), done));
        }
        for done in &self.fixed.withheld {
            let word = styled(NOTE, "withheld");
            note(format_args!(
                "{}: it would change a decision or a setting, or cause another error",
                self.line(&word, done)
            ));
        }
        let count = match self.fixed.applied.len() {
            1 => "1 fix".to_owned(),
            count => format!("{count} fixes"),
        };
        let proof = match (self.is_empty(), self.fixed.is_compared) {
            (true, _) => "no diagnostic has a fix that needs no review".to_owned(),
            (false, true) => {
                format!("{count}; the analysis shows that every request is decided as before")
            }
            (false, false) => format!(
                "{count}; the policy did not compile before, so there is nothing to compare: review with `tollgate \
                 diff HEAD..`"
            ),
        };
        note(styled(FAINT, proof));
    }

    fn line(&self, word: &str, done: &Done) -> String {
        let Done {
            file,
            code,
            message,
            title,
        } = done;
        let file = visible(&self.old.path_of(file));
        format!(
            "{word} {code} in {file}: {}: {}",
            visible(message),
            visible(title)
        )
    }

    /// Applied or withheld fixes as JSON.
    fn json(&self, list: &[Done]) -> Vec<Value> {
        let value = |done: &Done| {
            json!({
                "file": self.old.path_of(&done.file),
                "code": done.code,
                "message": done.message,
                "title": done.title,
            })
        };
        list.iter().map(value).collect()
    }

    /// The members that a check after fixes adds to its object.
    pub(super) fn members(&self) -> Value {
        json!({ "fixed": self.json(&self.fixed.applied), "withheld": self.json(&self.fixed.withheld) })
    }
}

/// Whether git can restore the file: the last commit has these bytes.
///
/// `git status` would not do: it can be configured to ignore a file, and it runs configured programs.
fn is_committed(path: &Path, text: &str) -> bool {
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return false;
    };
    let object = format!("HEAD:./{}", name.to_string_lossy());
    let output = git(folder, &["cat-file", "blob", &object], b"");
    // Git may write other ends of lines to the work tree.
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    output.is_ok_and(|output| plain(&output.stdout) == plain(text.as_bytes()))
}

/// A diff with colours.
fn coloured(diff: &str) -> String {
    let line = |line: &str| {
        let shown = visible(line);
        match line.chars().next() {
            Some('-') => styled(BAD, shown),
            Some('+') => styled(GOOD, shown),
            Some('@') => styled(FAINT, shown),
            _ => shown,
        }
    };
    let lines: Vec<String> = diff.lines().map(line).collect();
    lines.join("\n")
}
