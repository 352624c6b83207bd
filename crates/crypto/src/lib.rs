//! Signature verification for tokens.
//!
//! Two [`Provider`](tollgate_token::Provider)s: `Portable`, in plain Rust for every target, and
//! `Native`, with AWS-LC, several times faster. Both give the same results, which the tests check.
//! `signing` signs CloudFront URLs, `image_key` policy images. Not here: which key may verify which
//! token, and signing tokens.

#![no_std]

extern crate alloc;

#[cfg(feature = "image-key")]
pub mod image_key;
#[cfg(feature = "native")]
mod native;
#[cfg(all(target_arch = "wasm32", target_os = "unknown", feature = "ps"))]
mod no_randomness;
#[cfg(feature = "portable")]
mod portable;
#[cfg(feature = "signing")]
pub mod signing;

#[cfg(feature = "native")]
pub use native::Native;
#[cfg(feature = "portable")]
pub use portable::Portable;
