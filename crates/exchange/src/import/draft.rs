//! The rules of a policy being imported, without those that have no effect.
//!
//! A source often names the same paths several times. Only rules that change a decision are
//! written, and a `deny` that overlaps no `allow` yet is listed as intended, so that the result
//! passes `check`. Not here: writing text ([`write`](super::write)).

use tollgate_compiler::limits::MAX_PATTERNS_PER_RULE;
use tollgate_core::{Effect, MethodSet};

use super::ids;
use super::shape::{End, Part, Shape};

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Lines above the rule.
    pub(super) comment: String,
    pub(super) id: String,
    pub(super) effect: Effect,
    pub(super) patterns: Vec<Pattern>,
    /// The lines that name the principals.
    pub(super) who: String,
    pub(super) methods: MethodSet,
    /// `when` or `unless`.
    pub(super) condition: Option<(&'static str, String)>,
    pub(super) because: Option<String>,
    /// Whether no rule allows what it denies, as far as is known.
    pub(super) is_idle: bool,
}

/// A pattern, and a superset of the paths that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) text: String,
    shape: Shape,
}

/// A part of a policy file.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Rule(Rule),
    Comment(String),
}

impl Pattern {
    /// A pattern; a capture matches any segment.
    pub(super) fn new(text: String) -> Self {
        let end = match text.as_str() {
            text if text.ends_with("/**") => End::Below,
            text if text.ends_with('/') => End::Slash,
            _ => End::File,
        };
        let parts = text.split('/').skip(1).filter(|part| !part.is_empty());
        let parts = parts.map(|part| match part {
            "**" => Part::Rest,
            part if part.starts_with('{') => Part::Text("*".to_owned()),
            part => Part::Text(part.to_owned()),
        });
        let shape = Shape::new(parts.collect(), end);
        Self { text, shape }
    }
}

impl Pattern {
    /// Whether every path of a shape is matched. `false` may also mean unknown.
    pub(super) fn covers(&self, shape: &Shape) -> bool {
        self.shape.covers(shape)
    }
}

impl From<&Shape> for Pattern {
    fn from(shape: &Shape) -> Self {
        Self {
            text: shape.pattern(),
            shape: shape.clone(),
        }
    }
}

impl Rule {
    /// Creates an `allow` for the principals that `who` names.
    pub(super) fn allow(id: &str, who: &str, methods: MethodSet) -> Self {
        Self {
            comment: String::new(),
            id: id.to_owned(),
            effect: Effect::Allow,
            patterns: Vec::new(),
            who: who.to_owned(),
            methods,
            condition: None,
            because: None,
            is_idle: false,
        }
    }

    /// Creates a `deny` for every principal.
    pub(super) fn deny(id: &str, methods: MethodSet, because: &str) -> Self {
        Self {
            effect: Effect::Deny,
            who: String::new(),
            because: Some(because.to_owned()),
            ..Self::allow(id, "", methods)
        }
    }

    /// Whether `other` makes this rule irrelevant for the pattern.
    fn settles(&self, other: &Self, pattern: &Pattern) -> bool {
        let is_stronger = self.effect == Effect::Deny || self.who == "anyone = true\n";
        let is_same = self.effect == other.effect && self.who == other.who;
        let covers = self
            .patterns
            .iter()
            .any(|own| own.shape.covers(&pattern.shape));
        (is_stronger || is_same)
            && (self.effect == Effect::Deny || other.effect == Effect::Allow)
            && self.condition.is_none()
            && self.methods.contains(other.methods)
            && covers
    }

    fn overlaps(&self, other: &Self) -> bool {
        let shared = self
            .methods
            .names()
            .any(|name| other.methods.names().any(|own| own == name));
        shared
            && self.patterns.iter().any(|own| {
                let mut others = other.patterns.iter();
                others.any(|other| own.shape.overlaps(&other.shape))
            })
    }
}

/// Removes everything that changes no decision. A rule without remaining patterns becomes a
/// comment.
pub(super) fn settled(entries: Vec<Entry>) -> Vec<Entry> {
    let mut entries = entries;
    for at in 0..entries.len() {
        let Some(Entry::Rule(rule)) = entries.get(at) else {
            continue;
        };
        let rule = rule.clone();
        let mut by = None;
        let mut left = Vec::new();
        for (number, pattern) in rule.patterns.iter().enumerate() {
            let own = rule.patterns.iter().enumerate().any(|(other, own)| {
                let is_first = other < number || !pattern.shape.covers(&own.shape);
                other != number && is_first && own.shape.covers(&pattern.shape)
            });
            let settling = |effect: Effect| {
                entries
                    .iter()
                    .enumerate()
                    .find_map(|(other, entry)| match entry {
                        Entry::Rule(settling)
                            if other != at
                                && settling.effect == effect
                                && settling.settles(&rule, pattern) =>
                        {
                            Some(settling.id.clone())
                        }
                        _ => None,
                    })
            };
            let settling = settling(Effect::Deny).or_else(|| settling(Effect::Allow));
            match settling {
                Some(id) => by = Some(id),
                None if own && rule.condition.is_none() => {}
                None => left.push(pattern.clone()),
            }
        }
        let Some(entry) = entries.get_mut(at) else {
            continue;
        };
        if let (true, Some(by)) = (left.is_empty(), by) {
            let note = format!(
                "rule `{}` is omitted: rule `{by}` decides its paths",
                rule.id
            );
            let lines = [rule.comment.as_str(), &note];
            let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            *entry = Entry::Comment(lines.join("\n"));
        } else if let Entry::Rule(rule) = entry {
            rule.patterns = left;
        }
    }
    entries
}

/// The IDs of `deny` rules that deny nothing yet, because no rule allows their paths.
pub(super) fn idle(entries: &[Entry]) -> Vec<&str> {
    let rules = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Rule(rule) => Some(rule),
            Entry::Comment(_) => None,
        })
    };
    let denies = rules().filter(|rule| rule.effect == Effect::Deny);
    let idle = denies.filter(|deny| {
        deny.is_idle || !rules().any(|allow| allow.effect == Effect::Allow && allow.overlaps(deny))
    });
    idle.map(|deny| deny.id.as_str()).collect()
}

/// Splits rules with more patterns than a rule can have.
pub(super) fn divided(entries: Vec<Entry>, used: &mut Vec<String>) -> Vec<Entry> {
    let mut all = Vec::new();
    for entry in entries {
        let Entry::Rule(rule) = entry else {
            all.push(entry);
            continue;
        };
        for (number, patterns) in rule.patterns.chunks(MAX_PATTERNS_PER_RULE).enumerate() {
            let mut part = Rule {
                patterns: patterns.to_vec(),
                ..rule.clone()
            };
            if number > 0 {
                part.id = ids::unused(&rule.id, used);
                part.comment.clear();
            }
            all.push(Entry::Rule(part));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, effect: Effect, patterns: &[&str], who: &str) -> Entry {
        let mut rule = match effect {
            Effect::Allow => Rule::allow(id, who, MethodSet::READ),
            Effect::Deny => Rule::deny(id, MethodSet::ALL, "x"),
        };
        let patterns = patterns.iter().map(|text| Pattern::new((*text).to_owned()));
        rule.patterns = patterns.collect();
        Entry::Rule(rule)
    }

    fn written(entries: &[Entry]) -> Vec<String> {
        let entries = entries.iter().map(|entry| match entry {
            Entry::Comment(_) => "-".to_owned(),
            Entry::Rule(rule) => {
                let texts: Vec<&str> = rule.patterns.iter().map(|p| p.text.as_str()).collect();
                format!("{} {}", rule.id, texts.join(" "))
            }
        });
        entries.collect()
    }

    #[test]
    fn only_what_changes_a_decision_is_left() {
        let anyone = "anyone = true\n";
        let entries = vec![
            rule("css", Effect::Allow, &["/**/*.css", "/x"], anyone),
            rule(
                "own",
                Effect::Allow,
                &["/own/**", "/out/own"],
                "signed_in = true\n",
            ),
            rule("closed", Effect::Deny, &["/a/**", "/a/b", "/c"], ""),
            rule("below", Effect::Deny, &["/a/b/**"], ""),
            rule("inside", Effect::Allow, &["/a/x"], anyone),
            rule("all", Effect::Allow, &["/**"], anyone),
            rule("twice", Effect::Allow, &["/**"], anyone),
            rule("far", Effect::Deny, &["/a/far"], ""),
        ];
        let settled = settled(entries);
        assert_eq!(
            written(&settled),
            ["-", "-", "closed /a/** /c", "-", "-", "-", "twice /**", "-"]
        );
        assert!(idle(&settled).is_empty());
    }

    #[test]
    fn conditions_and_methods_keep_a_rule() {
        let mut entries = vec![
            rule("closed", Effect::Deny, &["/a/{x}/**"], ""),
            rule("other", Effect::Deny, &["/a/b/**"], ""),
            rule("put", Effect::Allow, &["/a/**"], "anyone = true\n"),
            rule("get", Effect::Allow, &["/z/**"], "anyone = true\n"),
            rule("idle", Effect::Deny, &["/q/**"], ""),
        ];
        if let Entry::Rule(rule) = &mut entries[0] {
            rule.condition = Some(("unless", "path.x == \"b\"".to_owned()));
        }
        let settled = settled(entries);
        assert_eq!(
            written(&settled),
            [
                "closed /a/{x}/**",
                "other /a/b/**",
                "put /a/**",
                "get /z/**",
                "idle /q/**"
            ]
        );
        assert_eq!(idle(&settled), ["idle"]);
    }

    #[test]
    fn many_patterns_become_several_rules() {
        let texts: Vec<String> = (0..70).map(|at| format!("/{at}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut used = vec!["many".to_owned()];
        let entries = divided(vec![rule("many", Effect::Deny, &texts, "")], &mut used);
        assert_eq!(entries.len(), 3);
        assert_eq!(used, ["many", "many-2", "many-3"]);
    }
}
