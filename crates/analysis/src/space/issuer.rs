//! The tokens of an issuer: which claims contain groups and subjects, and how the issuer's restrictions map
//! them to the names that rules use.
//!
//! Not here: which issuer a token has, which is a variable of the search.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value};
use tollgate_token::{ClaimPath, ClaimRules, IssuerConfig};

use crate::place::{find, insert};

/// An issuer of one or both policies, by the name of its `iss` in facts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuer {
    pub(crate) iss: Rc<str>,
    /// The rules by which each policy that lists it reads its claims.
    rules: Vec<ClaimRules>,
}

impl Issuer {
    pub(crate) fn new(config: &IssuerConfig) -> Self {
        let iss = config.issuers.first().map_or("", |iss| iss.as_str());
        Self {
            iss: iss.into(),
            rules: vec![config.claims.clone()],
        }
    }

    pub(crate) fn add(&mut self, config: &IssuerConfig) {
        if !self.rules.contains(&config.claims) {
            self.rules.push(config.claims.clone());
        }
    }

    /// Whether every token of the issuer can have every group and subject.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.rules.iter().all(|rules| {
            rules.groups.is_some()
                && rules.granted_groups.is_none()
                && rules.groups_prefix.is_empty()
                && rules.subject_prefix.is_empty()
        })
    }

    /// Whether a token of the issuer can have the group that rules name like this.
    pub(crate) fn can_grant(&self, group: &str) -> bool {
        self.rules
            .iter()
            .any(|rules| raw_group(rules, group).is_some())
    }

    /// Whether a token of the issuer can have the subject that rules name like this.
    pub(crate) fn can_have_subject(&self, subject: &str) -> bool {
        self.rules
            .iter()
            .any(|rules| subject.starts_with(&rules.subject_prefix))
    }

    /// The claims in which groups are.
    pub(crate) fn group_places(&self) -> impl Iterator<Item = &ClaimPath> {
        self.rules.iter().filter_map(|rules| rules.groups.as_ref())
    }

    /// The groups of a token, as rules name them.
    pub(crate) fn groups(&self, claims: Option<&Map<String, Value>>) -> BTreeSet<String> {
        let mut groups = BTreeSet::new();
        let Some(claims) = claims else { return groups };
        for rules in &self.rules {
            for raw in raw_groups(rules, claims) {
                groups.extend(rules.group(&raw).map(String::from));
            }
        }
        groups
    }

    /// Adds a group to a token.
    pub(crate) fn join(&self, claims: &mut Map<String, Value>, group: &str) {
        self.edit(claims, |rules, groups| {
            groups.extend(raw_group(rules, group));
        });
    }

    /// Removes a group from a token.
    pub(crate) fn leave(&self, claims: &mut Map<String, Value>, group: &str) {
        self.edit(claims, |rules, groups| {
            groups.retain(|raw| rules.group(raw).as_deref() != Some(group));
        });
    }

    /// Gives a token an empty list of groups, if it has none.
    pub(crate) fn no_groups(&self, claims: &mut Map<String, Value>) {
        self.edit(claims, |_, _| ());
    }

    fn edit(
        &self,
        claims: &mut Map<String, Value>,
        edit: impl Fn(&ClaimRules, &mut BTreeSet<String>),
    ) {
        for rules in &self.rules {
            if let Some(place) = &rules.groups {
                let mut groups: BTreeSet<String> = raw_groups(rules, claims).into_iter().collect();
                edit(rules, &mut groups);
                insert(claims, place, groups.into_iter().collect());
            }
        }
    }

    /// The `sub` of a token with the subject that rules name like this.
    pub(crate) fn sub(&self, subject: &str) -> String {
        let mut raw = self
            .rules
            .iter()
            .filter_map(|rules| subject.strip_prefix(&*rules.subject_prefix));
        raw.next().unwrap_or(subject).to_owned()
    }

    /// The subject of a token with this `sub`, as rules name it.
    pub(crate) fn subject(&self, sub: &str) -> String {
        let rules = self.rules.first();
        rules.map_or_else(|| sub.to_owned(), |rules| rules.subject(sub).into_owned())
    }
}

/// The group that a token must contain for rules to see this one.
fn raw_group(rules: &ClaimRules, group: &str) -> Option<String> {
    rules.groups.as_ref()?;
    let raw = group.strip_prefix(&*rules.groups_prefix)?;
    rules.group(raw).map(|_| raw.to_owned())
}

fn raw_groups(rules: &ClaimRules, claims: &Map<String, Value>) -> Vec<String> {
    let value = rules.groups.as_ref().and_then(|place| find(claims, place));
    let texts = value.and_then(Value::as_array).into_iter().flatten();
    texts
        .filter_map(|group| group.as_str().map(str::to_owned))
        .collect()
}
