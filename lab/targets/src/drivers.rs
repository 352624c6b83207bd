//! The drivers of all targets, one row each, in report order. An edge that `tollgate build` has an artifact
//! for takes its name from the edge's description.
//!
//! Not here: the running targets that drivers start.

mod cloudflare;
mod cloudfront_functions;
mod edgeworkers;
mod lambda;
mod lambda_edge;
mod native;
mod node;
mod proxies;
mod wasmtime;

use crate::driver::Driver;

/// All drivers.
pub(crate) static DRIVERS: [&dyn Driver; 15] = [
    &native::Native,
    &wasmtime::Wasmtime,
    &node::Node,
    &lambda_edge::WASM,
    &lambda_edge::NATIVE,
    &cloudflare::Cloudflare,
    &lambda::Lambda,
    &cloudfront_functions::CloudfrontFunctions,
    &edgeworkers::Edgeworkers,
    &proxies::AUTHZ,
    &proxies::NGINX,
    &proxies::ENVOY,
    &proxies::TRAEFIK,
    &proxies::CADDY,
    &proxies::HAPROXY,
];
