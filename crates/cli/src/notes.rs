//! Diagnostics that do not decide a result and are shown next to it, such as those about secrets that are missing.
//!
//! Not here: `check`, whose result they are.

use serde_json::{Value, json};
use tollgate_author::annotate::{self, Annotation};
use tollgate_compiler::diagnostic::render;
use tollgate_compiler::{Diagnostic, SourceTree};

use crate::failure::print_findings;

/// Diagnostics, each list with the files that it is about.
#[derive(Default)]
pub(crate) struct Notes(Vec<(Vec<Diagnostic>, SourceTree)>);

impl Notes {
    pub(crate) fn new(findings: Vec<Diagnostic>, sources: SourceTree) -> Self {
        match findings.is_empty() {
            true => Self::default(),
            false => Self(vec![(findings, sources)]),
        }
    }

    /// These, and then others.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Prints them to standard error.
    pub(crate) fn print(&self) {
        for (findings, sources) in &self.0 {
            print_findings(findings, sources);
        }
    }

    /// Adds the member `diagnostics` to the text of a JSON object that has other members, if there are any.
    pub(crate) fn in_text(&self, mut object: String) -> String {
        let list = self.json();
        if !list.is_empty() {
            object.pop();
            object.push_str(&format!(",\"diagnostics\":{}}}", json!(list)));
        }
        object
    }

    /// Adds the member `diagnostics` to a JSON object, if there are any.
    pub(crate) fn add_to(&self, object: &mut Value) {
        let list = self.json();
        if let (false, Some(object)) = (list.is_empty(), object.as_object_mut()) {
            object.insert("diagnostics".to_owned(), list.into());
        }
    }

    /// One JSON object each.
    fn json(&self) -> Vec<Value> {
        let of_list = |(findings, sources): &(Vec<Diagnostic>, SourceTree)| {
            let findings = findings.iter();
            let list: Vec<Value> = findings
                .map(|finding| render::json(finding, sources))
                .collect();
            list
        };
        self.0.iter().flat_map(of_list).collect()
    }

    /// The same as annotations.
    pub(crate) fn annotations(&self) -> Vec<Annotation> {
        let lists = self.0.iter();
        lists
            .flat_map(|(findings, sources)| annotate::diagnostics(findings, sources))
            .collect()
    }
}
