//! Publishes a policy to an edge platform in the platform's safe order, reports what is live, and rolls back.
//!
//! Each platform turns what it reads into a list of [`Step`]s; one loop ([`run`]) executes them, and a dry run prints
//! them. Not here: building artifacts, and the terminal (`crates/cli`).

#![forbid(unsafe_code)]

pub mod aws;
mod call;
pub mod cloudflare;
pub mod cloudfront;
pub mod cloudfront_functions;
pub mod edgegrid;
mod edgerc;
pub mod edgeworkers;
mod error;
pub mod lambda;
mod line;
pub mod object;
mod step;
pub mod workers;
pub mod workers_kv;
mod world;
mod xml;

pub use call::{Call, Reply, Service};
pub use error::PublishError;
pub use line::{Request, causes};
pub use step::{Action, Check, Edit, Poll, Read, Step, Stopped, Write, run};
pub use world::{Event, SendError, World};
