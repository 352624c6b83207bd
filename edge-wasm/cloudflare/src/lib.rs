//! The gate as a Cloudflare Worker, with the `worker` crate.
//!
//! JavaScript calls [`start`] once and [`step`] for each request; `js/entry.js` is the other half. No request
//! is kept in Rust while it waits: a step returns either the result or a promise to wait for, after which it
//! is called again. A panic discards the whole module instance, and so affects only the request that
//! triggered it. Background tasks in the instance fetch keys and policies, and may be lost at any time.
//!
//! Not here: decisions, and what `js/entry.js` does: the `fetch` event, sending to the origin (both stream
//! bodies), and restarting after a panic.

mod answer;
mod edge;
mod facts;
mod instance;
mod keys;
mod memory;
mod note;
mod policy;
mod settings;
mod step;
mod watch;

use tollgate_gate::Trust;
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};
use worker::{Env, web_sys, worker_sys};

use edge::Edge;
use instance::PROVIDER;
use memory::Memory;

/// Loads the initial policy image from the map `memory`, in which this instance also stores the state that
/// its successor needs if it is lost. With `trust` keys, in `tollgate_gate::signed`, this image and all newer
/// ones must be signed by one of them.
///
/// # Errors
///
/// An `Error` that describes what is wrong with the image, with keys in it, or with the trust keys.
#[wasm_bindgen]
pub fn start(trust: Option<String>, memory: worker::js_sys::Map) -> Result<(), JsError> {
    let trust = trust.map(|keys| Trust::from_json(keys.as_bytes(), &PROVIDER));
    edge::set(Edge::new(trust.transpose()?, Memory::new(memory))?);
    Ok(())
}

/// Evaluates a request as far as possible. Returns a `Response`; or an array of the `Request` to send to the
/// origin and the edits to its response, as arguments of [`edit_response`]; or a `Promise` to wait for, with
/// a limit, before calling this again. If `patient` is false, it never returns a promise.
///
/// # Errors
///
/// Never for input from a client, so JavaScript can treat every exception as a trap.
#[wasm_bindgen]
pub fn step(
    request: web_sys::Request,
    env: Env,
    context: worker_sys::Context,
    patient: bool,
) -> Result<JsValue, JsValue> {
    let answer = edge::with(|edge| edge.step(&request, &env, &context, patient));
    let answer = answer.unwrap_or_else(|| Err(JsValue::from_str("start comes before step")));
    answer.or_else(|_| {
        note::trouble("step_failed", "unexpected error of the runtime");
        answer::failure(&request.method(), "step_failed")
    })
}

/// Edits the headers of a response with the remaining elements of [`step`]'s array.
///
/// # Errors
///
/// Returns an error if the headers cannot be changed.
#[wasm_bindgen(js_name = editResponse)]
pub fn edit_response(
    headers: &web_sys::Headers,
    cache: u32,
    cookies: &worker::js_sys::Array,
) -> Result<(), JsValue> {
    answer::edit_response(headers, cache, cookies)
}
