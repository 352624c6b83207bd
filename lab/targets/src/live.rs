//! Targets as they live: keys are fetched over sockets from an issuer that fails when it is told to, a store
//! beside them fails too, and they themselves can be made to panic or to run out of memory.
//!
//! For fault and load tests. Time is that of each request, so that a cooldown needs no waiting. Not here:
//! which faults there are, and what must come of them.

pub mod issuer;
pub mod site;
pub mod store;

pub(crate) mod native;
pub(crate) mod node;
pub(crate) mod program;
pub(crate) mod scripts;
pub(crate) mod wasm;
pub(crate) mod worker;
