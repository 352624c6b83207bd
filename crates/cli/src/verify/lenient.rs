//! Removal of invalid keys from a key set, for `--lenient-jwks`. Not here: validating the remaining keys, which is as
//! strict as without the option.

use serde_json::Value;
use tollgate_token::{Algorithm, Jwks, SkipReason, SkippedKey};

/// Returns the key set `text` without the keys that would be rejected, and the reason for each of them. A text that is
/// not a key set is returned unchanged, so that the strict parser rejects it.
pub(super) fn key_set(text: String, allowed: &[Algorithm]) -> (String, Vec<SkippedKey>) {
    let Ok(set) = Jwks::parse_lenient(text.as_bytes(), allowed) else {
        return (text, Vec::new());
    };
    let is_refused = |note: &&SkippedKey| matches!(note.reason, SkipReason::Refused(_));
    let refused: Vec<SkippedKey> = set.skipped().iter().filter(is_refused).cloned().collect();
    let mut value: Value = match serde_json::from_str(&text) {
        Ok(value) if !refused.is_empty() => value,
        _ => return (text, refused),
    };
    if let Some(keys) = value.get_mut("keys").and_then(Value::as_array_mut) {
        let mut at = 0;
        keys.retain(|_| {
            at += 1;
            !refused.iter().any(|note| note.index == Some(at - 1))
        });
    }
    (value.to_string(), refused)
}
