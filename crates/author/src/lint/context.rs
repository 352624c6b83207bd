//! The input of every lint, and its reports.

use tollgate_compiler::diagnostic::{Applicability, Code, Edit};
use tollgate_compiler::edit;
use tollgate_compiler::{Compiled, Diagnostic, SITE_FILE, SourceTree};
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use crate::locate::{self, Part, RuleSpans};

/// A compiled policy with everything that lints read.
pub struct LintContext<'a> {
    /// The result of compiling.
    pub compiled: &'a Compiled,
    /// The checked policy.
    pub policy: &'a ImageSpec,
    /// Its source files.
    pub sources: &'a SourceTree,
    /// The spans of its rules.
    pub places: Vec<RuleSpans>,
}

impl<'a> LintContext<'a> {
    /// Returns `None` if the policy does not compile.
    pub fn new(compiled: &'a Compiled, sources: &'a SourceTree) -> Option<Self> {
        Some(Self {
            compiled,
            policy: compiled.policy.as_ref()?,
            sources,
            places: locate::places(sources, &compiled.origins),
        })
    }

    /// The rules with their indices and spans.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &RuleSpec, &RuleSpans)> {
        let rules = self.policy.rules.iter().zip(&self.places);
        rules
            .enumerate()
            .map(|(at, (rule, places))| (at, rule, places))
    }

    /// Creates a diagnostic about a part of a rule.
    pub fn finding(
        &self,
        code: &'static Code,
        rule: usize,
        part: &Part,
        message: impl Into<String>,
    ) -> Diagnostic {
        let Some(places) = self.places.get(rule) else {
            return Diagnostic::new(code, SITE_FILE, message);
        };
        let mut finding = Diagnostic::new(code, &places.file, message);
        finding.at(places.span(part, self.sources));
        finding
    }

    /// Adds the replacement of a diagnostic's span.
    pub fn replace(&self, finding: &mut Diagnostic, applicability: Applicability, text: &str) {
        if let Some(span) = finding.span {
            finding.fix(applicability, Edit::new(span, text));
        }
    }

    /// Adds the removal of a diagnostic's span, which is an entry of a list.
    pub fn remove_entry(&self, finding: &mut Diagnostic, applicability: Applicability) {
        let source = self.sources.text(&finding.file).unwrap_or_default();
        if let Some(span) = finding.span {
            finding.fix(applicability, edit::without_entry(source, span));
        }
    }

    /// Adds a new entry after a diagnostic's span, which is an entry of a list.
    pub fn add_entry(&self, finding: &mut Diagnostic, applicability: Applicability, text: &str) {
        if let Some(span) = finding.span {
            let end = tollgate_compiler::diagnostic::Span {
                start: span.end,
                end: span.end,
            };
            finding.fix(
                applicability,
                Edit::new(end, format!(", {}", edit::quoted(text))),
            );
        }
    }

    /// Labels a part of another rule in a diagnostic.
    pub fn mark(&self, finding: &mut Diagnostic, rule: usize, part: &Part, message: &str) {
        if let Some(places) = self.places.get(rule) {
            let span = places.span(part, self.sources);
            finding.label(&places.file, span, message);
        }
    }
}
