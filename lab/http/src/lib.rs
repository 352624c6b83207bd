//! HTTP/1.1 over loopback for the programs of the lab: a client that sends requests exactly as given,
//! including hostile targets, which no client library does; and a server that responds with the result of a
//! function.
//!
//! Not here: TLS, redirects, connection pools. Code that times responses without copying them has its own
//! small client.

#![forbid(unsafe_code)]

mod client;
mod server;

pub use client::{Connection, Reply, ask, fetch, send, split};
pub use server::{Answering, free_address, serve};
