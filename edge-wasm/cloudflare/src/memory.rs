//! State that outlives an instance of the module, in a map that JavaScript owns.
//!
//! A trap discards the instance. The next one must use the newest policy and the fetched keys. It must also
//! know that KV was just read and key sets were just fetched, otherwise requests that cause traps would cause
//! unlimited fetches. Not here: all other state.
//!
//! | key | value |
//! |---|---|
//! | `image` | the current policy image, bytes |
//! | `looked` | when KV was last read, Unix seconds |
//! | `fetched URL` | when the last fetch of a key set ended, Unix seconds |
//! | `keys URL` | the key set in use, bytes |
//! | `keys-since URL` | when it was fetched, Unix seconds |

use tollgate_gate::UnixSeconds;
use tollgate_gate::refresh::COOLDOWN_SECS;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::{Map, Uint8Array};

const IMAGE: &str = "image";
const LOOKED: &str = "looked";
const FETCHED: &str = "fetched ";
const KEYS: &str = "keys ";
const KEYS_SINCE: &str = "keys-since ";

/// The time, in seconds, after which a fetch that was lost with its instance may be repeated.
const LOST_SECS: i64 = 1;

/// The map.
#[derive(Clone)]
pub(crate) struct Memory(Map);

impl Memory {
    pub(crate) fn new(map: Map) -> Self {
        Self(map)
    }

    pub(crate) fn image(&self) -> Option<Vec<u8>> {
        self.bytes(IMAGE)
    }

    /// Stores the image of a new policy. Fetched keys belong to the previous policy and are deleted.
    pub(crate) fn keep_image(&self, image: &Uint8Array) {
        self.set(IMAGE, image);
        for key in self.0.keys().into_iter().flatten() {
            let is_of_keys = |name: String| name.starts_with(KEYS) || name.starts_with(KEYS_SINCE);
            if key.as_string().is_some_and(is_of_keys) {
                self.0.delete(&key);
            }
        }
    }

    pub(crate) fn looked(&self) -> Option<UnixSeconds> {
        self.time(LOOKED)
    }

    /// Records that a KV read has begun. If it is lost, KV is read again before `ttl_secs` have passed.
    pub(crate) fn keep_look_begun(&self, at: UnixSeconds, ttl_secs: i64) {
        let counts_as = at.0.saturating_sub(ttl_secs).saturating_add(LOST_SECS);
        self.keep_looked(UnixSeconds(counts_as));
    }

    pub(crate) fn keep_looked(&self, at: UnixSeconds) {
        self.keep_time(LOOKED, at);
    }

    /// The time when the last fetch from this URL ended.
    pub(crate) fn fetched(&self, url: &str) -> Option<UnixSeconds> {
        self.time(&format!("{FETCHED}{url}"))
    }

    pub(crate) fn keep_fetch_begun(&self, url: &str, at: UnixSeconds) {
        // If it is lost, it counts as ended at this time.
        let counts_as = at.0.saturating_sub(COOLDOWN_SECS - LOST_SECS);
        self.keep_fetch_ended(url, UnixSeconds(counts_as));
    }

    pub(crate) fn keep_fetch_ended(&self, url: &str, at: UnixSeconds) {
        self.keep_time(&format!("{FETCHED}{url}"), at);
    }

    /// The current key set from this URL, and when it was fetched.
    pub(crate) fn keys(&self, url: &str) -> Option<(Vec<u8>, UnixSeconds)> {
        let body = self.bytes(&format!("{KEYS}{url}"))?;
        Some((body, self.time(&format!("{KEYS_SINCE}{url}"))?))
    }

    pub(crate) fn keep_keys(&self, url: &str, body: &[u8], at: UnixSeconds) {
        self.set(&format!("{KEYS}{url}"), &Uint8Array::from(body));
        self.keep_time(&format!("{KEYS_SINCE}{url}"), at);
    }

    fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = self.0.get(&JsValue::from_str(key));
        Some(bytes.dyn_into::<Uint8Array>().ok()?.to_vec())
    }

    fn time(&self, key: &str) -> Option<UnixSeconds> {
        let secs = self.0.get(&JsValue::from_str(key)).as_f64()?;
        // The cast saturates, and only whole seconds are stored there.
        Some(UnixSeconds(secs as i64))
    }

    fn keep_time(&self, key: &str, at: UnixSeconds) {
        self.set(key, &JsValue::from_f64(at.0 as f64));
    }

    fn set(&self, key: &str, value: &JsValue) {
        self.0.set(&JsValue::from_str(key), value);
    }
}
