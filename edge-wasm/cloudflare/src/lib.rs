//! The gate as a Cloudflare Worker, on the `worker` crate.
//!
//! JavaScript calls [`start`] once and [`step`] for each request; `js/entry.js` is the other half. No
//! request lives in Rust while it waits for something: a step either answers, or says what to wait for
//! and is called again. So a panic, which throws the whole module instance away, costs the one request
//! that met it. What runs on by itself in here fetches keys and policies, and may be lost at any time.
//!
//! Not here: the `fetch` event itself and sending to the origin, which stream bodies and are
//! JavaScript's; starting over after a panic; any decision.

mod answer;
mod edge;
mod facts;
mod keys;
mod memory;
mod note;
mod policy;
mod settings;

use tollgate_crypto::Portable;
use tollgate_gate::{Trust, UnixSeconds};
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};
use worker::{Env, web_sys, worker_sys};

use edge::Edge;
use memory::Memory;

/// What signatures are verified with.
static PROVIDER: Portable = Portable;

/// The latest time there is: the clock of Workers stands still between two steps of input and output.
fn now() -> UnixSeconds {
    // The cast saturates; what is left of a second does not count.
    UnixSeconds((now_ms() / 1_000.0) as i64)
}

/// The same in milliseconds.
fn now_ms() -> f64 {
    worker::js_sys::Date::now()
}

/// Loads the policy image that decides until there is a newer one. It is in the map `memory`, where this instance
/// keeps what the next one needs should it be lost. With `trust` keys, in `tollgate_gate::signed`, this image and
/// all newer ones must be signed by one of them.
///
/// # Errors
///
/// An `Error` that says what is wrong with the image, with keys in it, or with the trust keys.
#[wasm_bindgen]
pub fn start(trust: Option<String>, memory: worker::js_sys::Map) -> Result<(), JsError> {
    let trust = trust.map(|keys| Trust::from_json(keys.as_bytes(), &PROVIDER));
    edge::set(Edge::new(trust.transpose()?, Memory::new(memory))?);
    Ok(())
}

/// Takes a request as far as it goes: the answer is a `Response`; or an array of the `Request` that goes to the
/// origin and the edits to its response, as [`edit_response`] takes them; or a `Promise` to wait for, with a limit, before this is called
/// again. A request that is not `patient` never gets a promise.
///
/// # Errors
///
/// Never for anything a client sends, so that JavaScript may take what is thrown for a trap.
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
        note::trouble("step_failed", "the runtime refuses what it always takes");
        answer::failure(&request.method(), "step_failed")
    })
}

/// Edits the headers of a response as the rest of [`step`]'s array says.
///
/// # Errors
///
/// If the headers cannot be changed.
#[wasm_bindgen(js_name = editResponse)]
pub fn edit_response(
    headers: &web_sys::Headers,
    cache: u32,
    cookies: &worker::js_sys::Array,
) -> Result<(), JsValue> {
    answer::edit_response(headers, cache, cookies)
}
