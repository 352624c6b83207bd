//! TG0718: what edges can hold.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::SITE_FILE;
use tollgate_compiler::diagnostic::codes;
use tollgate_edges::{CLOUDFRONT_FUNCTIONS, EDGES, EDGEWORKERS};
use tollgate_javascript::budget::{MAX_FUNCTION_BYTES, MAX_READS};
use tollgate_javascript::{JavaScriptError, MAX_BUNDLE_BYTES, MAX_POLICY_BYTES};
use tollgate_policy::spec::ImageSpec;

use super::Subject;

/// What a policy takes of what an edge has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The target, as `tollgate build` names it; `image` concerns all.
    pub edge: &'static str,
    /// What is counted.
    pub what: &'static str,
    /// How much the policy takes.
    pub used: usize,
    /// How much there is, where that is limited.
    pub limit: Option<usize>,
}

impl Budget {
    /// Whether it fits.
    pub fn fits(&self) -> bool {
        self.limit.is_none_or(|limit| self.used <= limit)
    }
}

/// What the policy takes, edge by edge.
pub fn budgets(subject: &Subject<'_>) -> Vec<Budget> {
    let mut budgets = image_budgets(subject);
    budgets.extend(functions(subject.policy));
    budgets.extend(workers(subject.policy));
    budgets
}

/// What the image takes of edges that load it.
fn image_budgets(subject: &Subject<'_>) -> Vec<Budget> {
    let usage = subject.compiled.usage.unwrap_or_default();
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

/// The same for every policy; entries are counted, not shipped.
const SOME_ID: &str = "00000000000000000000000000000000";

/// CloudFront Functions: the function, and what stands in the store beside it. Nothing if the policy cannot
/// be said there whatever its size.
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
