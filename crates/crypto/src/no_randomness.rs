//! The source of randomness on a target that has none: it always fails.
//!
//! `jwt-compact`'s RSA signs as well as verifies, so it wants randomness to be linked. Verification
//! never asks for any, and nothing here signs.

fn always_fail(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

getrandom::register_custom_getrandom!(always_fail);
