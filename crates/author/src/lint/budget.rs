//! TG0718: the limits of edges.
//!
//! Not here: the limits themselves, which `tollgate-edges` has.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::SITE_FILE;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::image::format::MAX_IMAGE_BYTES;
use tollgate_edges::{Budget, Edge, image_budget};

use super::context::LintContext;

/// The budgets of all edges.
pub fn budgets(context: &LintContext<'_>) -> Vec<Budget> {
    let mut budgets = image_budgets(context);
    budgets.extend(Edge::code_budgets(context.policy));
    budgets
}

/// The budgets of edges that load the image.
fn image_budgets(context: &LintContext<'_>) -> Vec<Budget> {
    let usage = context.compiled.usage.unwrap_or_default();
    let bytes = usage.image.image_bytes;
    let mut budgets = vec![image_budget("image", bytes, MAX_IMAGE_BYTES)];
    budgets.extend(Edge::image_budgets(bytes));
    budgets
}

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    // Edges with generated code hold only some policies by design. That one does not fit is shown,
    // but is no reason to warn authors who do not use them.
    for budget in image_budgets(context)
        .iter()
        .filter(|budget| !budget.fits())
    {
        let message = format!(
            "the policy needs {} {}; the limit of `{3}` is {2}",
            budget.used,
            budget.what,
            budget.limit.unwrap_or_default(),
            budget.edge
        );
        let mut finding = Diagnostic::new(&codes::EDGE_BUDGET, SITE_FILE, message);
        finding.help("rules with a capture replace many: `/{course}/**` with `course-{course}`");
        findings.push(finding);
    }
}
