//! TG0730 to TG0733: patterns that browsers' requests never match, and `deny` rules that a slash
//! evades.
//!
//! Not here: the paths that readers accept (core), and matching (compiler and analysis).

use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::{Applicability, codes};
use tollgate_compiler::edit::quoted;
use tollgate_core::{Effect, PathReader};
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::context::LintContext;
use super::covers::covers;
use crate::locate::Part;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, rule, places) in context.rules() {
        for (nth, pattern) in rule.patterns.iter().enumerate() {
            let part = Part::Pattern(nth);
            let found = Found {
                context,
                at,
                rule,
                pattern,
                part,
                base: places.base_segments,
            };
            findings.extend(found.unescaped());
            findings.extend(found.indexed());
            findings.extend(found.evaded());
        }
    }
    drop_echoes(context, findings);
}

/// Characters that browsers send unescaped, and that a reader rejects unescaped or interprets
/// differently.
fn unsent(reader: PathReader) -> &'static str {
    match reader {
        PathReader::Strict => "+",
        PathReader::S3 => "+#%;?",
        PathReader::Files => "#%;?",
    }
}

/// A pattern of a rule.
struct Found<'s> {
    context: &'s LintContext<'s>,
    at: usize,
    rule: &'s RuleSpec,
    pattern: &'s Pattern,
    part: Part,
    base: usize,
}

impl Found<'_> {
    /// TG0730.
    fn unescaped(&self) -> Option<Diagnostic> {
        let reader = self.context.policy.reader;
        let own = self.pattern.segments.iter().skip(self.base);
        let c = own
            .filter_map(|segment| match segment {
                Segment::Literal(text) | Segment::Glob(text) => Some(text),
                Segment::Capture(_) | Segment::Rest => None,
            })
            .find_map(|text| text.chars().find(|c| unsent(reader).contains(*c)))?;
        let escape = format!("%{:02X}", u32::from(c));
        let outcome = match (c, reader) {
            ('+', PathReader::S3) => "S3 reads an unescaped one as a space",
            ('+', _) => "an unescaped one is rejected",
            ('#', _) => "an unescaped one starts a fragment, which is not sent",
            ('?', _) => "an unescaped one starts the query",
            _ => "an unescaped one is rejected",
        };
        let message = format!("browsers do not escape `{c}`, and {outcome}");
        let mut finding =
            self.context
                .finding(&codes::UNESCAPED_NAME, self.at, &self.part, message);
        if c == '?' || c == '#' {
            finding.help("patterns match the path only; remove the query or fragment");
        }
        finding.help(format!("spell links with `{escape}`"));
        Some(finding)
    }

    /// TG0731.
    fn indexed(&self) -> Option<Diagnostic> {
        let index = self.context.policy.index.as_ref()?;
        if !self.pattern.trailing_slash {
            return None;
        }
        let message = format!("with `index = \"{index}\"` no path ends in `/`");
        let mut finding = self
            .context
            .finding(&codes::INDEXED_SLASH, self.at, &self.part, message);
        let wanted = format!("{}{index}", self.relative(self.pattern));
        finding.help(format!("write `{wanted}`"));
        self.context
            .replace(&mut finding, Applicability::Access, &quoted(&wanted));
        Some(finding)
    }

    /// TG0732 and TG0733.
    fn evaded(&self) -> Option<Diagnostic> {
        let reader = self.context.policy.reader;
        if self.rule.effect != Effect::Deny || reader == PathReader::S3 {
            return None;
        }
        let ends_in_rest = self.pattern.segments.last() == Some(&Segment::Rest);
        let (code, near, wanted) = if ends_in_rest && !self.pattern.trailing_slash {
            let folder = without_rest(self.pattern)?;
            let wanted = self.relative(&folder);
            (&codes::DENY_BELOW, folder, wanted)
        } else if !ends_in_rest && !self.pattern.trailing_slash && reader == PathReader::Strict {
            let wanted = format!("{}/**", self.relative(self.pattern));
            (&codes::DENY_WITHOUT_SLASH, self.with_slash(), wanted)
        } else {
            return None;
        };
        // A course file cannot express its own base.
        if near.segments.len() <= self.base {
            return None;
        }
        let names_near = |rule: &RuleSpec| rule.patterns.iter().any(|outer| covers(outer, &near));
        let is_denied = self.context.rules().any(|(at, rule, _)| {
            rule.effect == Effect::Deny
                && (at == self.at || is_unconditional(rule))
                && rule.methods.contains(self.rule.methods)
                && names_near(rule)
        });
        let (other, allowing, _) = self.context.rules().find(|(_, rule, _)| {
            rule.effect == Effect::Allow
                && rule.methods.names().any(|method| self.denies(method))
                && names_near(rule)
        })?;
        if is_denied {
            return None;
        }
        let message = format!(
            "`{}` still allows `{}`",
            name(allowing),
            shown(&near.segments, near.trailing_slash)
        );
        let mut finding = self.context.finding(code, self.at, &self.part, message);
        self.context
            .mark(&mut finding, other, &Part::Effect, "by this `allow`");
        finding.help(format!(
            "add `{wanted}` to the `deny`, if the origin may serve the same content for it"
        ));
        self.context
            .add_entry(&mut finding, Applicability::Access, &wanted);
        // Only in this case the two are known to be different.
        let origins = if ends_in_rest {
            "`[paths] origin = \"s3\"`"
        } else {
            "`[paths] origin = \"s3\"` or `\"files\"`"
        };
        finding.help(format!(
            "if the origin distinguishes the two, declare it in `site.toml`: {origins}"
        ));
        Some(finding)
    }

    fn denies(&self, method: &str) -> bool {
        self.rule.methods.names().any(|denied| denied == method)
    }

    /// The pattern with a trailing slash.
    fn with_slash(&self) -> Pattern {
        let mut near = self.pattern.clone();
        match &self.context.policy.index {
            Some(index) => near.segments.push(Segment::Literal(index.clone())),
            None => near.trailing_slash = true,
        }
        near
    }

    /// A pattern as written in the rule's file.
    fn relative(&self, pattern: &Pattern) -> String {
        let own = pattern.segments.get(self.base..).unwrap_or_default();
        shown(own, pattern.trailing_slash)
    }
}

/// Whether a rule matches every request for its paths, whatever the principal, time and network.
fn is_unconditional(rule: &RuleSpec) -> bool {
    !rule.who.needs_token() && !rule.is_constrained()
}

/// The directory of `/x/**`.
fn without_rest(pattern: &Pattern) -> Option<Pattern> {
    let mut folder = pattern.clone();
    folder.segments.pop();
    let is_clear = !folder.segments.is_empty() && !folder.segments.contains(&Segment::Rest);
    is_clear.then_some(folder)
}

fn shown(segments: &[Segment], trailing_slash: bool) -> String {
    let mut text: String = segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) | Segment::Glob(text) => format!("/{text}"),
            Segment::Capture(name) => format!("/{{{name}}}"),
            Segment::Rest => "/**".to_owned(),
        })
        .collect();
    if trailing_slash {
        text.push('/');
    }
    text
}

/// A rule whose patterns all end in a slash never matches because of the index document; one
/// diagnostic is enough.
fn drop_echoes(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    if context.policy.index.is_none() {
        return;
    }
    let mut echoes = Vec::new();
    for (_, rule, places) in context.rules() {
        if rule.patterns.iter().all(|pattern| pattern.trailing_slash) {
            echoes.push((places.file.clone(), places.whole));
        }
    }
    findings.retain(|finding| {
        let is_echo = finding.span.is_some_and(|span| {
            echoes.iter().any(|(file, whole)| {
                *file == finding.file && whole.start <= span.start && span.end <= whole.end
            })
        });
        *finding.code != codes::NEVER_MATCHES || !is_echo
    });
}

#[cfg(test)]
mod tests;
