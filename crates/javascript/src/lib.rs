//! The policy as generated JavaScript, for edges without WebAssembly: CloudFront Functions and Akamai
//! EdgeWorkers.
//!
//! The decision is hand-written in `parts/*.js`; a policy selects the parts that it needs and
//! becomes data next to them. The code decides exactly as `tollgate_core` does, and [`lint`] checks that the
//! engines accept it. Not here: verifying that they agree, which `tollgate-targets` does.

#![forbid(unsafe_code)]

pub mod budget;
mod cloudfront;
mod config;
mod costs;
mod edgeworkers;
mod error;
mod features;
mod keys;
pub mod lint;
mod lower;
mod minify;
mod pages;
mod sign_in;
mod source;
mod store;

pub use cloudfront::pointer_of as cloudfront_pointer;
pub use cloudfront::verifies as cloudfront_verifies;
pub use cloudfront::{CloudFront, cloudfront, cloudfront_of_any_size};
pub use edgeworkers::policy_of as edgeworkers_policy;
pub use edgeworkers::verify as edgeworkers_verify;
pub use edgeworkers::{EdgeWorkers, MAX_BUNDLE_BYTES, edgeworkers};
pub use error::JavaScriptError;
pub use keys::algorithms_of_keys;
pub use store::{Entry, GENERATION_CHARS as CLOUDFRONT_GENERATION_CHARS, MAX_POLICY_BYTES};
pub use store::{MAX_PAGE_BYTES as MAX_CLOUDFRONT_PAGE_BYTES, page_bytes as cloudfront_page_bytes};
