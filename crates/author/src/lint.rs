//! Lints for a policy that compiles: constructs that are allowed and probably unintended.
//!
//! Each lint has a code of the compiler's table, a span and a fix. Not here: errors, which the
//! compiler reports, and reasoning about all requests, which the analysis does.

mod allow;
mod budget;
mod capture;
mod covers;
mod dead;
mod issuers;
mod methods;
mod names;
mod paths;
mod public;
mod redirect;
mod swallow;
mod syntax;
mod window;

use std::collections::BTreeMap;

use tollgate_analysis::Policy;
use tollgate_compiler::diagnostic::codes;
use tollgate_compiler::{Compiled, Diagnostic, SourceTree};
use tollgate_core::RuleId;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

use crate::locate::{self, Part, RuleSpans};

pub use allow::{LintReport, Suppressed, apply_suppressions};
pub use budget::budgets;
pub use covers::covers;
use dead::describe;

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
    fn rules(&self) -> impl Iterator<Item = (usize, &RuleSpec, &RuleSpans)> {
        let rules = self.policy.rules.iter().zip(&self.places);
        rules
            .enumerate()
            .map(|(at, (rule, places))| (at, rule, places))
    }

    /// Creates a diagnostic about a part of a rule.
    pub fn finding(
        &self,
        code: &'static tollgate_compiler::diagnostic::Code,
        rule: usize,
        part: &Part,
        message: impl Into<String>,
    ) -> Diagnostic {
        let Some(places) = self.places.get(rule) else {
            return Diagnostic::new(code, tollgate_compiler::SITE_FILE, message);
        };
        let mut finding = Diagnostic::new(code, &places.file, message);
        finding.at(places.span(part, self.sources));
        finding
    }

    /// Labels a part of another rule in a diagnostic.
    pub fn mark(&self, finding: &mut Diagnostic, rule: usize, part: &Part, message: &str) {
        if let Some(places) = self.places.get(rule) {
            let span = places.span(part, self.sources);
            finding.label(&places.file, span, message);
        }
    }
}

/// The name of a rule, `course/id`.
pub fn name(rule: &RuleSpec) -> String {
    format!("{}/{}", rule.course, rule.id)
}

/// Runs all lints. `now` is the time in Unix seconds.
pub fn lint(context: &LintContext<'_>, now: i64) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    analysed(context, now, &mut findings);
    names::check(context, &mut findings);
    window::check(context, now, &mut findings);
    public::check(context, &mut findings);
    syntax::check(context, &mut findings);
    issuers::check(context, &mut findings);
    paths::check(context, &mut findings);
    budget::check(context, &mut findings);
    if context.policy.rules.is_empty() {
        let message = "the policy has no rules, so every request is denied";
        let mut finding = Diagnostic::new(&codes::NO_RULES, tollgate_compiler::SITE_FILE, message);
        finding.help("add a `[[rule]]` to `site.toml` or to a file in `courses`");
        findings.push(finding);
    }
    findings
}

/// Lints that need the analysis.
fn analysed(context: &LintContext<'_>, now: i64, findings: &mut Vec<Diagnostic>) {
    let Ok(policy) = Policy::new(context.policy.clone()) else {
        return;
    };
    let positions: BTreeMap<String, usize> = context
        .rules()
        .map(|(at, rule, _)| (name(rule), at))
        .collect();
    let position = |id: RuleId| {
        let rule = policy.rule(id)?;
        positions.get(&name(rule)).copied()
    };
    dead::check(context, &policy, &position, now, findings);
    capture::check(context, &policy, &position, now, findings);
    methods::check(context, &policy, now, findings);
    redirect::check(context, &policy, now, findings);
}

#[cfg(test)]
mod tests;
