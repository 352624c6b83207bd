//! Makes keys and signs tokens: for fixtures, demos, tests and `tollgate token mint`.
//!
//! It is the only crate that holds private keys, and everything in it can be reproduced: keys come
//! from seeds, and every signature, RSA-PSS included, depends on key and message alone. It will also
//! sign what no honest issuer would, because the verifier must be tried with that. Not here: anything
//! that verifies, and any code of the crates under test, so that a shared mistake cannot hide.

mod algorithm;
mod claims;
mod error;
mod jwk;
mod key;
mod minter;
mod seed;
mod sign;

pub use algorithm::{Algorithm, Family};
pub use claims::Claims;
pub use error::MintError;
pub use jwk::{Jwk, JwkSet};
pub use key::PrivateKey;
pub use minter::{Minter, base64url, compact};
