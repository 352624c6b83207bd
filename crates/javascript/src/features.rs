//! The features of the generated code that a policy needs; the others are omitted.
//!
//! A feature is a word that the parts mention as `//#if word`. Not here: the size of features (`costs`).

use std::collections::{BTreeMap, BTreeSet};

/// The features of a policy, each with the rules that need it; none where the site itself does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    users: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Features {
    /// Notes that the site needs a feature.
    pub(super) fn need(&mut self, feature: &'static str) {
        self.users.entry(feature).or_default();
    }

    /// Notes that a rule needs a feature.
    pub(super) fn need_for(&mut self, feature: &'static str, rule: &str) {
        self.users
            .entry(feature)
            .or_default()
            .insert(rule.to_owned());
    }

    /// Whether anything needs the feature.
    pub(super) fn has(&self, feature: &str) -> bool {
        self.users.contains_key(feature)
    }

    /// Everything that is needed, and by which rules.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<String>)> {
        self.users.iter().map(|(name, rules)| (*name, rules))
    }

    /// The same without one.
    pub(super) fn without(&self, feature: &str) -> Self {
        let mut rest = self.clone();
        rest.users.remove(feature);
        rest
    }
}

/// The lines of `part` for these features: `//#if a b` to `//#endif` is selected if any of the words is
/// needed; `!a` means that `a` is not needed.
pub(super) fn select(part: &str, features: &Features) -> String {
    let mut open: Vec<bool> = Vec::new();
    let mut selected = String::with_capacity(part.len());
    for line in part.lines() {
        let trimmed = line.trim();
        if let Some(words) = trimmed.strip_prefix("//#if ") {
            let holds = words.split(' ').any(|word| match word.strip_prefix('!') {
                Some(word) => !features.has(word),
                None => features.has(word),
            });
            open.push(holds);
        } else if trimmed == "//#endif" {
            open.pop();
        } else if open.iter().all(|holds| *holds) {
            selected.push_str(line);
            selected.push('\n');
        }
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::{Features, select};

    #[test]
    fn lines_are_chosen_by_feature() {
        let part =
            "a\n//#if x\nb\n  //#if y !z\n  c\n  //#endif\n//#endif\n//#if !x\nd\n//#endif\ne\n";
        let mut features = Features::default();
        assert_eq!(select(part, &features), "a\nd\ne\n");
        features.need("x");
        assert_eq!(select(part, &features), "a\nb\n  c\ne\n");
        features.need("z");
        assert_eq!(select(part, &features), "a\nb\ne\n");
        features.need_for("y", "rust-101/students");
        assert_eq!(select(part, &features), "a\nb\n  c\ne\n");
        assert_eq!(select(part, &features.without("x")), "a\nd\ne\n");
    }
}
