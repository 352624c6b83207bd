//! TG0718: what edges can hold.
//!
//! Not here: the limits, which `tollgate-edges` has.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::SITE_FILE;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::image::format::MAX_IMAGE_BYTES;
use tollgate_edges::{Budget, Edge, image_budget};

use super::Subject;

/// What the policy takes, edge by edge.
pub fn budgets(subject: &Subject<'_>) -> Vec<Budget> {
    let mut budgets = image_budgets(subject);
    budgets.extend(Edge::code_budgets(subject.policy));
    budgets
}

/// What the image takes of edges that load it.
fn image_budgets(subject: &Subject<'_>) -> Vec<Budget> {
    let usage = subject.compiled.usage.unwrap_or_default();
    let bytes = usage.image.image_bytes;
    let mut budgets = vec![image_budget("image", bytes, MAX_IMAGE_BYTES)];
    budgets.extend(Edge::image_budgets(bytes));
    budgets
}

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    // Edges that hold generated code take a part of all policies by their nature: that one does not fit them
    // is shown, and is no reason to warn those who do not use them.
    for budget in image_budgets(subject)
        .iter()
        .filter(|budget| !budget.fits())
    {
        let message = format!(
            "{} {} are more than the {} that `{}` holds",
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
