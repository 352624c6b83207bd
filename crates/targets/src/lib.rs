//! Every way the gate runs, behind the testkit's one `Engine`: as a library, as a WASM module in
//! wasmtime, as the npm package in Node.
//!
//! For conformance and for benchmarks; the only crate that names `wasmtime`. Not here: any decision,
//! and anything that an edge runs.

pub mod embedded;
pub mod native;
pub mod node;
pub mod policy;
pub mod target;

pub use policy::Policy;
pub use target::{Host, Places, Target};
