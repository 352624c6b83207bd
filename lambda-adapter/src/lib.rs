//! The gate in AWS Lambda, as a native program: authorizers, content delivery, CloudFront events.
//!
//! A function plays one role, which its operator names. As an *authorizer* it answers API Gateway whether
//! a request may go on ([`authorizer`]); as *content* it answers requests itself, with objects out of S3
//! or links to them ([`content`]); as *cloudfront* it turns CloudFront request events into what
//! CloudFront goes on with ([`cloudfront`]). Events are told apart by [`Shape`], and what has none, or
//! one of another role, is an error: never an allow.
//!
//! Not here: any decision. The gate makes all of them.
pub mod authorizer;
pub mod cloudfront;
pub mod content;
#[cfg(feature = "aws")]
pub mod run;
#[cfg(feature = "aws")]
pub mod settings;
pub mod store;
pub mod stream;

mod function;
mod host;
mod http;
mod raw_path;
mod shape;

pub use cloudfront::{
    Answer, Event, EventError, EventKind, MAX_RESPONSE_BYTES, TooLarge, answer, conclude, refuse,
    result,
};
pub use function::{Clock, Failure, Function, Reply, Role};
pub use shape::{Shape, ShapeError};
