//! The differences between a pinned file and the one that the issuer publishes now.
//!
//! Formatting and the order of keys make no difference.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::members;

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key ID of a key, or the name of a member of a discovery document.
    pub name: String,
    /// How it differs.
    pub change: Change,
    /// The new value of a member that is a string, or the algorithm of a key.
    pub value: Option<String>,
}

/// How a member differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its value is another.
    Changed,
}

impl Change {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// The differences between two files, sorted by name. An old file that is missing or not JSON has no members.
pub fn changes(old: Option<&[u8]>, new: &str, is_document: bool) -> Vec<Member> {
    let named = if is_document { values } else { keys };
    let old = old.and_then(|old| members(old).ok()).unwrap_or_default();
    let new = members(new.as_bytes()).unwrap_or_default();
    let (old, new) = (named(old), named(new));
    let mut changes = Vec::new();
    for (name, value) in &new {
        let change = match old.get(name) {
            None => Change::Added,
            Some(before) if before != value => Change::Changed,
            Some(_) => continue,
        };
        changes.push(Member {
            name: name.clone(),
            change,
            value: shown_value(value),
        });
    }
    for (name, value) in &old {
        if !new.contains_key(name) {
            changes.push(Member {
                name: name.clone(),
                change: Change::Removed,
                value: shown_value(value),
            });
        }
    }
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

/// The members of a document.
fn values(document: Map<String, Value>) -> BTreeMap<String, Value> {
    document.into_iter().collect()
}

/// The keys of a set, and its other members. A key is identified by its `kid` and its algorithm.
fn keys(mut set: Map<String, Value>) -> BTreeMap<String, Value> {
    let list = set.remove("keys");
    let mut keys: BTreeMap<String, Value> = set.into_iter().collect();
    for key in list
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let mut name = match text("kid") {
            Some(kid) => kid.to_owned(),
            None => "(no `kid`)".to_owned(),
        };
        if let (true, Some(algorithm)) = (keys.contains_key(&name), text("alg")) {
            name = format!("{name} {algorithm}");
        }
        while keys.contains_key(&name) {
            name.push_str(" again");
        }
        keys.insert(name, key.clone());
    }
    keys
}

fn shown_value(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(key) => key.get("alg").or_else(|| key.get("kty"))?.as_str(),
        _ => None,
    };
    text.map(str::to_owned)
}
