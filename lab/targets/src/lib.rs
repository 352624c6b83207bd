//! Every way the gate runs, behind the testkit's one `Engine`: as a library, as a WASM module in
//! wasmtime, as the npm package in Node, in finished packages of edges.
//!
//! For conformance and for benchmarks; the only library that names `wasmtime`. Not here: any decision,
//! and anything that an edge runs.

pub mod cloudflare;
pub mod counting;
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
