//! Spans of the parts of a rule in the policy's files.
//!
//! The compiler's checked rules have no spans; this module finds them again, for reports that point
//! into the files. Not here: the meaning of the parts.

use std::collections::BTreeMap;

use tollgate_compiler::diagnostic::{Span, render};
use tollgate_compiler::{RuleLocation, SourceTree};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A part of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The rule as a whole.
    Rule,
    /// `allow` or `deny`.
    Effect,
    /// A pattern, by index.
    Pattern(usize),
    /// A list or flag of the rule, by its key.
    Key(&'static str),
    /// An entry of a list of the rule.
    Entry(&'static str, usize),
    /// A part of `when` or `unless`: its text, and the number of earlier parts with the same text.
    Piece(&'static str, String, usize),
}

/// The spans of the parts of one rule.
#[derive(Clone, Debug, Default)]
pub struct RuleSpans {
    /// The file, relative to the policy folder.
    pub file: String,
    /// From the rule's header to the end of its last value.
    pub whole: Span,
    header: Span,
    keys: BTreeMap<String, Span>,
    entries: BTreeMap<String, Vec<Span>>,
    /// The number of segments of the file's base, which patterns do not repeat.
    pub base_segments: usize,
}

impl RuleSpans {
    /// The span of a part; the rule's header if it is not found.
    pub fn span(&self, part: &Part, sources: &SourceTree) -> Span {
        let key = |name: &str| self.keys.get(name).copied();
        let entry = |name: &str, at: usize| {
            let list = self.entries.get(name)?;
            list.get(at).copied()
        };
        let effect = || key("allow").or_else(|| key("deny"));
        let found = match part {
            Part::Rule => None,
            Part::Effect => effect(),
            Part::Pattern(at) => entry("allow", *at)
                .or_else(|| entry("deny", *at))
                .or_else(effect),
            Part::Key(name) => key(name),
            Part::Entry(name, at) => entry(name, *at).or_else(|| key(name)),
            Part::Piece(name, text, nth) => key(name).map(|whole| {
                let source = sources.text(&self.file).unwrap_or_default();
                piece(source, whole, text, *nth).unwrap_or(whole)
            }),
        };
        found.unwrap_or(self.header)
    }

    /// The line of a part, from 1.
    pub fn line(&self, part: &Part, sources: &SourceTree) -> usize {
        let source = sources.text(&self.file).unwrap_or_default();
        render::line_and_column(source, self.span(part, sources).start).0
    }

    /// Whether the rule has this key.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }
}

/// The spans of all rules, in the order of `origins`.
pub fn places(sources: &SourceTree, origins: &[RuleLocation]) -> Vec<RuleSpans> {
    let mut files: BTreeMap<&str, BTreeMap<usize, RuleSpans>> = BTreeMap::new();
    origins
        .iter()
        .map(|origin| {
            let file = files
                .entry(origin.file.as_str())
                .or_insert_with(|| read(&origin.file, sources));
            file.remove(&origin.span.start)
                .unwrap_or_else(|| RuleSpans {
                    file: origin.file.clone(),
                    whole: origin.span,
                    header: origin.span,
                    ..RuleSpans::default()
                })
        })
        .collect()
}

/// The rules of a file, by the offset of their headers.
fn read(file: &str, sources: &SourceTree) -> BTreeMap<usize, RuleSpans> {
    let text = sources.text(file).unwrap_or_default();
    let (root, _) = DeTable::parse_recoverable(text);
    let root = root.into_inner();
    let base_segments = match root.get("base").map(Spanned::get_ref) {
        Some(DeValue::String(base)) => base.split('/').filter(|part| !part.is_empty()).count(),
        _ => 0,
    };
    let mut rules = BTreeMap::new();
    let Some(DeValue::Array(list)) = root.get("rule").map(Spanned::get_ref) else {
        return rules;
    };
    for value in list {
        let DeValue::Table(table) = value.get_ref() else {
            continue;
        };
        let header = Span::from(value.span());
        let mut places = RuleSpans {
            file: file.to_owned(),
            whole: header,
            header,
            base_segments,
            ..RuleSpans::default()
        };
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let span = Span::from(key.span()).to(value.span().into());
            places.whole = places.whole.to(span);
            if let DeValue::Array(list) = value.get_ref() {
                let spans = list.iter().map(|entry| entry.span().into()).collect();
                places.entries.insert(name.clone(), spans);
            }
            places.keys.insert(name, span);
        }
        rules.insert(header.start, places);
    }
    rules
}

/// The `nth` span in `whole` that contains `text`, ignoring spaces, quotes and parentheses.
fn piece(source: &str, whole: Span, text: &str, nth: usize) -> Option<Span> {
    let raw = source.get(whole.start..whole.end)?;
    // The key and its `=` precede the condition.
    let from = raw.find('=').map_or(0, |at| at + 1);
    let hay: Vec<(usize, char)> = raw
        .char_indices()
        .filter(|(at, _)| *at >= from)
        .filter_map(|(at, c)| Some((at, bare(c)?)))
        .collect();
    let needle: Vec<char> = text.chars().filter_map(bare).collect();
    if needle.is_empty() {
        return None;
    }
    let mut found = hay
        .windows(needle.len())
        .filter(|window| window.iter().map(|(_, c)| c).eq(&needle));
    let window = found.nth(nth)?;
    let (first, (last, c)) = (window.first()?.0, window.last()?);
    Some(Span {
        start: whole.start + first,
        end: whole.start + last + c.len_utf8(),
    })
}

/// The character as compared; `None` if it is ignored.
fn bare(c: char) -> Option<char> {
    match c {
        ' ' | '\t' | '\r' | '\n' | '(' | ')' | '\\' => None,
        '\'' => Some('"'),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_compiler::{CompileOptions, compile};

    use super::*;

    #[test]
    fn parts_are_found_where_they_stand() {
        let site = r#"schema = 1
[site]
name = "x"
[claims]
level = "int"
[[rule]]
id = "a"
allow = ["/a/**",
  "/b"]
groups = ["g", "h"]
when = '''(claims.level==3)
  || claims.level  >= 5 || sub == "x" '''
[[rule]]
id = "b"
deny = ["/c"]
"#;
        let mut sources = SourceTree::new();
        sources.insert("site.toml", site);
        let compiled = compile(&sources, &CompileOptions::default());
        let places = places(&sources, &compiled.origins);
        let table = [
            (0, Part::Rule, "[[rule]]", 6),
            (0, Part::Pattern(1), "\"/b\"", 9),
            (0, Part::Entry("groups", 1), "\"h\"", 10),
            (0, Part::Key("groups"), "groups = [\"g\", \"h\"]", 10),
            (
                0,
                Part::Piece("when", "claims.level == 3".to_owned(), 0),
                "claims.level==3",
                11,
            ),
            (
                0,
                Part::Piece("when", "claims.level >= 5".to_owned(), 0),
                "claims.level  >= 5",
                12,
            ),
            (
                0,
                Part::Piece("when", "claims.level".to_owned(), 1),
                "claims.level",
                12,
            ),
            (
                0,
                Part::Piece("when", "sub == \"x\"".to_owned(), 0),
                "sub == \"x\"",
                12,
            ),
            (1, Part::Effect, "deny = [\"/c\"]", 15),
            (1, Part::Key("when"), "[[rule]]", 13),
        ];
        for (rule, part, text, line) in table {
            let span = places[rule].span(&part, &sources);
            assert_eq!(site.get(span.start..span.end), Some(text), "{part:?}");
            assert_eq!(places[rule].line(&part, &sources), line, "{part:?}");
        }
    }
}
