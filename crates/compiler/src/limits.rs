//! The limits on the size of a policy, and measuring it.
//!
//! The limits bound the time of one decision and the size of what an edge loads. Not here: the limits of
//! requests and tokens (`tollgate-edge-core`, `tollgate-token`).

use tollgate_policy::encode::EncodeReport;
use tollgate_policy::spec::{Expr, ImageSpec, RuleSpec};

/// Largest policy file or key file, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Most rules in a policy.
pub const MAX_RULES: usize = 200_000;
/// Most patterns in one rule.
pub const MAX_PATTERNS_PER_RULE: usize = 32;
/// Most entries in any other list.
pub const MAX_LIST_ENTRIES: usize = 64;
/// Most declared claims.
pub const MAX_CLAIMS: usize = 64;
/// Most segments in a pattern, `**` included; no request path has more.
pub const MAX_PATTERN_SEGMENTS: usize = tollgate_core::path::MAX_SEGMENTS;
/// Most bytes in a pattern, base included; no decoded request path has more.
pub const MAX_PATTERN_BYTES: usize = tollgate_core::path::MAX_DECODED_BYTES;
/// Most `*` in one segment of a pattern.
pub const MAX_STARS_PER_SEGMENT: usize = tollgate_core::image::format::MAX_STARS;
/// Most captures in one pattern.
pub const MAX_CAPTURES_PER_PATTERN: usize = 8;
/// Longest id, capture name, group, scope, subject, claim name and the like, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// Longest free text such as `because`, in bytes.
pub const MAX_TEXT_BYTES: usize = 1_000;
/// Longest condition, in bytes of its source.
pub const MAX_CONDITION_BYTES: usize = 2_000;
/// Deepest nesting of parentheses in a condition.
pub const MAX_CONDITION_BRACKETS: usize = 32;
/// Most parts (operators, names and literals) in a condition.
pub const MAX_CONDITION_PARTS: usize = 128;
/// Largest stack while a condition is evaluated from left to right.
pub const MAX_CONDITION_STACK: usize = tollgate_core::image::format::MAX_STACK;
/// Most TOML syntax errors reported per file; later ones mostly follow from earlier ones.
pub const MAX_TOML_ERRORS_PER_FILE: usize = 20;

/// The sizes of a compiled policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The counts of the encoder: rules, patterns, worst cases for one path, bytes.
    pub image: EncodeReport,
    /// Rules with at least one condition.
    pub conditional_rules: usize,
    /// Patterns of the rule that has the most.
    pub max_patterns_per_rule: usize,
    /// Parts of the largest condition.
    pub max_condition_parts: usize,
    /// Declared claims.
    pub claims: usize,
    /// The size of the gate's configuration in the image: issuers, keys, responses, in bytes.
    pub gate_bytes: usize,
}

/// Measures a policy and its image.
pub fn usage(policy: &ImageSpec, image: EncodeReport) -> Usage {
    let conditions = || {
        policy
            .rules
            .iter()
            .flat_map(|rule| rule.when.iter().chain(&rule.unless))
    };
    let has_condition = |rule: &&RuleSpec| rule.when.is_some() || rule.unless.is_some();
    let patterns = policy.rules.iter().map(|rule| rule.patterns.len());
    Usage {
        image,
        conditional_rules: policy.rules.iter().filter(has_condition).count(),
        max_patterns_per_rule: patterns.max().unwrap_or(0),
        max_condition_parts: conditions().map(condition_parts).max().unwrap_or(0),
        claims: policy.claims.len(),
        gate_bytes: policy.gate.len(),
    }
}

/// Whether a condition is within the limits of [`MAX_CONDITION_PARTS`] and [`MAX_CONDITION_STACK`].
pub fn is_condition_within(expr: &Expr) -> bool {
    condition_parts(expr) <= MAX_CONDITION_PARTS && stack_need(expr) <= MAX_CONDITION_STACK
}

/// The number of parts of a condition, which [`MAX_CONDITION_PARTS`] limits.
pub fn condition_parts(expr: &Expr) -> usize {
    // Constants that are not expressions of their own count as parts, too.
    let constants = match expr {
        Expr::TimeShift(..) => 1,
        Expr::InStrings(_, list) => list.len(),
        Expr::InInts(_, list) => list.len(),
        Expr::InNetworks(_, list) => list.len(),
        _ => 0,
    };
    1 + constants + expr.children().map(condition_parts).sum::<usize>()
}

/// The largest stack while the expression is evaluated from left to right: while a child is evaluated, the
/// values of those before it are on the stack.
pub(crate) fn stack_need(expr: &Expr) -> usize {
    let needs = expr.children().enumerate();
    let needs = needs.map(|(waiting, child)| waiting + stack_need(child));
    needs.max().unwrap_or(1)
}
