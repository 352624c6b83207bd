//! The gate: the decision engine that an edge calls for every HTTP request.
//!
//! An edge converts its own representation of a request into a [`Request`], calls [`Gate::ask`], and carries
//! out the [`Action`] of the [`Outcome`]: [`Forward`] the request with a few edits, or send a [`Response`].
//! Everything that all edges must do identically is here: token sources, removal of tokens and headers before
//! the origin, statuses, response headers, log records. [`wire`] encodes requests and outcomes as bytes for
//! edges that run the gate as a WASM module.
//!
//! ```
//! use tollgate_gate::{Action, Context, Gate, Request};
//! use tollgate_token::Provider;
//!
//! fn answer(gate: &Gate<Vec<u8>>, request: &Request<'_>) -> u16 {
//!     match gate.ask(request, &mut Context::new()).action {
//!         Action::Forward(_) => 200,
//!         Action::Serve(response) | Action::Refuse(response) => response.status,
//!     }
//! }
//! # fn load(image: Vec<u8>, keys: &'static dyn Provider) -> Option<Gate<Vec<u8>>> {
//! #     Gate::new(image, keys).ok()
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It does no IO, reads no clock, stores nothing between requests except keys, and depends on no cryptography
//! library: the host passes a [`Provider`](tollgate_token::Provider). Any internal failure denies the
//! request.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod config;
pub mod fetch;
pub mod refresh;
pub mod session;
pub mod sign_in;
pub mod signed;
pub mod wire;

mod cache;
mod chars;
mod client_cache;
mod forward;
mod gate;
mod kind;
mod log;
mod outcome;
mod request;
mod respond;
mod response;
mod session_config;
mod sign_in_config;
mod source;

pub use cache::TokenCache;
pub use client_cache::{Admitted, ClientCache, ClientHandle};
pub use fetch::{
    Fetch, FetchLimits, FetchRequest, FetchResponse, MAX_STEPS, MAX_WAIT_MS, Pending, Resumed, Step,
};
pub use forward::{
    ADDED_HEADERS, CacheEdit, Forward, HeaderEdit, OVERRIDES, OWN_PREFIX, RequestEdits,
    ResponseEdits, begins_with_spelling, is_spelling, is_spelling_of_own,
};
pub use gate::{Context, EdgeDenial, Gate, Identity, LoadError};
pub use kind::Kind;
pub use log::{LogRecord, TokenStatus};
pub use outcome::{Action, Outcome};
pub use refresh::{KeySetError, KeysAccepted};
pub use request::Request;
pub use respond::{PAGE_POLICY, PREFLIGHT_SECS, challenge};
pub use response::{Response, public_text};
pub use signed::{PolicyVersion, Trust};
pub use source::MAX_CANDIDATES;
pub use tollgate_core::{RuleId, UnixSeconds};
