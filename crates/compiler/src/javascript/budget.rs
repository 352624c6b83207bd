//! What does not fit, and what to do about it.

use super::JavaScriptError;
use super::features::Features;
use super::lower::Lowered;

/// Most bytes of a function, CloudFront's limit.
pub const MAX_FUNCTION_BYTES: usize = 10_240;
/// Most entries that one request may read: reads are made one after the other.
pub const MAX_READS: usize = 16;

/// One thing that costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Bytes.
    pub bytes: usize,
    /// What costs them.
    pub what: &'static str,
    /// The rules that need it; empty where the site's own settings do.
    pub rules: Vec<String>,
}

/// What a feature is to an author.
fn shown(feature: &'static str) -> &'static str {
    match feature {
        "address" => "client addresses",
        "arithmetic" => "int arithmetic",
        "ascii_only" => "`ascii_only`",
        "captures" => "captures in names",
        "claim_lists" => "`string[]` claims",
        "claims" => "claims",
        "cognito" => "tokens of Cognito",
        "conditions" => "`when` and `unless`",
        "integers" => "64-bit integers",
        "multiply" => "int multiplication",
        "names" => "groups, scopes and subjects",
        "networks" | "rule_networks" => "`networks`",
        "pages" => "rules on several pages",
        "redirects" => "redirects",
        "scopes" => "scopes",
        "shared_kids" => "issuers that share the name of a key",
        "strip" => "`strip`",
        "subjects" => "subjects",
        "times" => "`from` and `until`",
        "tokens" => "tokens",
        _ => "an operator of a condition",
    }
}

/// The error for a function that is too large: every feature that rules could do without, the dearest
/// first.
pub(super) fn function_too_large(
    bytes: usize,
    features: &Features,
    measure: &dyn Fn(&Features) -> usize,
) -> JavaScriptError {
    let mut costs: Vec<Cost> = features
        .iter()
        .map(|(feature, rules)| Cost {
            bytes: bytes.saturating_sub(measure(&features.without(feature))),
            what: shown(feature),
            rules: rules.iter().cloned().collect(),
        })
        .filter(|cost| cost.bytes > 0)
        .collect();
    costs.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.what.cmp(b.what)));
    JavaScriptError::FunctionTooLarge { bytes, costs }
}

/// The error for a policy of which one request reads too much: the largest rules.
pub(super) fn too_many_reads(reads: usize, rules: &[Lowered]) -> JavaScriptError {
    let mut costs: Vec<Cost> = rules
        .iter()
        .map(|rule| {
            let patterns: Vec<_> = rule.patterns.iter().collect();
            Cost {
                bytes: rule.to_json(&patterns, 0).to_string().len(),
                what: "a rule",
                rules: vec![rule.shown()],
            }
        })
        .collect();
    costs.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.rules.cmp(&b.rules)));
    costs.truncate(10);
    JavaScriptError::TooManyReads { reads, costs }
}
