//! Lints for a policy that compiles: constructs that are allowed and probably unintended.
//!
//! Each lint has a code of the compiler's table, a span and a fix. Not here: errors, which the
//! compiler reports, and reasoning about all requests, which the analysis does.

mod allow;
mod budget;
mod capture;
mod context;
mod dead;
mod echoes;
mod issuers;
mod methods;
mod names;
mod paths;
mod public;
mod redirect;
mod sign_in;
mod swallow;
mod syntax;
mod window;

use std::collections::BTreeMap;

use tollgate_analysis::Policy;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::RuleId;

pub use allow::{LintReport, Suppressed, apply_suppressions};
pub use budget::budgets;
pub use context::LintContext;
pub use tollgate_analysis::rule_name as name;

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
    sign_in::check(context, &mut findings);
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
