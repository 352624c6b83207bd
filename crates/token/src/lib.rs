//! Strict token verification: bytes in, verified claims out, or the single reason for rejection.
//!
//! A [`Verifier`] is built once from [`IssuerConfig`]s, validating every key, and a [`Provider`] of
//! signature algorithms. [`Verifier::verify`] then turns an untrusted token into a [`Verified`]
//! one, whose [`Claims`] provide the [`Facts`](tollgate_core::Facts) that a policy is evaluated
//! with. [`jws`] is the layer below, for any payload.
//!
//! Where standards leave a choice, or parsers are known to differ, the stricter option is used and
//! documented: see [`json`], [`base64url`] and [`TokenError`]. Not here: cryptography (see
//! [`Provider`]), HTTP, clocks, and any I/O.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod base64url;
pub mod json;
pub mod jws;

mod algorithm;
mod claims;
mod compact;
mod curve;
mod error;
mod issuer;
mod jwk;
mod jwks;
mod lifetime;
mod provider;
mod verify;

pub use algorithm::{Algorithm, KeyKind};
pub use claims::{Claims, Groups, MAX_TIME_SECS, Round, declared};
pub use curve::Curve;
pub use error::{ClaimName, KeyError, KeyErrorKind, Rejected, SkipReason, SkippedKey, TokenError};
pub use issuer::{
    COGNITO_GROUPS_CLAIM, ClaimPath, ClaimRules, IssuerConfig, IssuerKind, Secret, cognito_issuers,
};
pub use jwk::{Jwk, JwkError, MAX_KID_BYTES};
pub use jwks::{Jwks, JwksKey};
pub use lifetime::Lifetime;
pub use provider::{
    BadSignature, CheckedKey, KeyMaterial, KeyRefused, PreparedKey, Provider, SEALING_NONCE_BYTES,
    SealingKey,
};
pub use verify::{Limits, Verified, Verifier};
