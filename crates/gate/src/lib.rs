//! The gate: what an edge asks about every HTTP request.
//!
//! An edge turns its own form of a request into a [`Request`], asks [`Gate::handle`], and does what
//! the [`Outcome`] says: [`Forward`] the request with a few changes, or [`Respond`]. Everything that
//! all edges must do alike is here: where tokens stand, what is removed before the origin, statuses,
//! response headers, log records. [`wire`] carries the same question and answer as bytes for edges
//! that run the gate as a WASM module.
//!
//! ```
//! use tollgate_gate::{Action, Gate, Request};
//! use tollgate_token::Provider;
//!
//! fn answer(gate: &Gate<Vec<u8>>, request: &Request<'_>) -> u16 {
//!     match gate.handle(request).action {
//!         Action::Forward(_) => 200,
//!         Action::Respond(response) => response.status,
//!     }
//! }
//! # fn load(image: Vec<u8>, keys: &'static dyn Provider) -> Option<Gate<Vec<u8>>> {
//! #     Gate::new(image, keys).ok()
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It does no IO, reads no clock, keeps nothing between requests but keys, and names no cryptography
//! library: the host brings a [`Provider`](tollgate_token::Provider). Any failure inside denies.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod config;
pub mod refresh;
pub mod session;
pub mod signed;
pub mod wire;

mod cache;
mod forward;
mod gate;
mod log;
mod outcome;
mod request;
mod respond;
mod source;
mod viewer;

pub use cache::TokenCache;
pub use forward::{Forward, HeaderEdit};
pub use gate::{
    EdgeDenial, Gate, Identity, LoadError, SHARED_CACHE_HEADERS, private_cache_control,
};
pub use log::{LogRecord, TokenSeen};
pub use outcome::{Action, Kind, Outcome, Respond};
pub use refresh::{KeyFetch, KeysAccepted, KeysRefused, Why};
pub use request::Request;
pub use respond::{challenge, public_text};
pub use signed::{PolicyVersion, Trust};
pub use tollgate_core::{RuleId, UnixSeconds};
pub use viewer::{Seat, Viewers};
