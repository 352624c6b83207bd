//! Strict tokens: bytes in, verified claims out, or the one reason why not.
//!
//! A [`Verifier`] is made once from [`IssuerConfig`]s, which judges every key, and a
//! [`Provider`] of signature algorithms. [`Verifier::verify`] then turns an untrusted token into a
//! [`Verified`] one, whose [`Claims`] give the [`Facts`](tollgate_core::Facts) that a policy decides
//! on. [`jws`] is the layer below, for any payload.
//!
//! Where standards leave a choice, or readers are known to differ, the narrow side is taken and said
//! so: see [`json`], [`base64url`] and [`TokenError`]. Not here: cryptography (a [`Provider`] has it),
//! HTTP, clocks, and any kind of input or output.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod base64url;
pub mod json;
pub mod jws;

mod algorithm;
mod claims;
mod compact;
mod error;
mod issuer;
mod jwk;
mod jwks;
mod lifetime;
mod provider;
mod verify;

pub use algorithm::{Algorithm, KeyKind};
pub use claims::{Claims, Groups, MAX_TIME_SECS, Round, declared};
pub use error::{ClaimName, KeyError, KeyFault, KeyNote, Rejected, SkipReason, TokenError};
pub use issuer::{
    COGNITO_GROUPS_CLAIM, ClaimPath, ClaimRules, IssuerConfig, IssuerKind, Secret, cognito_issuers,
};
pub use jwk::{Jwk, JwkError, MAX_KID_BYTES};
pub use jwks::{Jwks, JwksKey};
pub use lifetime::Lifetime;
pub use provider::{
    BadSignature, CheckedKey, Curve, KeyMaterial, KeyRefused, PreparedKey, Provider,
};
pub use verify::{Limits, Verified, Verifier};
