//! HTTP/1.1 over loopback for the programs of the lab: requests are sent exactly as they are given, hostile targets
//! included, which no client library does; and a server that answers with a function.
//!
//! Not here: TLS, redirects, pools. What must be timed without a copy of the answer brings its own few lines.

#![forbid(unsafe_code)]

mod client;
mod server;

pub use client::{Connection, Reply, ask, fetch, send, split};
pub use server::{Answering, free_address, serve};
