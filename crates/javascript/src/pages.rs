//! The distribution of rules: to the first page, which every request reads, or to a page found by the first
//! segments of the path.
//!
//! A page holds the rules of many prefixes; its number is a hash of the prefix, so that a page always
//! exists and a missing one is a failure, never "no rules". Not here: keys and batches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lower::{Lowered, LoweredPattern};

/// Rules by the prefix of the paths they are about.
pub(super) struct Layout {
    /// Rules for every path.
    pub(super) everywhere: Vec<Value>,
    /// For some numbers of segments: the rules of each prefix of so many.
    pub(super) by_prefix: Vec<Level>,
}

/// Rules by prefixes of one length.
pub(super) struct Level {
    /// The number of segments in the prefixes.
    pub(super) depth: usize,
    /// The rules of each.
    pub(super) rules: BTreeMap<String, Vec<Value>>,
}

/// The largest number of segments of a prefix that is tried.
const DEPTHS: usize = 4;

/// All layouts to try: none, one or two lengths of prefixes.
pub(super) fn candidates(rules: &[Lowered]) -> Vec<Layout> {
    let mut all = vec![layout(rules, &[])];
    for first in 1..=DEPTHS {
        all.push(layout(rules, &[first]));
        for second in first + 1..=DEPTHS {
            all.push(layout(rules, &[first, second]));
        }
    }
    all
}

fn layout(rules: &[Lowered], depths: &[usize]) -> Layout {
    let mut everywhere = Vec::new();
    let mut levels: BTreeMap<usize, BTreeMap<String, Vec<Value>>> = depths
        .iter()
        .map(|depth| (*depth, BTreeMap::new()))
        .collect();
    for rule in rules {
        let mut homes: BTreeMap<(usize, String), Vec<&LoweredPattern>> = BTreeMap::new();
        for pattern in &rule.patterns {
            let fitting = depths
                .iter()
                .filter(|depth| **depth <= pattern.literal_count());
            let depth = fitting.max().copied().unwrap_or(0);
            homes
                .entry((depth, pattern.prefix(depth)))
                .or_default()
                .push(pattern);
        }
        for ((depth, prefix), patterns) in homes {
            let json = rule.to_json(&patterns, depth);
            match levels.get_mut(&depth) {
                Some(level) => level.entry(prefix).or_default().push(json),
                None => everywhere.push(json),
            }
        }
    }
    let by_prefix = levels
        .into_iter()
        .filter(|(_, rules)| !rules.is_empty())
        .map(|(depth, rules)| Level { depth, rules })
        .collect();
    Layout {
        everywhere,
        by_prefix,
    }
}

impl Level {
    /// The pages of this level as JSON texts, filled to about `bytes` each.
    pub(super) fn pages(&self, bytes: usize) -> Vec<String> {
        let members = self.rules.iter();
        hashed_pages(
            members.map(|(prefix, rules)| (prefix.as_str(), json!(rules))),
            bytes,
        )
    }
}

/// Members of an object, spread over JSON texts by a hash of their names, filled to about `bytes` each.
pub(super) fn hashed_pages<'m>(
    members: impl Iterator<Item = (&'m str, Value)>,
    bytes: usize,
) -> Vec<String> {
    let texts: Vec<(&str, String)> = members
        .map(|(name, value)| (name, json!({ format!("${name}"): value }).to_string()))
        .collect();
    let total: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let count = total.div_ceil(bytes).max(1);
    let mut pages = vec![String::new(); count];
    for (name, text) in texts {
        if let Some(page) = pages.get_mut(page_of(name, count)) {
            page.push(if page.is_empty() { '{' } else { ',' });
            page.push_str(
                text.trim_start_matches('{')
                    .strip_suffix('}')
                    .unwrap_or_default(),
            );
        }
    }
    let closed = |page: String| {
        if page.is_empty() {
            "{}".to_owned()
        } else {
            page + "}"
        }
    };
    pages.into_iter().map(closed).collect()
}

/// The page that a prefix is on; the generated code computes the same.
fn page_of(prefix: &str, count: usize) -> usize {
    let sum = prefix.chars().fold(0_u64, |sum, c| {
        (sum * 31 + u64::from(u32::from(c))) % 65_521
    });
    usize::try_from(sum)
        .unwrap_or(0)
        .checked_rem(count)
        .unwrap_or(0)
}
