//! Functions in every role, with events in their documented shapes and stores that are none.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper fails its test by panicking"
)]

mod authorizer;
mod cached;
mod content;
mod events;
mod keys;
mod kit;
mod links;
mod malformed;
mod paths;

// The small site that the gate's own tests use.
#[path = "../../../crates/gate/tests/gate/site.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod site;
