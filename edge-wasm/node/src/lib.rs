//! The gate as a JavaScript class, through wasm-bindgen.
//!
//! Requests and outcomes cross as bytes in `tollgate_gate::wire`, one call each. Not here: anything a
//! JavaScript user sees; `js/` wraps this class, turns objects into bytes and back, and denies when the
//! module traps.

use tollgate_crypto::Portable;
use tollgate_gate::wire;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// A loaded policy.
#[wasm_bindgen]
pub struct Gate(tollgate_gate::Gate<Vec<u8>>);

#[wasm_bindgen]
impl Gate {
    /// Loads a policy image.
    ///
    /// # Errors
    ///
    /// An `Error` that says what is wrong with the image or with keys in it.
    #[wasm_bindgen(constructor)]
    pub fn new(image: Vec<u8>) -> Result<Gate, JsError> {
        tollgate_gate::Gate::new(image, &Portable)
            .map(Gate)
            .map_err(JsError::from)
    }

    /// The content id of the policy, 32 hexadecimal digits.
    #[wasm_bindgen(getter, js_name = policyId)]
    pub fn policy_id(&self) -> String {
        self.0.policy_id().to_string()
    }

    /// Decides one encoded request; the answer is an encoded outcome whatever the bytes are.
    pub fn decide(&self, request: &[u8]) -> Vec<u8> {
        wire::handle(&self.0, request)
    }
}
