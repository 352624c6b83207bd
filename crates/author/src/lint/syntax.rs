//! TG0726 and TG0727: patterns in the syntax of other tools, and networks that are every address.
//!
//! Both compile, because `:user` and `.*` can be names of files, and mean something else than their author
//! thinks.

use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::Effect;
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::Subject;
use crate::locate::Part;
use crate::words;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, rule, places) in subject.rules() {
        for (nth, pattern) in rule.patterns.iter().enumerate() {
            let own = places.base_segments;
            if let Some((what, help)) = foreign(rule, pattern, own) {
                let part = Part::Pattern(nth);
                let mut finding = subject.finding(&codes::FOREIGN_SYNTAX, at, &part, what);
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
            let message = format!("`{}` is every {family} address", words::network(network));
            let part = Part::Entry("networks", nth);
            let mut finding = subject.finding(&codes::EVERY_ADDRESS, at, &part, message);
            finding
                .help("leave `networks` out for a rule about every address, or name the networks");
            findings.push(finding);
        }
    }
}

/// What looks like another tool's syntax in a pattern's own segments, and what to write instead.
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
        // `deny = ["/**/.*"]` is about hidden files, and means what it says.
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
                format!("`{text}` looks like a regular expression, and is taken literally"),
                "write `*` for any text in a segment, `**` for any number of segments, and one pattern per \
                 alternative"
                    .to_owned(),
            ));
        }
    }
    None
}

/// Whether a text could name a parameter.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text has a class of characters, such as `[0-9]`.
fn has_class(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(5).any(|window| {
        matches!(window, [b'[', from, b'-', to, b']']
            if from.is_ascii_alphanumeric() && to.is_ascii_alphanumeric() && from < to)
    })
}
