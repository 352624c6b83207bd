//! The contents of a store: entries of policies, and the records for rollback.
//!
//! | key | value |
//! |---|---|
//! | `t/history` | the releases, the latest first |
//! | `t/GENERATION` | the release: policy, pointer, number of entries, function |
//! | `t/GENERATION/p` | the pointer's value |
//! | `t/fDIGEST/N` | a piece of a function's source |

use std::collections::BTreeMap;

use serde_json::{Value, json};

use tollgate_javascript::CLOUDFRONT_GENERATION_CHARS as GENERATION_CHARS;

use super::Package;
use crate::call::digest;
use crate::cloudfront::Store;
use crate::error::PublishError;
use crate::step::read_call;
use crate::world::World;

pub(super) const HISTORY: &str = "t/history";
/// The most releases in the history, so that it fits into one value.
const MAX_HISTORY: usize = 10;
/// The longest piece of a source, in bytes.
const PIECE_BYTES: usize = 1_000;
/// Pages of a listing: more than the largest store has.
const MAX_PAGES: usize = 100_000;

/// A policy that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) generation: String,
    pub(super) policy: String,
    /// `None` if it was published by other means.
    pub(super) at: Option<i64>,
}

/// All entries of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<String, String>);

impl Contents {
    pub(super) fn read(world: &mut dyn World, store: &Store) -> Result<Self, PublishError> {
        let mut entries = BTreeMap::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let reply = read_call(world, &store.list(token.as_deref()))?;
            if reply.status == 404 {
                return Err(PublishError::Missing {
                    what: format!("the store `{}`", store.arn),
                    help: "create it once: docs/cloudfront-functions.md, Create".to_owned(),
                });
            }
            let page = reply.json();
            let items = page.get("Items").and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                if let (Some(key), Some(value)) = (text("Key"), text("Value")) {
                    entries.insert(key.to_owned(), value.to_owned());
                }
            }
            token = page
                .get("NextToken")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(Self(entries))
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The keys that begin with this text.
    pub(super) fn keys<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        let rest = self.0.range(start.to_owned()..);
        rest.map(|(key, _)| key.as_str())
            .take_while(move |key| key.starts_with(start))
    }

    /// The releases, the latest first.
    pub(super) fn releases(&self) -> Vec<Release> {
        let history: Value = self
            .get(HISTORY)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let release = |entry: &Value| {
            Some(Release {
                generation: entry
                    .get(0)?
                    .as_str()
                    .filter(|text| is_generation(text))?
                    .to_owned(),
                policy: entry.get(1)?.as_str()?.to_owned(),
                at: entry.get(2)?.as_i64(),
            })
        };
        let entries = history.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(release).collect()
    }

    /// The first page of a policy, read as the function reads it. `None` if a part is missing.
    pub(super) fn root(&self, pointer: &str) -> Option<Value> {
        let mut value = self.get(pointer)?;
        let generation = value.get(..GENERATION_CHARS)?;
        let mut text = String::new();
        for part in 1.. {
            let (head, rest) = value.split_at_checked(GENERATION_CHARS + 1)?;
            if !head.starts_with(generation) {
                return None;
            }
            text.push_str(rest);
            if !head.ends_with('+') {
                break;
            }
            value = self.get(&format!("{generation}.{part}"))?;
        }
        serde_json::from_str(&text).ok()
    }

    /// The package of a release. `None` if a part of it is missing.
    pub(super) fn package(&self, release: &Release) -> Option<Package> {
        let generation = &release.generation;
        let meta: Value = serde_json::from_str(self.get(&format!("t/{generation}"))?).ok()?;
        let text = |name: &str| meta.get(name).and_then(Value::as_str);
        let entries: Vec<(String, String)> = self
            .keys(generation)
            .filter_map(|key| Some((key.to_owned(), self.get(key)?.to_owned())))
            .collect();
        if meta.get("entries").and_then(Value::as_u64) != Some(entries.len() as u64) {
            return None;
        }
        let digest = text("function")?;
        let mut function = String::new();
        for piece in 0.. {
            match self.get(&format!("t/f{digest}/{piece:02}")) {
                Some(text) => function.push_str(text),
                None => break,
            }
        }
        if digest_of(&function) != digest {
            return None;
        }
        let value = self.get(&format!("t/{generation}/p"))?;
        Some(Package {
            function,
            entries,
            pointer: (text("pointer")?.to_owned(), value.to_owned()),
            generation: generation.clone(),
            policy: release.policy.clone(),
        })
    }

    /// The history with a release at its start.
    pub(super) fn history_with(&self, package: &Package, now: i64) -> Vec<Release> {
        let mut releases = self.releases();
        releases.retain(|release| release.generation != package.generation);
        let latest = Release {
            generation: package.generation.clone(),
            policy: package.policy.clone(),
            at: Some(now),
        };
        releases.insert(0, latest);
        releases.truncate(MAX_HISTORY);
        releases
    }
}

/// Whether a text is the name of a policy's entries. Every key that begins with it is removed with the policy, so anything
/// else in a history is ignored.
fn is_generation(text: &str) -> bool {
    text.len() == GENERATION_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The stored form of a history.
pub(super) fn history_text(releases: &[Release]) -> String {
    let entry = |release: &Release| json!([release.generation, release.policy, release.at]);
    Value::Array(releases.iter().map(entry).collect()).to_string()
}

/// The records of a package.
pub(super) fn records(package: &Package) -> Vec<(String, String)> {
    let generation = &package.generation;
    let digest = digest_of(&package.function);
    let meta = json!({
        "policy": package.policy,
        "pointer": package.pointer.0,
        "entries": package.entries.len(),
        "function": digest,
    });
    let mut records = vec![
        (format!("t/{generation}"), meta.to_string()),
        (format!("t/{generation}/p"), package.pointer.1.clone()),
    ];
    let mut rest = package.function.as_str();
    let mut piece = 0;
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        records.push((format!("t/f{digest}/{piece:02}"), text.to_owned()));
        rest = after;
        piece += 1;
    }
    records
}

/// The name of a function's source.
pub(super) fn digest_of(source: &str) -> String {
    let digest = digest(source);
    digest.get(..16).unwrap_or(&digest).to_owned()
}
