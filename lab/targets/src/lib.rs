//! All forms in which the gate runs, behind the testkit's `Engine` trait: as a library, as a WASM module in
//! wasmtime, as the npm package in Node, and in finished packages for edge platforms.
//!
//! Used for conformance and benchmarks; the only library that depends on `wasmtime`. Not here: decisions,
//! and code that runs at an edge.

pub mod beside;
pub mod cloudflare;
pub mod counting;
pub mod courses;
pub mod driver;
mod drivers;
pub mod edgeworkers;
pub mod embedded;
pub mod javascript;
pub mod lambda;
pub mod lambda_edge;
pub mod live;
pub mod native;
pub mod njs;
pub mod node;
mod places;
pub mod policy;
mod process;
pub mod random;
pub mod signed;
pub mod target;
pub mod theorems;

pub use places::Places;
pub use policy::Policy;
pub use target::Target;
