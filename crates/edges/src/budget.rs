//! The usage of an edge's limits by a policy.
//!
//! Not here: warnings about it, which the budget lint of `tollgate-author` reports.

use tollgate_javascript::budget::{MAX_FUNCTION_BYTES, MAX_READS};
use tollgate_javascript::{JavaScriptError, MAX_BUNDLE_BYTES, MAX_POLICY_BYTES};
use tollgate_policy::spec::ImageSpec;

use super::{CLOUDFRONT_FUNCTIONS, EDGES, EDGEWORKERS, Edge};

/// The usage of one limit by a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The target, as named by `tollgate build`; `image` is for all.
    pub edge: &'static str,
    /// The unit that is counted.
    pub what: &'static str,
    /// The amount that the policy uses.
    pub used: usize,
    /// The limit, if there is one.
    pub limit: Option<usize>,
}

impl Budget {
    /// Whether the usage is within the limit.
    pub fn fits(&self) -> bool {
        self.limit.is_none_or(|limit| self.used <= limit)
    }
}

/// Returns the budget of an image with `used` bytes.
pub const fn image_budget(edge: &'static str, used: usize, limit: usize) -> Budget {
    Budget {
        edge,
        what: "image bytes",
        used,
        limit: Some(limit),
    }
}

impl Edge {
    /// Returns the budgets of an image on every edge that loads images.
    pub fn image_budgets(used: usize) -> impl Iterator<Item = Budget> {
        EDGES
            .iter()
            .filter_map(move |edge| Some(image_budget(edge.name, used, edge.max_image_bytes?)))
    }

    /// Returns the budgets of a policy on every edge whose code is generated from it.
    pub fn code_budgets(policy: &ImageSpec) -> impl Iterator<Item = Budget> {
        EDGES.iter().flat_map(|edge| (edge.budgets)(policy))
    }
}

/// A placeholder for the policy ID: entries are counted, not deployed.
const SOME_ID: &str = "00000000000000000000000000000000";

/// Returns the budgets of CloudFront Functions: the function and its store. Empty if the policy cannot be expressed
/// there at any size.
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

/// Returns the budget of Akamai EdgeWorkers: the bundle.
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
