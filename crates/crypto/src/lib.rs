//! Signature verification for tokens: the only crate that names a cryptography library.
//!
//! Two [`Provider`](tollgate_token::Provider)s: `Portable`, in plain Rust for every target, and
//! `Native`, over AWS-LC, several times as fast. Both answer alike; the tests say so. Not here:
//! which key may verify which token, and anything that signs one: `signing` is for URLs of CloudFront,
//! `image_key` for policy images.

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
