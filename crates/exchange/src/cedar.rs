//! A policy in Cedar, with a schema, so that Cedar's tools can read it and Cedar can decide it.
//!
//! Cedar has two truth values and skips a policy that fails, a `forbid` too. So each condition is written
//! twice: where it is certainly true, for `permit`, and where it is certainly false, for `forbid`; neither can
//! fail. Paths are entities that know their segments, because Cedar's `like` does not stop at slashes. The
//! export is about allow and deny alone: statuses and reasons stay here. Not here: Cedar itself.

mod linear;
mod path;
mod request;
mod rule;
mod truth;

use core::fmt;
use std::collections::BTreeSet;

use tollgate_core::ClaimKind;
use tollgate_policy::spec::{ClaimSpec, ImageSpec, Template};

pub use request::Visit;

/// A policy in Cedar.
#[derive(Clone, Debug)]
pub struct Export {
    /// The policies, in Cedar's policy syntax.
    pub policies: String,
    /// The schema, in Cedar's schema syntax.
    pub schema: String,
    /// What a request must say.
    pub shape: Shape,
}

/// What requests of an exported policy say: the attributes that its policies read.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    claims: Vec<ClaimSpec>,
    /// Segments counted from the start, and from the end.
    starts: BTreeSet<usize>,
    ends: BTreeSet<usize>,
    /// Numbers of segments after which the rest of the path is read as text.
    rests: BTreeSet<usize>,
    /// Names with a capture: their kind and the text around it.
    stems: Vec<(&'static str, String, String)>,
}

/// Why a policy cannot be said in Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexpressible {
    /// The rule, `course/id`.
    pub rule: String,
    /// What cannot be said.
    pub what: Limit,
}

/// What Cedar cannot say, or not in a way that is sure to mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A pattern with three or more `**`, or with two of which the last is not the end.
    ManyRests,
    /// A wildcard or capture between two `**`.
    OpenMiddle,
    /// Texts compared by order.
    TextOrder,
    /// A text searched for another that is not written out.
    OpenSearch,
    /// A method used as text.
    MethodText,
    /// A number made of two claims.
    TwoClaims,
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Limit::ManyRests => {
                "a pattern has several `**`; two are possible if the last one is the end"
            }
            Limit::OpenMiddle => "a wildcard or capture stands between two `**`",
            Limit::TextOrder => {
                "texts are compared with `<` or `>`, which Cedar has for numbers only"
            }
            Limit::OpenSearch => "a text is searched for another that is not written out",
            Limit::MethodText => "`method` is used as text; only `==`, `!=` and `in` are possible",
            Limit::TwoClaims => "one number is made of two claims",
        };
        write!(f, "rule `{}` cannot be said in Cedar: {what}", self.rule)
    }
}

impl core::error::Error for Inexpressible {}

/// Says a policy in Cedar.
///
/// # Errors
/// The first rule that cannot be said, and why.
pub fn export(policy: &ImageSpec) -> Result<Export, Inexpressible> {
    let mut shape = Shape {
        claims: policy.claims.clone(),
        ..Shape::default()
    };
    let mut policies = String::from(
        "// Exported from a Tollgate policy. Beside each permit and forbid stands the rule it says.\n",
    );
    for rule in &policy.rules {
        let said = rule::say(rule, &mut shape).map_err(|what| Inexpressible {
            rule: format!("{}/{}", rule.course, rule.id),
            what,
        })?;
        policies.push_str(&said);
    }
    let schema = shape.schema(policy);
    Ok(Export {
        policies,
        schema,
        shape,
    })
}

impl Shape {
    /// The attribute that holds what stands in place of the capture in names of this kind.
    fn stem(&mut self, kind: &'static str, name: &Template) -> String {
        let wanted = (kind, name.prefix.clone(), name.suffix.clone());
        let at = self.stems.iter().position(|stem| *stem == wanted);
        let at = at.unwrap_or_else(|| {
            self.stems.push(wanted);
            self.stems.len() - 1
        });
        format!("stem{at}")
    }

    fn schema(&self, policy: &ImageSpec) -> String {
        let mut text = String::from(
            "// Who asks. Without a good token: signed_in is false, the sets are empty, `sub` is \"\", and\n\
             // issuer and claims are missing. A token without `sub` leaves `sub` out.\n\
             entity Visitor = {\n    signed_in: Bool,\n    groups: Set<String>,\n    scopes: Set<String>,\n    \
             sub?: String,\n    issuer?: String,\n    \
             // Names of claims that the token has in another type than declared; they are missing below.\n    \
             mistyped: Set<String>,\n    claims: {\n",
        );
        for claim in &self.claims {
            let kind = match claim.kind {
                ClaimKind::String => "String",
                ClaimKind::Int => "Long",
                ClaimKind::Bool => "Bool",
                ClaimKind::StringList => "Set<String>",
            };
            text.push_str(&format!("        {}?: {kind},\n", quoted(&claim.name)));
        }
        text.push_str("    },\n");
        for (at, (kind, prefix, suffix)) in self.stems.iter().enumerate() {
            text.push_str(&format!(
                "    // What X is in each of the {kind} that reads {}X{}; Cedar cannot join texts.\n    \
                 stem{at}: Set<String>,\n",
                comment(prefix),
                comment(suffix)
            ));
        }
        text.push_str(
            "};\n\n// A canonical path: its decoded segments, counted, and some of them by place: sN from the\n\
             // start, eN from the end; fromN is the path after N segments, from its slash on.\n",
        );
        let origin = policy.reader.code();
        text.push_str(&format!(
            "// Paths are decoded as for `[paths] origin = \"{origin}\"`.\n"
        ));
        if let Some(index) = &policy.index {
            text.push_str(&format!(
                "// A path that ends in `/` counts as that path with `{index}` appended, so `slash` is false.\n"
            ));
        }
        text.push_str("entity Path = {\n    depth: Long,\n    slash: Bool,\n");
        let places = [
            ("s", &self.starts),
            ("e", &self.ends),
            ("from", &self.rests),
        ];
        for (name, places) in places {
            for place in places {
                text.push_str(&format!("    {name}{place}?: String,\n"));
            }
        }
        text.push_str(
            "};\n\n// `ip` is missing if the address is not known; `now` is in Unix seconds.\n",
        );
        text.push_str(
            "action \"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\" appliesTo {\n    \
             principal: [Visitor],\n    resource: [Path],\n    context: { ip?: ipaddr, now: Long },\n};\n",
        );
        text
    }
}

/// Text inside a comment, which ends with its line.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A string literal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text, false))
}

/// Text inside a literal; in a pattern of `like` a star is written with a backslash.
fn escaped(text: &str, is_pattern: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '*' if is_pattern => out.push_str("\\*"),
            c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
