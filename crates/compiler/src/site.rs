//! `site.toml`: what holds for the whole site.
//!
//! Claims and path options go to the rules; everything about tokens and answers becomes the gate's
//! configuration ([`gate`]). Not here: rules.

mod advice;
mod answer;
mod gate;
mod granted;
mod issuer;
mod keys;
mod origin;
mod pages;
mod paths;
mod session;

pub use advice::Allowance;
pub(crate) use granted::check_names;
pub(crate) use paths::Paths;
pub(crate) use session::Draft;
pub use session::SessionReads;

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::ClaimKind;
use tollgate_gate::config::GateConfig;
use tollgate_token::{ClaimPath, IssuerConfig};

use crate::compile::CompileOptions;
use crate::diagnostic::{Report, codes, shown};
use crate::document::Table;
use crate::source::SourceTree;
use tollgate_policy::spec::{ClaimSpec, Expr, RuleSpec};

/// What rules need to know of the site.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pub(crate) claims: Claims,
    pub(crate) paths: Paths,
    pub(crate) gate: Option<GateConfig>,
    /// `[session]`, until the rules are known.
    pub(crate) session: Option<Draft>,
    /// Whether `[session]` was refused, so that it is not known which issuer signs sessions.
    pub(crate) is_session_refused: bool,
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) min_coverage: Option<u8>,
}

impl Site {
    /// The issuers, if they could be read.
    pub(crate) fn issuers(&self) -> Option<&[IssuerConfig]> {
        self.gate.as_ref().map(|gate| gate.issuers.as_slice())
    }
}

/// The declared claims, by name; the position is the slot.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    known: bool,
    list: Vec<ClaimSpec>,
    /// The places of nested claims, by slot.
    places: Vec<(u16, ClaimPath)>,
}

impl Claims {
    /// Reads `[claims]`.
    pub(crate) fn read(root: Table<'_>, report: &mut Report) -> Self {
        let mut claims = Self {
            known: true,
            ..Self::default()
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
            let nested = table.of(value);
            let written = table.text_of(value);
            let written = written.or_else(|| nested.and_then(|claim| claim.text("type")));
            let names = nested.map_or_else(Vec::new, |claim| claim.text_or_texts("path"));
            let names = names.iter().map(|name| name.value.to_owned()).collect();
            if let (Some(place), Ok(slot)) =
                (ClaimPath::nested(names), u16::try_from(claims.list.len()))
            {
                claims.places.push((slot, place));
            }
            let kind = match written.map(|text| text.value) {
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

    /// Drops the claims that no condition of these rules reads, so that no token is read for them and no
    /// session contains them. The others are numbered anew.
    pub(crate) fn keep_read<'r>(&mut self, rules: impl Iterator<Item = &'r mut RuleSpec>) {
        let mut conditions: Vec<&mut Expr> = rules
            .flat_map(|rule| [&mut rule.when, &mut rule.unless])
            .flatten()
            .collect();
        let mut read = BTreeSet::new();
        for condition in &conditions {
            condition.each(&mut |expr| read.extend(expr.claim_slot()));
        }
        let numbers: BTreeMap<u16, u16> = read.into_iter().zip(0..).collect();
        for condition in &mut conditions {
            condition.each_mut(&mut |expr| {
                if let Expr::Claim(slot) | Expr::Has(slot) | Expr::InClaim(_, slot) = expr
                    && let Some(number) = numbers.get(slot)
                {
                    *slot = *number;
                }
            });
        }
        let mut slot = 0..;
        self.list
            .retain(|_| slot.next().is_some_and(|slot| numbers.contains_key(&slot)));
        let numbered = |(slot, place): (u16, ClaimPath)| Some((*numbers.get(&slot)?, place));
        self.places = self.places.drain(..).filter_map(numbered).collect();
    }

    pub(crate) fn list(&self) -> &[ClaimSpec] {
        &self.list
    }

    /// The place of a claim that is nested.
    pub(crate) fn place(&self, slot: usize) -> Option<&ClaimPath> {
        let is_it = |(nested, _): &&(u16, ClaimPath)| usize::from(*nested) == slot;
        self.places.iter().find(is_it).map(|(_, place)| place)
    }

    pub(crate) fn places(&self) -> &[(u16, ClaimPath)] {
        &self.places
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
    let claims = Claims::read(root, report);
    let gate = gate::read(root, sources, options, report);
    let session = gate
        .as_ref()
        .and_then(|gate| session::read(root, gate, report));
    Site {
        is_session_refused: root.has("session") && session.is_none(),
        session,
        claims,
        paths: Paths::read(root, report),
        gate,
        allowances: advice::allowances(root, report),
        min_coverage: advice::min_coverage(root),
    }
}
