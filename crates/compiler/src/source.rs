//! The files of a policy as named texts, so that everything after reading is without IO.
//!
//! Names are relative to the policy folder, with `/` between folders. Not here: what the texts mean.

pub(crate) mod directory;
pub(crate) mod read;
pub(crate) mod stray;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;

/// The name of the file that holds what is true for the whole site.
pub const SITE_FILE: &str = "site.toml";
/// The file that names where the policy is published. It is part of no decision.
pub const PUBLISH_FILE: &str = "publish.toml";
/// The folder with the course files.
pub const COURSES_FOLDER: &str = "courses";
/// The end of a test file's name.
pub const TEST_SUFFIX: &str = ".test.toml";

/// The texts of a policy folder: `site.toml`, `courses/*.toml`, and the key files that `site.toml`
/// names; test files if they were requested.
#[derive(Clone, Debug, Default)]
pub struct SourceTree {
    texts: BTreeMap<String, String>,
    /// The problems found while reading.
    diagnostics: Vec<Diagnostic>,
    /// Files that exist but could not be read; they are not reported as missing as well.
    refused: BTreeSet<String>,
    /// TOML files that are in the folder and were not read as policy.
    unread: BTreeSet<String>,
    /// The folder that was read has no `courses`.
    lacks_courses: bool,
    /// The folder, as the caller sees it; empty if it is the caller's own, or if there is none.
    folder: String,
}

impl SourceTree {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    ///
    /// # Example
    /// ```
    /// let mut tree = tollgate_compiler::SourceTree::new();
    /// tree.insert("site.toml", "schema = 1\n[site]\nname = \"example\"\n");
    /// assert!(tree.text("site.toml").is_some());
    /// ```
    pub fn insert(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// Sets what the folder is called in reports: its path from where the caller is.
    pub fn seen_as(&mut self, folder: impl Into<String>) {
        self.folder = folder.into();
    }

    /// A file's name for reports: its path from where the caller is.
    ///
    /// # Example
    /// ```
    /// let mut tree = tollgate_compiler::SourceTree::new();
    /// assert_eq!(tree.path_of("courses/a.toml"), "courses/a.toml");
    /// tree.seen_as("../policy");
    /// assert_eq!(tree.path_of("courses/a.toml"), "../policy/courses/a.toml");
    /// assert_eq!(tree.path_of(""), "../policy");
    /// ```
    pub fn path_of(&self, name: &str) -> String {
        match (self.folder.as_str(), name) {
            ("", name) => name.to_owned(),
            (folder, "") => folder.to_owned(),
            (folder, name) if folder.ends_with(['/', ':']) => format!("{folder}{name}"),
            (folder, name) => format!("{folder}/{name}"),
        }
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// All files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The course files, by name. Tests (`*.test.toml`) are not policy.
    pub(crate) fn courses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(name, _)| {
            let inside = name
                .strip_prefix(COURSES_FOLDER)
                .and_then(|rest| rest.strip_prefix('/'));
            inside.is_some_and(|name| !name.contains('/') && is_policy_file(name))
        })
    }

    /// The names of the test files that were read, those of the site first: their people are known in the
    /// others.
    pub fn test_files(&self) -> Vec<&str> {
        let is_test = |name: &&str| is_test_file(name);
        let mut names: Vec<_> = self.files().map(|(name, _)| name).filter(is_test).collect();
        names.sort_by_key(|name| name.contains('/'));
        names
    }

    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether the file is there but could not be read, which was reported.
    pub(crate) fn was_refused(&self, name: &str) -> bool {
        self.refused.contains(name)
    }
}

fn is_policy_file(name: &str) -> bool {
    name.ends_with(".toml") && !is_test_file(name)
}

fn is_test_file(name: &str) -> bool {
    name.ends_with(TEST_SUFFIX)
}

/// Whether a name looks like that of a TOML file, also to systems that ignore case.
fn is_toml(name: &str) -> bool {
    let end = name.len().checked_sub(5).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(".toml"))
}

/// Whether a file with this name belongs to the system or an editor.
fn is_hidden(file_name: &str) -> bool {
    file_name.starts_with('.')
}

/// Whether `name` can only be a file inside the policy folder, on every system.
pub(crate) fn is_inside(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['\\', ':', '\0'])
        && name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}
