//! Generated users.

use std::sync::Arc;

use serde_json::{Map, Value};
use tollgate_analysis::place;
use tollgate_gate::config::GateConfig;
use tollgate_token::{ClaimPath, ClaimRules, Claims};

use crate::suite::{Person, TestUser};

/// A generated user, as their token describes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticUser {
    /// The name of the issuer in `site.toml`; `None` is the first.
    pub issuer: Option<String>,
    /// The issuer's `iss`.
    pub iss: Option<String>,
    /// The issuer's rules for groups, scopes and subjects.
    pub rules: ClaimRules,
    /// The subject, as rules name it.
    pub subject: Option<String>,
    /// The groups, as rules name them.
    pub groups: Vec<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// The other claims.
    pub claims: Map<String, Value>,
}

impl SyntheticUser {
    /// The claims except `iss`, as written in a test.
    pub fn object(&self) -> Map<String, Value> {
        let rules = &self.rules;
        let mut object = self.claims.clone();
        let subject = self.subject.as_ref();
        if let Some(subject) = subject.and_then(|sub| sub.strip_prefix(&rules.subject_prefix)) {
            object.insert("sub".to_owned(), subject.into());
        }
        let groups = self.groups.iter();
        let groups: Vec<&str> = groups
            .filter_map(|group| group.strip_prefix(rules.groups_prefix.as_str()))
            .collect();
        if let Some(place) = rules.groups.as_ref().filter(|_| !groups.is_empty()) {
            place::insert(&mut object, place, groups.into());
        }
        if !self.scopes.is_empty() {
            let scope = ClaimPath::top("scope");
            let place = rules.scopes.as_ref().unwrap_or(&scope);
            place::insert(&mut object, place, self.scopes.join(" ").into());
        }
        object
    }

    /// A user with exactly these claims.
    pub fn from_claims(claims: Map<String, Value>, config: &GateConfig) -> Self {
        let iss = claims.get("iss").and_then(Value::as_str).map(str::to_owned);
        let issuer = config.issuers.iter().find(|issuer| {
            let mut known = issuer.issuers.iter();
            known.any(|known| iss.as_deref() == Some(known))
        });
        Self {
            issuer: issuer.map(|issuer| issuer.name.clone()),
            iss,
            claims: claims
                .into_iter()
                .filter(|(name, _)| name != "iss")
                .collect(),
            ..Self::default()
        }
    }

    pub(super) fn who(&self) -> TestUser {
        let mut object = self.object();
        if let Some(iss) = &self.iss {
            object.insert("iss".to_owned(), iss.clone().into());
        }
        match Claims::from_json(Value::Object(object).to_string().as_bytes()) {
            Ok(claims) => TestUser::Person(Arc::new(Person {
                name: "visitor".to_owned(),
                claims,
                misplaced: None,
            })),
            Err(_) => TestUser::BadToken,
        }
    }

    /// The same user with one value removed, for each value.
    pub(super) fn simpler(&self) -> impl Iterator<Item = SyntheticUser> {
        let without = |list: &[String], at: usize| {
            let mut list = list.to_vec();
            list.remove(at);
            list
        };
        let claims = self.claims.keys().map(|name| {
            let mut made = self.clone();
            made.claims.remove(name);
            made
        });
        let groups = (0..self.groups.len()).map(move |at| SyntheticUser {
            groups: without(&self.groups, at),
            ..self.clone()
        });
        let scopes = (0..self.scopes.len()).map(move |at| SyntheticUser {
            scopes: without(&self.scopes, at),
            ..self.clone()
        });
        let subject = self.subject.iter().map(|_| SyntheticUser {
            subject: None,
            ..self.clone()
        });
        claims.chain(groups).chain(scopes).chain(subject)
    }
}
