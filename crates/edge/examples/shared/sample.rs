//! The site of the examples: its policy image, and tokens of one of its users.
//!
//! In production the image comes from `tollgate build` and the token from the user's sign-in. Not here: code
//! that an embedder would write.

use core::error::Error;

use tollgate_mint::{Algorithm, Minter, PrivateKey};

/// `examples/policy`, compiled.
pub(crate) const IMAGE: &[u8] = include_bytes!("../policy.tgi");

/// The time of all requests, in Unix seconds, so that every run prints the same.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A key of the school where users sign in. The policy has the public half of `school-1`.
pub(crate) fn key(kid: &str) -> Result<PrivateKey, Box<dyn Error>> {
    let seed = "the examples of tollgate-edge";
    Ok(PrivateKey::generate(seed, kid, Algorithm::ES256, 0)?)
}

/// An ID token of `alice`, a member of the group `rust-101`. It is valid for an hour from [`NOW`].
pub(crate) fn token(kid: &str) -> Result<String, Box<dyn Error>> {
    let claims = format!(
        r#"{{"iss":"https://login.school.example","aud":"learn","sub":"alice","groups":["rust-101"],"iat":{NOW},"exp":{}}}"#,
        NOW + 3_600
    );
    Ok(Minter::new(key(kid)?).token(&claims)?)
}
