//! The whole server over real sockets, with raw requests.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

mod authz;
mod folder;
mod keys;
mod panics;
mod paths;
mod support;
mod upstream;
