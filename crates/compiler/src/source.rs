//! The files of a policy as named texts, so that everything after reading is without IO.
//!
//! Names are relative to the policy folder, with `/` between folders. Not here: what the texts mean.

pub(crate) mod directory;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;

/// The name of the file that holds what is true for the whole site.
pub const SITE_FILE: &str = "site.toml";
/// The folder with the course files.
pub const COURSES_FOLDER: &str = "courses";

/// The texts of a policy folder: `site.toml`, `courses/*.toml`, and the key files that `site.toml`
/// names.
#[derive(Clone, Debug, Default)]
pub struct SourceTree {
    texts: BTreeMap<String, String>,
    /// What went wrong while reading.
    diagnostics: Vec<Diagnostic>,
    /// Files that are there but could not be read; they are not missing as well.
    refused: BTreeSet<String>,
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
    name.ends_with(".test.toml")
}

/// Whether `name` can only be a file inside the policy folder, on every system.
pub(crate) fn is_inside(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['\\', ':', '\0'])
        && name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}
