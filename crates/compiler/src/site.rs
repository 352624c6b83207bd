//! `site.toml`: what holds for the whole site.
//!
//! Claims and path options go to the rules; everything about tokens and answers becomes the gate's
//! configuration ([`gate`]). Not here: rules.

mod advice;
mod answer;
mod gate;
mod issuer;
mod keys;
mod paths;
mod session;

pub use advice::Allowance;
pub(crate) use paths::Paths;
pub(crate) use session::Draft;
pub use session::SessionReads;
use tollgate_core::ClaimKind;
use tollgate_gate::config::GateConfig;

use crate::compile::CompileOptions;
use crate::diagnostic::{Report, codes, shown};
use crate::document::Table;
use crate::source::SourceTree;
use crate::spec::ClaimSpec;

/// What rules need to know of the site.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pub(crate) claims: Claims,
    pub(crate) paths: Paths,
    pub(crate) gate: Option<GateConfig>,
    /// `[session]`, until the rules are known.
    pub(crate) session: Option<Draft>,
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) min_coverage: Option<u8>,
}

/// The declared claims, by name; the position is the slot.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    known: bool,
    list: Vec<ClaimSpec>,
}

impl Claims {
    /// Reads `[claims]`.
    pub(crate) fn read(root: Table<'_>, report: &mut Report) -> Self {
        let mut claims = Self {
            known: true,
            list: Vec::new(),
        };
        let Some(table) = root.table("claims") else {
            return claims;
        };
        for (name, span, value) in table.entries() {
            if name.is_empty() || name.chars().any(char::is_control) {
                let message = format!("`{}` is not a claim name", shown(name));
                report
                    .add(&codes::BAD_CLAIM, span, message)
                    .help("write the name as it stands in the token, such as `\"custom:cohort\"`");
                continue;
            }
            let kind = match table.text_of(value).map(|text| text.value) {
                Some("string") => ClaimKind::String,
                Some("int") => ClaimKind::Int,
                Some("bool") => ClaimKind::Bool,
                Some("string[]") => ClaimKind::StringList,
                // Reported with the shape of the file. The claim still counts as declared, so that
                // conditions that use it are not reported for that as well.
                _ => ClaimKind::String,
            };
            claims.list.push(ClaimSpec {
                name: name.to_owned(),
                kind,
            });
        }
        claims
    }

    /// Makes the claims count as unknown, because some may have been lost.
    pub(crate) fn forget(&mut self) {
        self.known = false;
    }

    /// Whether there was a readable `site.toml`, so that what is not here is not declared.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn find(&self, name: &str) -> Option<(u16, ClaimKind)> {
        let slot = self.list.iter().position(|claim| claim.name == name)?;
        let claim = self.list.get(slot)?;
        Some((u16::try_from(slot).ok()?, claim.kind))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|claim| claim.name.as_str())
    }

    pub(crate) fn into_specs(self) -> Vec<ClaimSpec> {
        self.list
    }
}

/// Reads everything in `site.toml` but its rules.
pub(crate) fn read(
    root: Table<'_>,
    sources: &SourceTree,
    options: &CompileOptions,
    report: &mut Report,
) -> Site {
    let gate = gate::read(root, sources, options, report);
    Site {
        session: gate
            .as_ref()
            .and_then(|gate| session::read(root, gate, report)),
        claims: Claims::read(root, report),
        paths: Paths::read(root, report),
        gate,
        allowances: advice::allowances(root, report),
        min_coverage: advice::min_coverage(root),
    }
}
