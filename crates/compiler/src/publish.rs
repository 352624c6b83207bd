//! Reading of `publish.toml`: where `tollgate publish` publishes a policy.
//!
//! Not here: publishing, which `tollgate-publish` does, and the keys ([`keys::publish`](crate::keys::publish)).

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::diagnostic::{Diagnostic, Report};
use crate::document::{Document, int, repair};
use crate::keys::check_table;
use crate::keys::publish::PUBLISH_FILE as KEYS;
use crate::source::{PUBLISH_FILE, SourceTree};

/// A setting of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
}

/// The destinations in `publish.toml`: for each target, its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations(BTreeMap<String, BTreeMap<String, Setting>>);

impl Destinations {
    /// The destinations of a policy directory. What is wrong with the file is reported by
    /// [`compile`](crate::compile).
    ///
    /// # Example
    /// ```
    /// let mut tree = tollgate_compiler::SourceTree::new();
    /// tree.insert("publish.toml", "schema = 1\n[authz]\nbucket = \"b\"\n");
    /// let destinations = tollgate_compiler::publish::Destinations::read(&tree);
    /// assert_eq!(destinations.text("authz", "bucket"), Some("b"));
    /// assert_eq!(destinations.text("authz", "region"), None);
    /// ```
    pub fn read(sources: &SourceTree) -> Self {
        let Some(text) = sources.text(PUBLISH_FILE) else {
            return Self::default();
        };
        let source = repair(text, &mut Report::new(PUBLISH_FILE));
        let document = Document::parse(&source);
        let root = document.root();
        let mut destinations = BTreeMap::new();
        for (name, _, _) in root.entries() {
            let Some(table) = root.table(name) else {
                continue;
            };
            let settings = table.entries().filter_map(|(key, _, value)| {
                let setting = match value.get_ref() {
                    DeValue::String(text) => Setting::Text(text.to_string()),
                    number @ DeValue::Integer(_) => Setting::Int(int(number)?),
                    _ => return None,
                };
                Some((key.to_owned(), setting))
            });
            destinations.insert(name.to_owned(), settings.collect());
        }
        Self(destinations)
    }

    /// Whether the file has a table for a target.
    pub fn has(&self, target: &str) -> bool {
        self.0.contains_key(target)
    }

    /// A string of a target's table.
    pub fn text(&self, target: &str, key: &str) -> Option<&str> {
        match self.0.get(target)?.get(key)? {
            Setting::Text(text) => Some(text),
            Setting::Int(_) => None,
        }
    }

    /// An integer of a target's table.
    pub fn int(&self, target: &str, key: &str) -> Option<i64> {
        match self.0.get(target)?.get(key)? {
            Setting::Int(number) => Some(*number),
            Setting::Text(_) => None,
        }
    }
}

/// Reports what is wrong with `publish.toml`.
pub(crate) fn check(sources: &SourceTree, diagnostics: &mut Vec<Diagnostic>) {
    let Some(text) = sources.text(PUBLISH_FILE) else {
        return;
    };
    let mut report = Report::new(PUBLISH_FILE);
    let source = repair(text, &mut report);
    let document = Document::parse(&source);
    check_table(document.root(), &KEYS, &mut report);
    document.drop_echoes(&mut report.diagnostics);
    diagnostics.append(&mut report.diagnostics);
}
