//! Checks that rustc and clippy do not make: file sizes, imports between packages, names that must be
//! unique, stray stubs and machine-specific paths. It changes nothing.

mod cases;
mod imports;
mod manifests;
mod sizes;
mod words;

use std::path::PathBuf;

use anyhow::Result;

use crate::{Verdict, repo, shell};

/// Runs every check and prints the problems.
pub(crate) fn run() -> Result<Verdict> {
    let (text, holds) = report()?;
    print!("{text}");
    Ok(Verdict::of(holds))
}

/// Runs every check; returns the problems, one per line, and whether there are none.
pub(crate) fn report() -> Result<(String, bool)> {
    let found = check()?;
    if found.is_empty() {
        return Ok(("tidy: no problems\n".to_owned(), true));
    }
    let lines: Vec<String> = found
        .iter()
        .map(|problem| format!("tidy: {problem}\n"))
        .collect();
    Ok((lines.concat(), false))
}

/// Returns a description of every problem in the tree.
fn check() -> Result<Vec<String>> {
    let files = Tree::read()?;
    let workspace = manifests::Workspace::read()?;
    let mut problems = sizes::check(&files);
    problems.extend(words::check(&files)?);
    problems.extend(imports::check(&workspace));
    problems.extend(manifests::check(&files, &workspace));
    problems.extend(cases::check(&files));
    Ok(problems)
}

/// One file of the tree, as text if it is UTF-8.
struct File {
    /// Relative to the root, with `/`.
    name: String,
    text: Option<String>,
}

/// The tracked files and those that git would add, so that a check has the same result before and after a
/// commit.
struct Tree(Vec<File>);

impl Tree {
    fn read() -> Result<Tree> {
        let listing = shell::must(
            &mut shell::tool(
                "git",
                [
                    "ls-files",
                    "-z",
                    "--cached",
                    "--others",
                    "--exclude-standard",
                ],
            ),
            |_| (),
        )?;
        let mut names: Vec<&str> = listing
            .split('\0')
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        let root: PathBuf = repo::root();
        let mut files = Vec::new();
        for name in names {
            // A file that is deleted but not yet staged is listed but does not exist.
            let Ok(bytes) = std::fs::read(root.join(name)) else {
                continue;
            };
            files.push(File {
                name: name.to_owned(),
                text: String::from_utf8(bytes).ok(),
            });
        }
        Ok(Tree(files))
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|file| Some((file.name.as_str(), file.text.as_deref()?)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts()
            .find(|(own, _)| *own == name)
            .map(|(_, text)| text)
    }
}

#[cfg(test)]
impl Tree {
    fn of(files: &[(&str, &str)]) -> Tree {
        let file = |(name, text): &(&str, &str)| File {
            name: (*name).to_owned(),
            text: Some((*text).to_owned()),
        };
        Tree(files.iter().map(file).collect())
    }
}
