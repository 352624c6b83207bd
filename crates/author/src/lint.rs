//! Advice about a policy that compiles: what is allowed to be written and probably not meant.
//!
//! Each finding has a code of the compiler's table, a place, and a way out. Not here: what keeps a policy
//! from compiling, which the compiler says, and how all requests are reasoned about, which the analysis
//! knows.

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

use crate::locate::{self, Part, Places};

pub use allow::{Advice, Excused, settle};
pub use budget::budgets;
pub use covers::covers;
use dead::describe;

/// A compiled policy, ready to be advised on.
pub struct Subject<'a> {
    /// What came of compiling.
    pub compiled: &'a Compiled,
    /// The checked policy.
    pub policy: &'a ImageSpec,
    /// Its texts.
    pub sources: &'a SourceTree,
    /// Where its rules stand.
    pub places: Vec<Places>,
}

impl<'a> Subject<'a> {
    /// `None` if the policy does not compile.
    pub fn new(compiled: &'a Compiled, sources: &'a SourceTree) -> Option<Self> {
        Some(Self {
            compiled,
            policy: compiled.policy.as_ref()?,
            sources,
            places: locate::places(sources, &compiled.origins),
        })
    }

    /// The rules with their positions and places.
    fn rules(&self) -> impl Iterator<Item = (usize, &RuleSpec, &Places)> {
        let rules = self.policy.rules.iter().zip(&self.places);
        rules
            .enumerate()
            .map(|(at, (rule, places))| (at, rule, places))
    }

    /// A finding about a part of a rule.
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

    /// Marks a part of another rule in a finding.
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

/// All advice. `now` is the time, in Unix seconds.
pub fn lint(subject: &Subject<'_>, now: i64) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    analysed(subject, now, &mut findings);
    names::check(subject, &mut findings);
    window::check(subject, now, &mut findings);
    public::check(subject, &mut findings);
    syntax::check(subject, &mut findings);
    issuers::check(subject, &mut findings);
    paths::check(subject, &mut findings);
    budget::check(subject, &mut findings);
    if subject.policy.rules.is_empty() {
        let message = "the policy has no rules, so every request is denied";
        let mut finding = Diagnostic::new(&codes::NO_RULES, tollgate_compiler::SITE_FILE, message);
        finding.help("add a `[[rule]]` to `site.toml` or to a file in `courses`");
        findings.push(finding);
    }
    findings
}

/// What only the analysis knows.
fn analysed(subject: &Subject<'_>, now: i64, findings: &mut Vec<Diagnostic>) {
    let Ok(policy) = Policy::new(subject.policy.clone()) else {
        return;
    };
    let positions: BTreeMap<String, usize> = subject
        .rules()
        .map(|(at, rule, _)| (name(rule), at))
        .collect();
    let position = |id: RuleId| {
        let rule = policy.rule(id)?;
        positions.get(&name(rule)).copied()
    };
    dead::check(subject, &policy, &position, now, findings);
    capture::check(subject, &policy, &position, now, findings);
    methods::check(subject, &policy, now, findings);
    redirect::check(subject, &policy, now, findings);
}

#[cfg(test)]
mod tests;
