//! Makes keys and signs tokens: for fixtures, demos, tests and `tollgate token mint`.
//!
//! Everything in it can be reproduced: keys come from seeds, and every signature, RSA-PSS included,
//! depends on key and message alone. It also signs what no honest issuer would, because the verifier
//! must be tested with that. Not here: anything that verifies, the fixtures themselves
//! (`lab/fixtures`), and any code of the crates under test, so that a shared mistake cannot hide.

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
