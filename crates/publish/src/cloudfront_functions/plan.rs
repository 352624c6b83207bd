//! The safe order of a publication. At every point, requests are decided by the previous policy or by the new one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::contents::{HISTORY, Release, digest_of, history_text, records};
use super::{Destination, Package, State, is_ours};
use crate::call::digest;
use crate::cloudfront::{self, Stage};
use crate::error::PublishError;
use crate::step::{Action, Check, EITHER, NEW, PREVIOUS, Poll, Read, Step, Write};

/// CloudFront's limit for one update.
const MAX_BATCH: usize = 50;
/// The longest wait for a function to be published, and for its test to find the entries.
const LIMIT_SECS: u64 = 300;

pub(super) fn steps(
    to: &Destination,
    state: &State,
    package: &Package,
    now: i64,
) -> Result<Vec<Step>, PublishError> {
    if let Some(live) = state.live.as_deref()
        && !is_ours(live)
        && !to.replace_foreign
    {
        return Err(PublishError::Foreign {
            what: format!("the live function `{}`", to.function),
        });
    }
    let mut steps = Vec::new();
    // Once the function is published, its own pointer decides. Until then, only the live one's does.
    let is_same_function = state.live.as_deref() == Some(package.function.as_str());
    let (pointer, value) = &package.pointer;
    let seen = state.contents.get(pointer);
    let is_switched = seen == Some(value.as_str());
    let is_recorded = state
        .contents
        .releases()
        .first()
        .is_some_and(|latest| latest.generation == package.generation);
    let history = match is_switched && is_recorded {
        true => state.contents.get(HISTORY).unwrap_or_default().to_owned(),
        false => new_history(state, package, now),
    };
    put(state, package, &mut steps);
    if !(is_switched && is_recorded) {
        if !is_switched {
            steps.push(settle(
                to,
                "wait until all edges have the entries",
                PREVIOUS,
            ));
        }
        let before = if is_same_function { EITHER } else { PREVIOUS };
        steps.push(switch(state, package, seen, &history, before));
    }
    if !is_same_function {
        steps.push(settle(
            to,
            "wait until all edges have the pointer",
            PREVIOUS,
        ));
        function(to, state, package, &mut steps);
    } else {
        // An interrupted publication did not wait.
        if state.is_arriving {
            steps.push(arrival(to));
        }
        if !is_switched || was_just_published(to, state, now) {
            steps.push(settle(
                to,
                "wait until all edges have the new policy",
                EITHER,
            ));
        }
    }
    remove(to, state, package, &history, &mut steps);
    Ok(steps)
}

/// Whether the latest publication may have been interrupted while the edges did not have its policy yet. It waits twice,
/// and takes a while for its calls.
fn was_just_published(to: &Destination, state: &State, now: i64) -> bool {
    let releases = state.contents.releases();
    let at = releases.first().and_then(|latest| latest.at);
    let window = i64::try_from(to.settle_secs.saturating_mul(3)).unwrap_or(i64::MAX);
    at.is_some_and(|at| now.saturating_sub(at) < window)
}

fn settle(to: &Destination, what: &str, before: &'static str) -> Step {
    Step {
        what: what.to_owned(),
        before,
        action: Action::Pause {
            secs: to.settle_secs,
        },
    }
}

/// The ETag of the store.
fn etag(state: &State) -> Read {
    Read {
        call: state.store.describe(),
        what: format!("the store `{}`", state.store.arn),
        expect: Check::Any,
        done: None,
    }
}

fn update(
    state: &State,
    what: String,
    before: &'static str,
    reads: Vec<Read>,
    body: &Value,
) -> Step {
    let mut all = vec![etag(state)];
    all.extend(reads);
    Step {
        what,
        before,
        action: Write::of(all, state.store.update(body)).into(),
    }
}

/// Puts what the store does not have: the entries, which no function reads yet, and the records of this release and of
/// the live one, which may have been published by other means.
fn put(state: &State, package: &Package, steps: &mut Vec<Step>) {
    let mut wanted = package.entries.clone();
    wanted.extend(records(package));
    if let Some(live) = live_package(state) {
        wanted.extend(records(&live));
    }
    wanted.retain(|(key, value)| state.contents.get(key) != Some(value.as_str()));
    let batches: Vec<_> = wanted.chunks(MAX_BATCH).collect();
    for (at, batch) in batches.iter().enumerate() {
        let puts: Vec<Value> = batch
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        let what = format!(
            "put {} entries ({} of {})",
            batch.len(),
            at + 1,
            batches.len()
        );
        let body = json!({ "Puts": puts });
        steps.push(update(state, what, PREVIOUS, Vec::new(), &body));
    }
}

/// The live policy as a package, if it is complete and not in the history.
fn live_package(state: &State) -> Option<Package> {
    let function = state.live.clone()?;
    let pointer = state.live_pointer()?.to_owned();
    let generation = state.live_generation()?;
    let policy = state.policy()?;
    let entries = state
        .contents
        .keys(&generation)
        .filter_map(|key| Some((key.to_owned(), state.contents.get(key)?.to_owned())))
        .collect();
    let value = state.contents.get(&pointer)?.to_owned();
    Some(Package {
        function,
        entries,
        pointer: (pointer, value),
        generation,
        policy,
    })
}

/// The history after the switch.
fn new_history(state: &State, package: &Package, now: i64) -> String {
    let mut releases = state.contents.history_with(package, now);
    // A live policy that was published by other means can be restored, too.
    if let Some(live) = live_package(state)
        && !releases
            .iter()
            .any(|release| release.generation == live.generation)
    {
        let adopted = Release {
            generation: live.generation,
            policy: live.policy,
            at: None,
        };
        releases.insert(1.min(releases.len()), adopted);
    }
    history_text(&releases)
}

/// An entry that must still be as it was seen, and how it is when the write is done.
fn entry(state: &State, key: &str, seen: Option<&str>, value: Option<&str>) -> Read {
    Read {
        call: state.store.get(key),
        what: format!("the entry `{key}`"),
        expect: Check::Value(seen.map(str::to_owned)),
        done: value.map(|value| Check::Value(Some(value.to_owned()))),
    }
}

/// Writes pointer and history in one call. The record of the release must be there: it is removed before the entries
/// are, so they are there, too.
fn switch(
    state: &State,
    package: &Package,
    seen: Option<&str>,
    history: &str,
    before: &'static str,
) -> Step {
    let (pointer, value) = &package.pointer;
    let mut reads = vec![
        entry(state, pointer, seen, Some(value)),
        entry(state, HISTORY, state.contents.get(HISTORY), Some(history)),
    ];
    if let Some((key, record)) = records(package).first() {
        reads.push(entry(state, key, Some(record), None));
    }
    let body = json!({ "Puts": [
        { "Key": pointer, "Value": value },
        { "Key": HISTORY, "Value": history },
    ] });
    let what = format!("switch `{pointer}` to policy {}", package.policy);
    update(state, what, before, reads, &body)
}

/// Replaces, tests and publishes the function. Its pointer is already everywhere.
fn function(to: &Destination, state: &State, package: &Package, steps: &mut Vec<Step>) {
    let name = &to.function;
    let summary = |what: &str| Read {
        call: cloudfront::describe_function(name, Stage::Development),
        what: what.to_owned(),
        expect: Check::Any,
        done: None,
    };
    let source = |stage, expect: Check, done: Option<Check>| Read {
        call: cloudfront::get_function(name, stage),
        what: format!("the function `{name}`"),
        expect,
        done,
    };
    let what = format!("the function `{name}`");
    let ours = || Check::Digest(Some(digest(&package.function)));
    if state.development != package.function {
        let seen = Check::Digest(Some(digest(&state.development)));
        let reads = vec![
            summary(&what),
            source(Stage::Development, seen, Some(ours())),
        ];
        let call = cloudfront::update_function(name, &state.config, &package.function);
        steps.push(Step {
            what: format!("update the function `{name}` in development"),
            before: PREVIOUS,
            action: Write::of(reads, call).into(),
        });
    }
    if to.test {
        steps.push(Step {
            what: "the test of the new function".to_owned(),
            before: PREVIOUS,
            action: Poll {
                etag: Some(cloudfront::describe_function(name, Stage::Development)),
                is_test: true,
                ..Poll::of(
                    cloudfront::test_function(name),
                    Check::Answers,
                    to.settle_secs.saturating_mul(2),
                )
            }
            .into(),
        });
    }
    let seen = Check::Digest(state.live.as_deref().map(digest));
    let reads = vec![
        summary(&what),
        source(Stage::Development, ours(), None),
        source(Stage::Live, seen, Some(ours())),
    ];
    steps.push(Step {
        what: format!("publish the function `{name}`"),
        before: EITHER,
        action: Write::of(reads, cloudfront::publish_function(name)).into(),
    });
    steps.push(arrival(to));
}

/// The wait for the function, which CloudFront reports.
fn arrival(to: &Destination) -> Step {
    Step {
        what: "wait until the function is published everywhere".to_owned(),
        before: EITHER,
        action: Poll::of(
            cloudfront::describe_function(&to.function, Stage::Live),
            Check::XmlIsNot("Status", "IN_PROGRESS"),
            LIMIT_SECS,
        )
        .into(),
    }
}

/// Removes what is older than the policies that are kept. What decides requests now, or did before, is never removed.
///
/// Records go first, and only while the history is the one that this publication wrote: otherwise somebody may be
/// restoring what would be removed.
fn remove(
    to: &Destination,
    state: &State,
    package: &Package,
    history: &str,
    steps: &mut Vec<Step>,
) {
    let releases = state.contents.history_with(package, 0);
    let live = state.live_generation();
    let keep = to.keep.max(2);
    let mut kept: BTreeSet<&str> = releases
        .iter()
        .take(keep)
        .map(|release| release.generation.as_str())
        .collect();
    kept.extend(live.as_deref());
    let mut functions: BTreeSet<String> = [
        state.live.as_deref(),
        Some(state.development.as_str()),
        Some(package.function.as_str()),
    ]
    .into_iter()
    .flatten()
    .map(digest_of)
    .collect();
    let mut pointers: BTreeSet<String> = state
        .live_pointer()
        .map(str::to_owned)
        .into_iter()
        .collect();
    pointers.insert(package.pointer.0.clone());
    let mut old = Vec::new();
    for release in state.contents.releases() {
        let whole = state.contents.package(&release);
        match (kept.contains(release.generation.as_str()), whole) {
            (true, Some(whole)) => {
                functions.insert(digest_of(&whole.function));
                pointers.insert(whole.pointer.0);
            }
            (true, None) => {}
            (false, whole) => old.push((release, whole)),
        }
    }
    let mut keys: BTreeSet<String> = BTreeSet::new();
    let mut first: Vec<String> = Vec::new();
    for (release, whole) in old {
        let generation = &release.generation;
        keys.extend(state.contents.keys(generation).map(str::to_owned));
        let records = format!("t/{generation}");
        first.extend(state.contents.keys(&records).map(str::to_owned));
        if let Some(whole) = whole {
            if !pointers.contains(&whole.pointer.0) {
                keys.insert(whole.pointer.0);
            }
            let digest = digest_of(&whole.function);
            if !functions.contains(&digest) {
                let pieces = format!("t/f{digest}/");
                keys.extend(state.contents.keys(&pieces).map(str::to_owned));
            }
        }
    }
    keys.retain(|key| state.contents.get(key).is_some());
    let keys: Vec<String> = first.into_iter().chain(keys).collect();
    let batches: Vec<_> = keys.chunks(MAX_BATCH).collect();
    for (at, batch) in batches.iter().enumerate() {
        let deletes: Vec<Value> = batch.iter().map(|key| json!({ "Key": key })).collect();
        let what = format!(
            "remove {} entries of retired policies ({} of {})",
            batch.len(),
            at + 1,
            batches.len()
        );
        let body = json!({ "Deletes": deletes });
        let reads = vec![entry(state, HISTORY, Some(history), None)];
        steps.push(update(state, what, NEW, reads, &body));
    }
}
