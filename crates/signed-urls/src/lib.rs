//! CloudFront's signed URLs and signed cookies: their holder can fetch a resource until they
//! expire.
//!
//! A [`Policy`] names a [`Resource`], an end time, and optionally a start time and a network. A
//! [`Signer`] turns it into a URL or cookies. CloudFront reads `*` and `?` in a resource as
//! wildcards, and a policy without a resource as one for everything. A policy here therefore always
//! has a resource, and a requested path cannot introduce a wildcard.
//!
//! ```
//! use tollgate_signed_urls::{Policy, Resource, SigningHash, Signer, SigningKey};
//!
//! # fn sign(pem: &str) -> Result<String, Box<dyn std::error::Error>> {
//! let key = SigningKey::from_pem(pem, SigningHash::Sha256)?;
//! let signer = Signer::new(key, "K2JCJMDEHXQW5F")?;
//! let video = Resource::exact("media.example.com", "/courses/rust-101/week%201/a.mp4")?;
//! Ok(signer.url(&Policy::until(video, 1_800_000_300))?)
//! # }
//! ```
//!
//! Not here: deciding who may have a URL (the gate), and a clock.

#![forbid(unsafe_code)]

mod policy;
mod resource;
mod signer;

pub use policy::{Network, Policy};
pub use resource::{Resource, ResourceError};
pub use signer::{Cookie, KeyIdError, Signer};
pub use tollgate_crypto::signing::{SigningFailed, SigningHash, SigningKey, SigningKeyError};
