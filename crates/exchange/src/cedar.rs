//! Exports a policy to Cedar, with a schema, for Cedar's tools and engine.
//!
//! Cedar conditions are two-valued, and Cedar skips a policy that fails to evaluate, even a
//! `forbid`. Each condition is therefore written twice: when it is certainly true, for `permit`,
//! and when it is certainly false, for `forbid`. Neither form can fail. Paths are entities with
//! their segments as attributes, because Cedar's `like` does not stop at slashes. The export covers
//! only allow and deny, without statuses and reasons. Not here: Cedar itself.

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
    /// The attributes of a request.
    pub shape: Shape,
}

/// The attributes that the exported policies read from requests.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    claims: Vec<ClaimSpec>,
    /// Indices of segments, from the start and from the end.
    starts: BTreeSet<usize>,
    ends: BTreeSet<usize>,
    /// Numbers of segments after which the rest of the path is read as a string.
    rests: BTreeSet<usize>,
    /// Names with a capture: their kind and the text around the capture.
    stems: Vec<(&'static str, String, String)>,
}

/// The reason why a policy cannot be exported to Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedPolicy {
    /// The rule, `course/id`.
    pub rule: String,
    /// The unsupported construct.
    pub what: Limit,
}

/// A construct that Cedar cannot express, or not with certainly the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A pattern with three or more `**`, or with two of which the second is not at the end.
    ManyRests,
    /// A wildcard or capture between two `**`.
    OpenMiddle,
    /// Strings compared by order.
    TextOrder,
    /// A search for a string that is not a literal.
    OpenSearch,
    /// A method used as a string.
    MethodText,
    /// A number computed from two claims.
    TwoClaims,
}

impl fmt::Display for UnsupportedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Limit::ManyRests => {
                "a pattern has several `**`; two are supported if the second is at the end"
            }
            Limit::OpenMiddle => "a wildcard or capture is between two `**`",
            Limit::TextOrder => {
                "strings are compared with `<` or `>`, which Cedar supports for numbers only"
            }
            Limit::OpenSearch => "a string is searched for one that is not a literal",
            Limit::MethodText => {
                "`method` is used as a string; only `==`, `!=` and `in` are supported"
            }
            Limit::TwoClaims => "a number is computed from two claims",
        };
        write!(
            f,
            "rule `{}` cannot be expressed in Cedar: {what}",
            self.rule
        )
    }
}

impl core::error::Error for UnsupportedPolicy {}

/// Exports a policy.
///
/// # Errors
/// Returns the first rule that cannot be exported, and the reason.
pub fn export(policy: &ImageSpec) -> Result<Export, UnsupportedPolicy> {
    let mut shape = Shape {
        claims: policy.claims.clone(),
        ..Shape::default()
    };
    let mut policies = String::from(
        "// Exported from a Tollgate policy. The annotation of each permit and forbid names its rule.\n",
    );
    for rule in &policy.rules {
        let exported = rule::export(rule, &mut shape).map_err(|what| UnsupportedPolicy {
            rule: format!("{}/{}", rule.course, rule.id),
            what,
        })?;
        policies.push_str(&exported);
    }
    let schema = shape.schema(policy);
    Ok(Export {
        policies,
        schema,
        shape,
    })
}

impl Shape {
    /// The attribute with the value of the capture in names of this kind.
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
            "// The client. Without a valid token: signed_in is false, the sets are empty, `sub` is \"\", and\n\
             // issuer and claims are missing. `sub` is missing if the token has none.\n\
             entity Visitor = {\n    signed_in: Bool,\n    groups: Set<String>,\n    scopes: Set<String>,\n    \
             sub?: String,\n    issuer?: String,\n    \
             // Names of claims whose type differs from the declared one; they are missing below.\n    \
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
                "    // The X of each of the {kind} of the form {}X{}; Cedar cannot concatenate strings.\n    \
                 stem{at}: Set<String>,\n",
                comment(prefix),
                comment(suffix)
            ));
        }
        text.push_str(
            "};\n\n// A canonical path: its decoded segments, their number, and some of them by index: sN from the\n\
             // start, eN from the end; fromN is the path after N segments, with its slash.\n",
        );
        let origin = policy.reader.code();
        text.push_str(&format!(
            "// Paths are decoded according to `[paths] origin = \"{origin}\"`.\n"
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
            "};\n\n// `ip` is missing if the address is unknown; `now` is in Unix seconds.\n",
        );
        text.push_str(
            "action \"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\" appliesTo {\n    \
             principal: [Visitor],\n    resource: [Path],\n    context: { ip?: ipaddr, now: Long },\n};\n",
        );
        text
    }
}

/// Text for a comment, which ends at the end of its line.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A string literal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text, false))
}

/// Text inside a literal. In a pattern of `like`, a star is escaped with a backslash.
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
