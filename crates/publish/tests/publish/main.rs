//! Publications to a stub that verifies signatures, with a fault at every call.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

mod account;
mod akamai;
mod cloud;
mod edge;
mod edgegrid;
mod edgeworkers;
mod functions;
mod selectors;
mod signature;
mod workers;
mod workers_kv;
