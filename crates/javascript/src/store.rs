//! The entries of a KeyValueStore, and the updates that switch from one policy to the next.
//!
//! Every entry of a policy has the policy's generation in key and value; only the pointer has a key of
//! its own, holds the first page, and is written last. So whichever part of an update has reached an
//! edge, it decides by one complete policy or denies. Not here: calling AWS.

use serde_json::{Value, json};

/// Longest page for a denial, in bytes as it is stored: what four values hold.
pub const MAX_PAGE_BYTES: usize = 4 * room();

/// The stored form of a page for a denial.
pub(super) fn page_text(html: &str) -> String {
    json!([html]).to_string()
}

/// The size of a page for a denial in its stored form, in bytes.
pub fn page_bytes(html: &str) -> usize {
    page_text(html).len()
}
/// Longest value that is written, in bytes; CloudFront's limit is 1 KB.
pub(super) const MAX_VALUE_BYTES: usize = 1_000;
/// Most bytes of keys and values of one policy: half of CloudFront's limit for a store, because the old
/// policy stays until the new one is everywhere.
pub const MAX_POLICY_BYTES: usize = 5 * 1024 * 1024 / 2;
/// Most keys in one update, CloudFront's limit.
pub(super) const MAX_BATCH_KEYS: usize = 50;
/// Characters of a generation.
pub const GENERATION_CHARS: usize = 9;
/// The length of the start of every value: the generation and a mark.
const HEAD_BYTES: usize = GENERATION_CHARS + 1;

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// The number of bytes of a text that fit into one value.
pub(super) const fn room() -> usize {
    MAX_VALUE_BYTES - HEAD_BYTES
}

/// The number of values that a text needs.
pub(super) fn value_count(text: &str) -> usize {
    pieces(text).len()
}

/// The entries of a page. `first` is the key of its first entry if that is not the usual one.
pub(super) fn page(generation: &str, name: &str, text: &str, first: Option<&str>) -> Vec<Entry> {
    let pieces = pieces(text);
    let last = pieces.len().saturating_sub(1);
    let entry = |(part, piece): (usize, &&str)| Entry {
        key: match first {
            Some(first) if part == 0 => first.to_owned(),
            _ => format!("{generation}{name}.{part}"),
        },
        value: format!(
            "{generation}{}{piece}",
            if part == last { '.' } else { '+' }
        ),
    };
    pieces.iter().enumerate().map(entry).collect()
}

/// A text cut into pieces that each fit into a value, between characters.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > room() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(room()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// The bodies of `UpdateKeys` calls that write entries, in the order in which they must be made.
pub(super) fn puts(entries: &[Entry]) -> Vec<Value> {
    let put = |entry: &Entry| json!({ "Key": entry.key, "Value": entry.value });
    entries
        .chunks(MAX_BATCH_KEYS)
        .map(|batch| json!({ "Puts": batch.iter().map(put).collect::<Vec<_>>() }))
        .collect()
}

/// The bodies of `UpdateKeys` calls that remove entries.
pub(super) fn deletes(entries: &[Entry]) -> Vec<Value> {
    let delete = |entry: &Entry| json!({ "Key": entry.key });
    entries
        .chunks(MAX_BATCH_KEYS)
        .map(|batch| json!({ "Deletes": batch.iter().map(delete).collect::<Vec<_>>() }))
        .collect()
}
