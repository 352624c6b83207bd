//! Writes policy files. Text from a source is always escaped and never becomes structure.
//!
//! Not here: choosing the rules ([`draft`](super::draft)).

use tollgate_compiler::limits::{MAX_LIST_ENTRIES, MAX_TEXT_BYTES};
use tollgate_core::{Effect, MethodSet};

pub(super) use tollgate_policy::syntax::quoted;

use super::draft::{Entry, Rule, divided, idle, settled};
use super::ids;

/// A TOML list of strings.
pub(super) fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// The text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Comment lines.
pub(super) fn comment(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.lines()
        .map(|line| format!("# {}\n", line.chars().map(plain).collect::<String>()))
        .collect()
}

/// A policy file being written.
pub(super) struct Site {
    /// The site's name.
    pub(super) name: String,
    /// The source, for the header line.
    pub(super) source: &'static str,
    /// `[[issuer]]`, `[token]` and `[claims]`, as TOML.
    pub(super) tables: String,
    /// The rules.
    pub(super) entries: Vec<Entry>,
    /// The IDs of rules.
    pub(super) used: Vec<String>,
}

impl Site {
    pub(super) fn new(name: &str, source: &'static str) -> Self {
        const LONGEST_CHARS: usize = 60;
        let plain = name.chars().filter(|c| !c.is_control());
        let plain: String = plain.take(LONGEST_CHARS).collect();
        let plain = plain.trim();
        Self {
            name: if plain.is_empty() { "imported" } else { plain }.to_owned(),
            source,
            tables: String::new(),
            entries: Vec::new(),
            used: Vec::new(),
        }
    }

    pub(super) fn id(&mut self, name: &str) -> String {
        ids::unused(name, &mut self.used)
    }

    /// `site.toml`.
    pub(super) fn text(mut self) -> String {
        let mut text = format!(
            "# Imported from {}. Whatever no rule here allows is denied.\nschema = 1\n\n[site]\nname = {}\n",
            self.source,
            quoted(&self.name)
        );
        text.push_str(&self.tables);
        let entries = divided(settled(self.entries), &mut self.used);
        for entry in &entries {
            text.push('\n');
            match entry {
                Entry::Comment(lines) => text.push_str(&comment(lines)),
                Entry::Rule(rule) => text.push_str(&written(rule)),
            }
        }
        for id in idle(&entries).into_iter().take(MAX_LIST_ENTRIES) {
            text.push_str(&format!(
                "\n[[lint]]\nallow = \"TG0711\"\nrule = {}\nbecause = \"Denies what the import could not allow.\"\n",
                quoted(&format!("site/{id}"))
            ));
        }
        text
    }
}

pub(super) fn written(rule: &Rule) -> String {
    let patterns: Vec<&str> = rule
        .patterns
        .iter()
        .map(|pattern| pattern.text.as_str())
        .collect();
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let mut text = comment(&rule.comment);
    text.push_str(&format!("[[rule]]\nid = {}\n", quoted(&rule.id)));
    text.push_str(&format!("{effect} = {}\n{}", list(&patterns), rule.who));
    if rule.methods != MethodSet::READ {
        let names: Vec<&str> = rule.methods.names().collect();
        text.push_str(&format!("methods = {}\n", list(&names)));
    }
    if let Some((key, condition)) = &rule.condition {
        let is_plain = !condition.contains('\'') && !condition.chars().any(char::is_control);
        let condition = match is_plain {
            true => format!("'{condition}'"),
            false => quoted(condition),
        };
        text.push_str(&format!("{key} = {condition}\n"));
    }
    if let Some(because) = &rule.because {
        text.push_str(&format!("because = {}\n", quoted(shortened(because))));
    }
    text
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_never_become_structure() {
        assert_eq!(quoted("a\"\\\n"), "\"a\\\"\\\\\\n\"");
        assert_eq!(comment("a\u{7}\nb"), "# a \n# b\n");
        assert_eq!(shortened(&"ü".repeat(600)).len(), 1_000);
        assert_eq!(Site::new(" \n", "x").name, "imported");
    }
}
