//! TG0718: the limits of edges.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::SITE_FILE;
use tollgate_compiler::diagnostic::codes;
use tollgate_edges::{CLOUDFRONT_FUNCTIONS, EDGES, EDGEWORKERS};
use tollgate_javascript::budget::{MAX_FUNCTION_BYTES, MAX_READS};
use tollgate_javascript::{JavaScriptError, MAX_BUNDLE_BYTES, MAX_POLICY_BYTES};
use tollgate_policy::spec::ImageSpec;

use super::LintContext;

/// The share of an edge's limit that the policy uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The target, as in `tollgate build --target`; `image` concerns all edges that load one.
    pub edge: &'static str,
    /// The counted quantity.
    pub what: &'static str,
    /// The policy's use.
    pub used: usize,
    /// The edge's limit, if it has one.
    pub limit: Option<usize>,
}

impl Budget {
    /// Whether the policy is within the limit.
    pub fn fits(&self) -> bool {
        self.limit.is_none_or(|limit| self.used <= limit)
    }
}

/// The budgets of all edges.
pub fn budgets(context: &LintContext<'_>) -> Vec<Budget> {
    let mut budgets = image_budgets(context);
    budgets.extend(functions(context.policy));
    budgets.extend(workers(context.policy));
    budgets
}

/// The budgets of edges that load the image.
fn image_budgets(context: &LintContext<'_>) -> Vec<Budget> {
    let usage = context.compiled.usage.unwrap_or_default();
    let image = usage.image.image_bytes;
    let bytes = |edge, limit| Budget {
        edge,
        what: "image bytes",
        used: image,
        limit: Some(limit),
    };
    let mut budgets = vec![bytes(
        "image",
        tollgate_core::image::format::MAX_IMAGE_BYTES,
    )];
    let loading = EDGES
        .iter()
        .filter_map(|edge| Some((edge.name, edge.max_image_bytes?)));
    budgets.extend(loading.map(|(edge, limit)| bytes(edge, limit)));
    budgets
}

/// The same for every policy: entries are counted, not shipped.
const SOME_ID: &str = "00000000000000000000000000000000";

/// CloudFront Functions: the function, and the entries in the store. Empty if the policy cannot be
/// expressed there, whatever its size.
fn functions(policy: &ImageSpec) -> Vec<Budget> {
    let count = |what, used, limit| Budget {
        edge: CLOUDFRONT_FUNCTIONS.name,
        what,
        used,
        limit,
    };
    let budget = |what, used, limit| count(what, used, Some(limit));
    match tollgate_javascript::cloudfront(policy, SOME_ID) {
        Ok(made) => vec![
            budget("function bytes", made.function.len(), MAX_FUNCTION_BYTES),
            budget("KVS bytes", made.store_bytes(), MAX_POLICY_BYTES),
            budget("KVS reads", made.max_reads, MAX_READS),
            count("KVS entries", made.entries.len() + 1, None),
        ],
        Err(JavaScriptError::FunctionTooLarge { bytes, .. }) => {
            vec![budget("function bytes", bytes, MAX_FUNCTION_BYTES)]
        }
        Err(JavaScriptError::StoreTooLarge { bytes }) => {
            vec![budget("KVS bytes", bytes, MAX_POLICY_BYTES)]
        }
        Err(JavaScriptError::TooManyReads { reads, .. }) => {
            vec![budget("KVS reads", reads, MAX_READS)]
        }
        Err(_) => Vec::new(),
    }
}

/// Akamai EdgeWorkers: the bundle.
fn workers(policy: &ImageSpec) -> Option<Budget> {
    let bytes = match tollgate_javascript::edgeworkers(policy, SOME_ID) {
        Ok(made) => made.main.len() + made.manifest.len(),
        Err(JavaScriptError::BundleTooLarge { bytes }) => bytes,
        Err(_) => return None,
    };
    Some(Budget {
        edge: EDGEWORKERS.name,
        what: "bundle bytes",
        used: bytes,
        limit: Some(MAX_BUNDLE_BYTES),
    })
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
