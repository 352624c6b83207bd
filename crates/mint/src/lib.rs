//! Key generation and token signing for fixtures, demos, tests and `tollgate token mint`.
//!
//! All output is reproducible: keys are derived from seeds, and every signature, including RSA-PSS, depends
//! only on the key and the message. The crate also signs tokens that no honest issuer would sign, because
//! the verifier must be tested with them. Not here: verification, the fixtures themselves (`lab/fixtures`),
//! and any code of the crates under test, so that a shared mistake cannot go unnoticed.

mod algorithm;
mod base64url;
mod claims;
mod error;
mod jwk;
mod key;
mod minter;
mod seed;
mod sign;

pub use algorithm::{Algorithm, Family};
pub use base64url::base64url;
pub use claims::Claims;
pub use error::MintError;
pub use jwk::{Jwk, JwkSet};
pub use key::PrivateKey;
pub use minter::{Minter, compact};
