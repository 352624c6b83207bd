//! The gate as a JavaScript class, through wasm-bindgen.
//!
//! Requests and outcomes cross as bytes in `tollgate_gate::wire`, one call each. Not here: anything a
//! JavaScript user sees; `js/` wraps this class, turns objects into bytes and back, and denies when the
//! module traps.

use tollgate_crypto::Portable;
use tollgate_gate::{TokenCache, Trust, UnixSeconds, Why, wire};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// How many good tokens are remembered.
const CACHED_TOKENS: usize = 512;

/// A loaded policy.
#[wasm_bindgen]
pub struct Gate {
    gate: tollgate_gate::Gate<Vec<u8>>,
    tokens: TokenCache,
}

#[wasm_bindgen]
impl Gate {
    /// Loads a policy image; with trust keys, only one that is signed by one of them, and of version
    /// `oldest` or later; 0 for any.
    ///
    /// # Errors
    ///
    /// An `Error` that says what is wrong with the image, with keys in it, or with trust keys.
    #[wasm_bindgen(constructor)]
    pub fn new(image: Vec<u8>, trust: Option<Vec<u8>>, oldest: f64) -> Result<Gate, JsError> {
        let trust = trust.map(|keys| Trust::from_json_since(&keys, oldest, &Portable));
        let mut trust = trust.transpose()?;
        let gate = tollgate_gate::Gate::load(image, trust.as_mut(), &Portable)?;
        Ok(Gate {
            gate,
            tokens: TokenCache::new(CACHED_TOKENS),
        })
    }

    /// The version of a signed policy.
    #[wasm_bindgen(getter, js_name = policyVersion)]
    pub fn policy_version(&self) -> Option<f64> {
        let release = self.gate.release()?;
        Some(release.version.to_f64())
    }

    /// The content id of the policy, 32 hexadecimal digits.
    #[wasm_bindgen(getter, js_name = policyId)]
    pub fn policy_id(&self) -> String {
        self.gate.policy_id().to_string()
    }

    /// The key set to fetch now, encoded; empty if none is due.
    #[wasm_bindgen(js_name = keysDue)]
    pub fn keys_due(&mut self, now: f64, unknown_key: bool) -> Vec<u8> {
        let why = if unknown_key {
            Why::UnknownKey
        } else {
            Why::Age
        };
        wire::encode_key_fetch(self.gate.keys_due(seconds(now), why).as_ref())
    }

    /// Takes a fetched key set.
    ///
    /// # Errors
    ///
    /// An `Error` that says why it is not used. The keys stay as they were.
    #[wasm_bindgen(js_name = keysArrived)]
    pub fn keys_arrived(&mut self, ticket: u32, body: &[u8], now: f64) -> Result<(), JsError> {
        self.gate
            .keys_arrived(ticket, body, seconds(now))
            .map_err(JsError::from)
    }

    /// Takes the report that a fetch failed.
    #[wasm_bindgen(js_name = keysFailed)]
    pub fn keys_failed(&mut self, ticket: u32, now: f64) {
        self.gate.keys_failed(ticket, seconds(now));
    }

    /// Decides one encoded request; the answer is an encoded outcome whatever the bytes are.
    pub fn decide(&mut self, request: &[u8]) -> Vec<u8> {
        wire::handle_cached(&self.gate, request, &mut self.tokens)
    }
}

/// A JavaScript number of seconds; what is no time is one at which nothing is due.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and halves of seconds do not count"
)]
fn seconds(now: f64) -> UnixSeconds {
    UnixSeconds(now as i64)
}
