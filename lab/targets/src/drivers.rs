//! The drivers of all targets, in the order of reports: a row each. An edge that `tollgate build` has an artifact for
//! takes its name from the edge's description.
//!
//! Not here: what is running once a driver has started it.

mod cloudflare;
mod cloudfront_functions;
mod edgeworkers;
mod lambda;
mod lambda_edge;
mod native;
mod node;
mod wasmtime;

use crate::driver::Driver;

/// All of them.
pub(crate) static DRIVERS: [&dyn Driver; 9] = [
    &native::Native,
    &wasmtime::Wasmtime,
    &node::Node,
    &lambda_edge::WASM,
    &lambda_edge::NATIVE,
    &cloudflare::Cloudflare,
    &lambda::Lambda,
    &cloudfront_functions::CloudfrontFunctions,
    &edgeworkers::Edgeworkers,
];
