//! How much of an edge's limits a policy takes.

use tollgate_javascript::budget::{MAX_FUNCTION_BYTES, MAX_READS};
use tollgate_javascript::{JavaScriptError, MAX_BUNDLE_BYTES, MAX_POLICY_BYTES};
use tollgate_policy::spec::ImageSpec;

use super::{CLOUDFRONT_FUNCTIONS, EDGES, EDGEWORKERS, Edge};

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

/// What an image of so many bytes takes of a limit of images.
pub const fn image_budget(edge: &'static str, used: usize, limit: usize) -> Budget {
    Budget {
        edge,
        what: "image bytes",
        used,
        limit: Some(limit),
    }
}

impl Edge {
    /// What the images of policies take of every edge that loads them.
    pub fn image_budgets(used: usize) -> impl Iterator<Item = Budget> {
        EDGES
            .iter()
            .filter_map(move |edge| Some(image_budget(edge.name, used, edge.max_image_bytes?)))
    }

    /// What a policy takes of every edge whose code is generated from it.
    pub fn code_budgets(policy: &ImageSpec) -> impl Iterator<Item = Budget> {
        EDGES.iter().flat_map(|edge| (edge.budgets)(policy))
    }
}

/// The same for every policy; entries are counted, not shipped.
const SOME_ID: &str = "00000000000000000000000000000000";

/// CloudFront Functions: the function, and what stands in the store beside it. Nothing if the policy cannot
/// be said there whatever its size.
pub(super) fn of_function(policy: &ImageSpec) -> Vec<Budget> {
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
pub(super) fn of_bundle(policy: &ImageSpec) -> Vec<Budget> {
    let bytes = match tollgate_javascript::edgeworkers(policy, SOME_ID) {
        Ok(made) => made.main.len() + made.manifest.len(),
        Err(JavaScriptError::BundleTooLarge { bytes }) => bytes,
        Err(_) => return Vec::new(),
    };
    vec![Budget {
        edge: EDGEWORKERS.name,
        what: "bundle bytes",
        used: bytes,
        limit: Some(MAX_BUNDLE_BYTES),
    }]
}
