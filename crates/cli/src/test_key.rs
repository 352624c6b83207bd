//! Test keys: private keys whose tokens only policies for tests accept.
//!
//! Not here: keys of policy images ([`crate::keygen`]), and the mark of their public halves
//! ([`tollgate_author::test_keys`]).

use serde_json::Value;
use tollgate_author::test_keys::mark;
use tollgate_mint::{Algorithm, PrivateKey};

use crate::failure::Failure;

/// The algorithms that test keys are generated for.
pub(crate) const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::HS256,
];
/// The size of RSA keys, in bits.
const RSA_BITS: usize = 2_048;

/// Generates a key. Without a key ID, the key gets a random one.
pub(crate) fn generate(kid: Option<&str>, algorithm: Algorithm) -> Result<PrivateKey, Failure> {
    let kid = match kid {
        Some(kid) => kid.to_owned(),
        None => format!("test-{}", random::<4>()?),
    };
    // The minter derives keys from a text; with 256 random bits in it, nobody can derive the same key.
    let seed = random::<32>()?;
    PrivateKey::generate(&seed, &kid, algorithm, RSA_BITS).map_err(Failure::Mint)
}

/// The marked public half of a key; `None` for a shared secret.
pub(crate) fn public(key: &PrivateKey) -> Option<Value> {
    let mut public = serde_json::to_value(key.to_public_jwk()?).ok()?;
    mark(&mut public);
    Some(public)
}

/// Random bytes from the system, in hexadecimal.
fn random<const N: usize>() -> Result<String, Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::NoRandom(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
