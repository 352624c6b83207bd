//! People made up for a visit.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tollgate_gate::config::GateConfig;
use tollgate_token::Claims;

use crate::suite::{Person, Who};

/// Somebody made up, as their token would describe them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Made {
    /// The name of their issuer in `site.toml`; `None` is the first.
    pub issuer: Option<String>,
    /// Their issuer's `iss`.
    pub iss: Option<String>,
    /// The claim in which their issuer lists groups.
    pub groups_claim: String,
    /// `sub`
    pub subject: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// Their scopes.
    pub scopes: Vec<String>,
    /// Their other claims.
    pub claims: BTreeMap<String, Value>,
}

impl Made {
    /// Their claims but for `iss`, as a test would give them.
    pub fn object(&self) -> Map<String, Value> {
        let mut object = Map::new();
        if let Some(subject) = &self.subject {
            object.insert("sub".to_owned(), subject.clone().into());
        }
        if !self.groups.is_empty() {
            object.insert(self.groups_claim.clone(), self.groups.clone().into());
        }
        if !self.scopes.is_empty() {
            object.insert("scope".to_owned(), self.scopes.join(" ").into());
        }
        for (name, value) in &self.claims {
            object.entry(name.clone()).or_insert_with(|| value.clone());
        }
        object
    }

    /// Somebody with just these claims.
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

    pub(super) fn who(&self) -> Who {
        let mut object = self.object();
        if let Some(iss) = &self.iss {
            object.insert("iss".to_owned(), iss.clone().into());
        }
        match Claims::from_json(Value::Object(object).to_string().as_bytes()) {
            Ok(claims) => Who::Person(Arc::new(Person {
                name: "visitor".to_owned(),
                claims,
                misplaced: None,
            })),
            Err(_) => Who::BadToken,
        }
    }

    /// The same person with one thing less.
    pub(super) fn simpler(&self) -> impl Iterator<Item = Made> {
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
        let groups = (0..self.groups.len()).map(move |at| Made {
            groups: without(&self.groups, at),
            ..self.clone()
        });
        let scopes = (0..self.scopes.len()).map(move |at| Made {
            scopes: without(&self.scopes, at),
            ..self.clone()
        });
        let subject = self.subject.iter().map(|_| Made {
            subject: None,
            ..self.clone()
        });
        claims.chain(groups).chain(scopes).chain(subject)
    }
}
