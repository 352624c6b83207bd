//! The gate in AWS Lambda, as a native program: authorizers, content delivery, CloudFront events.
//!
//! A function has one role, which its operator configures. As an *authorizer* it decides for API Gateway
//! whether a request is allowed ([`authorizer`]). As *content* it responds to requests itself, with objects
//! from S3 or links to them ([`content`]). As *cloudfront* it turns CloudFront request events into a request
//! to forward or a response ([`cloudfront`]). [`Shape`] identifies events; one of unknown shape, or for
//! another role, is an error and never an allow.
//!
//! Not here: decisions, which the gate makes.
pub mod authorizer;
pub mod cloudfront;
pub mod content;
#[cfg(feature = "aws")]
pub mod run;
#[cfg(feature = "aws")]
pub mod settings;
pub mod store;
pub mod stream;

mod clock;
mod function;
mod host;
mod http;
mod raw_path;
mod shape;

pub use clock::Clock;
pub use cloudfront::{
    Answer, Event, EventError, EventKind, MAX_RESPONSE_BYTES, TooLarge, answer, conclude, refuse,
    result,
};
pub use function::{Failure, Function, Reply, Role};
pub use shape::{Shape, ShapeError};
