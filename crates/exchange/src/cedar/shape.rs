//! The request data that exported policies read, and its schema.

use std::collections::BTreeSet;

use tollgate_core::ClaimKind;
use tollgate_policy::spec::{ClaimSpec, ImageSpec, Template};

use super::text::{comment, quoted};

/// The attributes that the exported policies read from requests.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    pub(super) claims: Vec<ClaimSpec>,
    /// Indices of segments, from the start and from the end.
    pub(super) starts: BTreeSet<usize>,
    pub(super) ends: BTreeSet<usize>,
    /// Numbers of segments after which the rest of the path is read as a string.
    pub(super) rests: BTreeSet<usize>,
    /// Names with a capture: their kind and the text around the capture.
    pub(super) stems: Vec<(&'static str, String, String)>,
}

impl Shape {
    /// The attribute with the value of the capture in names of this kind.
    pub(super) fn stem(&mut self, kind: &'static str, name: &Template) -> String {
        let wanted = (kind, name.prefix.clone(), name.suffix.clone());
        let at = self.stems.iter().position(|stem| *stem == wanted);
        let at = at.unwrap_or_else(|| {
            self.stems.push(wanted);
            self.stems.len() - 1
        });
        format!("stem{at}")
    }

    pub(super) fn schema(&self, policy: &ImageSpec) -> String {
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
