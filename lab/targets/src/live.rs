//! Running targets for fault injection: key fetches over sockets from an issuer with injectable faults, a
//! policy store with injectable faults, and targets that can be made to panic or run out of memory.
//!
//! Used by fault and load tests. The clock is set by each request, so that a cooldown needs no waiting. Not
//! here: the list of faults, and their expected effects.

pub mod issuer;
pub mod site;
pub mod store;

pub(crate) mod native;
pub(crate) mod node;
pub(crate) mod program;
pub(crate) mod scripts;
pub(crate) mod wasm;
pub(crate) mod worker;
