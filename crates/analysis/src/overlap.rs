//! Ambiguous captures: paths that match two patterns of one rule, which capture different segments under one
//! name.
//!
//! A rule then matches if either capture satisfies it. Not here: whether that is intended.

use std::collections::BTreeMap;

use tollgate_core::RuleId;

use crate::policy::Policy;
use crate::space::{Hit, Space};
use crate::walk::{Next, PatternId, Walk};

/// An ambiguous capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The rule.
    pub rule: RuleId,
    /// Its two patterns, by their positions in the rule, the first one first.
    pub patterns: [usize; 2],
    /// The capture.
    pub capture: String,
    /// The shortest path found that matches both, as a request target.
    pub target: String,
    /// The values that the patterns capture.
    pub values: [String; 2],
}

/// Finds the ambiguous captures that a rule reads, one for each pair of patterns.
///
/// # Example
/// ```
/// use tollgate_analysis::{Policy, overlap};
/// use tollgate_compiler::{CompileOptions, SourceTree, compile};
///
/// let mut tree = SourceTree::new();
/// tree.insert("site.toml", r#"
/// schema = 1
/// [site]
/// name = "example"
/// [[issuer]]
/// name = "i"
/// issuer = "https://issuer.test"
/// clients = ["c"]
/// algorithms = ["HS256"]
/// groups_claim = "cognito:groups"
/// secrets = [{ kid = "k", file = "k.key" }]
/// [[rule]]
/// id = "own"
/// allow = ["/{user}/**", "/users/{user}/**"]
/// subjects = ["{user}"]
/// "#);
/// tree.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
/// let spec = compile(&tree, &CompileOptions::default()).policy.ok_or("compiles")?;
/// let found = overlap::overlaps(&Policy::new(spec)?, 1_800_000_000);
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].target, "/users/x/");
/// assert_eq!(found[0].values, ["users", "x"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn overlaps(policy: &Policy, now: i64) -> Vec<Overlap> {
    let space = Space::new(&[policy], now);
    let mut walk = Walk::new(&space);
    let mut any = false;
    for number in 0..walk.pattern_count() {
        let id = PatternId(u32::try_from(number).unwrap_or(u32::MAX));
        let owners = walk.owners(id, 0);
        let asks = owners.into_iter().any(|rule| can_overlap(policy, rule));
        any |= asks;
        walk.set_interesting(id, asks);
    }
    if !any {
        return Vec::new();
    }
    let mut found: BTreeMap<(usize, [usize; 2]), Overlap> = BTreeMap::new();
    walk.run(&mut |_, kind| {
        for (at, later) in kind.hits.iter().enumerate() {
            for earlier in kind.hits.iter().take(at) {
                if earlier.rule == later.rule && earlier.pattern != later.pattern {
                    let pair = if earlier.pattern < later.pattern {
                        [earlier, later]
                    } else {
                        [later, earlier]
                    };
                    if let Some(overlap) = overlap(pair, &kind.target) {
                        let key = (later.rule, overlap.patterns);
                        found.entry(key).or_insert(overlap);
                    }
                }
            }
        }
        Next::Continue
    });
    found.into_values().collect()
}

fn can_overlap(policy: &Policy, rule: usize) -> bool {
    let rule = policy.rules().get(rule);
    rule.is_some_and(|rule| rule.patterns.len() > 1 && !rule.captures().is_empty())
}

fn overlap(pair: [&Hit<'_>; 2], target: &str) -> Option<Overlap> {
    let [left, right] = pair;
    let (capture, one, other) = left.captures.iter().find_map(|(name, one)| {
        let other = right.capture(name)?;
        (one != other).then_some((name, one, other))
    })?;
    Some(Overlap {
        rule: RuleId(u32::try_from(left.rule).unwrap_or(u32::MAX)),
        patterns: pair.map(|hit| hit.pattern),
        capture: (*capture).to_owned(),
        target: target.to_owned(),
        values: [one.to_string(), other.to_string()],
    })
}
