//! A CloudFront function: a directory with its source, and the updates of its KeyValueStore.
//!
//! Every file under `kvs/` is the body of one `UpdateKeys` call. The order is: `put-*.json` by name, `switch.json`, the
//! function. A function that is published before its switch returns 500 until the switch arrives. `retire-*.json`
//! remove the policy when a later one is in force everywhere. Not here: the source, which `tollgate-javascript`
//! generates.

use serde_json::{Value, json};
use tollgate_javascript::budget::MAX_FUNCTION_BYTES;
use tollgate_javascript::cloudfront;

use super::artifact::{Artifact, Content, Input};
use super::sign_in::Elsewhere;
use crate::failure::{Failure, sized};
use crate::write::Entry;

/// The file that describes the contents of the directory.
const ABOUT: &str = "about.json";
const RUNTIME: &str = "cloudfront-js-2.0";
/// The steps for publishing the files, in order.
const PUBLISH: [&str; 6] = [
    "send each kvs/put-*.json with UpdateKeys, in the order of their names",
    "wait until all edges have these entries",
    "send kvs/switch.json with UpdateKeys",
    "wait until all edges have this entry",
    "update and publish function.js, if it changed",
    "once no edge runs the previous function: send the kvs/retire-*.json of its directory",
];
/// Above this share of the maximum function size, the build warns.
const NEARLY_FULL_PERCENT: usize = 95;

pub(super) fn build(input: &Input<'_>) -> Result<Artifact, Failure> {
    let spec = input.spec()?;
    let made = cloudfront(spec, input.id).map_err(Failure::Script)?;
    let elsewhere = Elsewhere::of(spec);
    let mut updates = made.updates();
    let switch = updates.pop();
    let mut about = json!({
        "policy": input.id,
        "runtime": RUNTIME,
        "generation": made.generation,
        "function_bytes": made.function.len(),
        "entries": made.entries.len() + 1,
        "store_bytes": made.store_bytes(),
        "largest_value_bytes": made.largest_value_bytes(),
        "most_reads": made.max_reads,
        "publish": PUBLISH,
    });
    if let (Some(elsewhere), Some(about)) = (&elsewhere, about.as_object_mut()) {
        about.insert("behaviours".to_owned(), json!([elsewhere.behaviour()]));
        about.insert("refreshes_sessions".to_owned(), made.refreshes.into());
    }
    let mut entries = vec![
        file("function.js", made.function.clone()),
        json_file(ABOUT, &about),
    ];
    entries.extend(numbered("put", &updates));
    entries.extend(switch.iter().map(|body| json_file("kvs/switch.json", body)));
    entries.extend(numbered("retire", &made.removals()));
    let mut artifact = Artifact::of(Content::Folder(entries));
    artifact.notes.push(format!(
        "function.js has {} of {MAX_FUNCTION_BYTES} bytes",
        made.function.len()
    ));
    artifact.notes.push(format!(
        "{} entries of {} in all, the largest value of {}, in {} updates; a request reads at most {}",
        made.entries.len() + 1,
        sized(made.store_bytes()),
        sized(made.largest_value_bytes()),
        updates.len() + 1,
        made.max_reads
    ));
    let order = "publish: put, wait, switch, wait, then the function (about.json has the steps)";
    artifact.notes.push(order.to_owned());
    if let Some(elsewhere) = elsewhere {
        artifact.notes.push(elsewhere.behaviour_note());
        if !made.refreshes {
            let note = "sessions are not refreshed before they end: the code for it does not fit";
            artifact.notes.push(note.to_owned());
        }
    }
    if made.function.len() * 100 > MAX_FUNCTION_BYTES * NEARLY_FULL_PERCENT {
        artifact
            .warnings
            .push("the function is close to CloudFront's size limit".to_owned());
    }
    Ok(artifact)
}

/// Whether a directory holds an earlier function.
pub(super) fn made(folder: &std::path::Path) -> bool {
    let about = std::fs::read(folder.join(ABOUT)).unwrap_or_default();
    let about: Value = serde_json::from_slice(&about).unwrap_or_default();
    about
        .get("runtime")
        .is_some_and(|runtime| runtime == RUNTIME)
}

fn numbered(name: &str, bodies: &[Value]) -> Vec<Entry> {
    let one =
        |(at, body): (usize, &Value)| json_file(&format!("kvs/{name}-{:04}.json", at + 1), body);
    bodies.iter().enumerate().map(one).collect()
}

fn json_file(name: &str, body: &Value) -> Entry {
    file(name, format!("{body}\n"))
}

fn file(name: &str, text: String) -> Entry {
    Entry {
        name: name.to_owned(),
        bytes: text.into_bytes(),
    }
}
