//! TG0726 and TG0727: patterns in the syntax of other tools, and networks that contain every
//! address.
//!
//! Both compile, because `:user` and `.*` can be names of files, but they do not mean what their
//! author intended.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::Effect;
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::context::LintContext;
use crate::locate::Part;
use crate::syntax;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, rule, places) in context.rules() {
        for (nth, pattern) in rule.patterns.iter().enumerate() {
            let own = places.base_segments;
            if let Some((what, help)) = foreign(rule, pattern, own) {
                let part = Part::Pattern(nth);
                let mut finding = context.finding(&codes::FOREIGN_SYNTAX, at, &part, what);
                finding.help(help);
                findings.push(finding);
            }
        }
        for (nth, network) in rule.networks.iter().flatten().enumerate() {
            if network.prefix != 0 {
                continue;
            }
            let family = if network.addr.is_ipv4() {
                "IPv4"
            } else {
                "IPv6"
            };
            let message = format!(
                "`{}` contains every {family} address",
                syntax::network(network)
            );
            let part = Part::Entry("networks", nth);
            let mut finding = context.finding(&codes::EVERY_ADDRESS, at, &part, message);
            finding.help("remove `networks` to match every address, or list the networks");
            findings.push(finding);
        }
    }
}

/// The foreign syntax in a pattern's own segments, and its replacement.
fn foreign(rule: &RuleSpec, pattern: &Pattern, base_segments: usize) -> Option<(String, String)> {
    let own = pattern.segments.get(base_segments..).unwrap_or_default();
    for (at, segment) in own.iter().enumerate() {
        let (Segment::Literal(text) | Segment::Glob(text)) = segment else {
            continue;
        };
        let is_last = at + 1 == own.len();
        if let Some(name) = text.strip_prefix(':').filter(|name| is_name(name)) {
            return Some((
                format!("`{text}` is a name that starts with a colon, not a capture"),
                format!("write `{{{name}}}` to capture a segment"),
            ));
        }
        // `deny = ["/**/.*"]` matches hidden files, as intended.
        if text == ".*" && is_last && rule.effect == Effect::Allow {
            return Some((
                "`.*` matches names that start with a dot, and nothing else".to_owned(),
                "write `**` for everything below, or `*` for any name".to_owned(),
            ));
        }
        let is_start = at == 0 && text.starts_with('^');
        let is_end = is_last && text.ends_with('$') && text.len() > 1;
        let has_choice = text.contains('(') && text.contains('|') && text.contains(')');
        if is_start || is_end || has_choice || has_class(text) {
            return Some((
                format!("`{text}` looks like a regular expression, but is matched literally"),
                "write `*` for any text in a segment, `**` for any number of segments, and one pattern per \
                 alternative"
                    .to_owned(),
            ));
        }
    }
    None
}

/// Whether a string could be the name of a parameter.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a string contains a character class such as `[0-9]`.
fn has_class(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(5).any(|window| {
        matches!(window, [b'[', from, b'-', to, b']']
            if from.is_ascii_alphanumeric() && to.is_ascii_alphanumeric() && from < to)
    })
}
