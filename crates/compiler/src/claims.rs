//! The claims that `[claims]` in `site.toml` declares.
//!
//! Not here: the conditions that read them.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::ClaimKind;
use tollgate_token::ClaimPath;

use crate::diagnostic::{Report, codes, shown};
use crate::document::Table;
use tollgate_policy::spec::{ClaimSpec, Expr, RuleSpec};

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
                    .help("write the name as the token contains it, such as `\"custom:cohort\"`");
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
            // Another type was reported with the shape of the file. The claim still counts as declared, so that
            // conditions that use it are not reported for that as well.
            let kind = written.and_then(|text| ClaimKind::from_name(text.value));
            let kind = kind.unwrap_or(ClaimKind::String);
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
    /// session contains them. The others are renumbered.
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
