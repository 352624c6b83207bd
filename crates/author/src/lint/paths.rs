//! TG0730 to TG0733: patterns that browsers' requests never match, and `deny` rules that a slash
//! evades.
//!
//! Not here: the paths that readers accept (core), and matching (compiler and analysis).

use tollgate_analysis::covers::covers;
use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::{Applicability, codes};
use tollgate_compiler::edit::quoted;
use tollgate_core::{Effect, PathReader};
use tollgate_policy::spec::{Pattern, RuleSpec, Segment};

use super::context::LintContext;
use crate::locate::Part;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, rule, places) in context.rules() {
        let mut evaded: Vec<Evaded> = Vec::new();
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
            evaded.extend(found.evaded());
        }
        // `/x/**` instead of `/x/*` is also what `/x` lacks.
        let replacing: Vec<String> = evaded
            .iter()
            .filter(|one| one.replaces)
            .map(|one| one.wanted.clone())
            .collect();
        evaded.retain(|one| one.replaces || !replacing.contains(&one.wanted));
        findings.extend(evaded.into_iter().map(|one| one.finding));
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

/// A `deny` that another form of the path evades.
struct Evaded {
    finding: Diagnostic,
    /// The pattern that also matches that form.
    wanted: String,
    /// Whether it replaces the one that is evaded.
    replaces: bool,
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
    fn evaded(&self) -> Option<Evaded> {
        let reader = self.context.policy.reader;
        if self.rule.effect != Effect::Deny || reader == PathReader::S3 {
            return None;
        }
        let last = self.pattern.segments.last();
        let ends_in_rest = last == Some(&Segment::Rest);
        let replaces = matches!(last, Some(Segment::Glob(glob)) if glob == "*");
        let (code, near, wanted) = if ends_in_rest && !self.pattern.trailing_slash {
            let folder = without_last(self.pattern)?;
            let wanted = self.relative(&folder);
            (&codes::DENY_BELOW, folder, wanted)
        } else if !ends_in_rest && !self.pattern.trailing_slash && reader == PathReader::Strict {
            let mut below = self.pattern.clone();
            if replaces {
                below.segments.pop();
            }
            below.segments.push(Segment::Rest);
            let wanted = self.relative(&below);
            (&codes::DENY_WITHOUT_SLASH, self.with_slash(), wanted)
        } else {
            return None;
        };
        // A course file cannot express its own base.
        if near.segments.len() <= self.base {
            return None;
        }
        let (other, allowing) = self.allowing(&near)?;
        if self.is_denied(&near) {
            return None;
        }
        let is_open_below = !ends_in_rest
            && self.below().iter().any(|below| {
                let is_allowed = allowing.patterns.iter().any(|outer| covers(outer, below));
                is_allowed && !self.is_denied(below)
            });
        let mut message = format!(
            "`{}` still allows `{}`",
            name(allowing),
            shown(&near.segments, near.trailing_slash)
        );
        if is_open_below {
            message.push_str(", and paths below it");
        }
        let mut finding = self.context.finding(code, self.at, &self.part, message);
        self.context
            .mark(&mut finding, other, &Part::Effect, "by this `allow`");
        let is_one = "matches one segment only";
        let own = self.relative(self.pattern);
        finding.help(match (replaces, is_open_below) {
            (true, true) => format!(
                "write `{wanted}` instead of `{own}`, which {is_one}: deeper paths are not denied, either"
            ),
            (true, false) => format!("write `{wanted}` instead of `{own}`, which {is_one}"),
            (false, true) => format!(
                "add `{wanted}` to the `deny`: it matches the path with a slash, and everything below it"
            ),
            (false, false) => format!(
                "add `{wanted}` to the `deny`, if the origin may serve the same content for it"
            ),
        });
        match replaces {
            true => self
                .context
                .replace(&mut finding, Applicability::Access, &quoted(&wanted)),
            false => self
                .context
                .add_entry(&mut finding, Applicability::Access, &wanted),
        }
        // Only in this case the two are known to be different.
        let origins = if ends_in_rest {
            "`[paths] origin = \"s3\"`"
        } else {
            "`[paths] origin = \"s3\"` or `\"files\"`"
        };
        let rest = match is_open_below {
            true => "; everything below stays allowed then",
            false => "",
        };
        finding.help(format!(
            "if the origin distinguishes the two, declare it in `site.toml`: {origins}{rest}"
        ));
        Some(Evaded {
            finding,
            wanted,
            replaces,
        })
    }

    /// The paths one level below the pattern's, and those further below.
    fn below(&self) -> [Pattern; 2] {
        let mut one = self.pattern.clone();
        one.segments.push(Segment::Glob("*".to_owned()));
        let mut more = one.clone();
        more.segments.push(Segment::Rest);
        [one, more]
    }

    /// An `allow` for every path of a pattern, with a method that this rule denies.
    fn allowing(&self, near: &Pattern) -> Option<(usize, &RuleSpec)> {
        let (at, rule, _) = self.context.rules().find(|(_, rule, _)| {
            rule.effect == Effect::Allow
                && rule.methods.names().any(|method| self.denies(method))
                && rule.patterns.iter().any(|outer| covers(outer, near))
        })?;
        Some((at, rule))
    }

    /// Whether this rule, or one that applies to everyone, denies every path of a pattern.
    fn is_denied(&self, near: &Pattern) -> bool {
        self.context.rules().any(|(at, rule, _)| {
            rule.effect == Effect::Deny
                && (at == self.at || is_unconditional(rule))
                && rule.methods.contains(self.rule.methods)
                && rule.patterns.iter().any(|outer| covers(outer, near))
        })
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
fn without_last(pattern: &Pattern) -> Option<Pattern> {
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
