//! Functions in every role, with events in their documented format and mock stores.

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

// The small site of the gate's own tests.
#[path = "../../../crates/gate/tests/gate/site.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod site;
