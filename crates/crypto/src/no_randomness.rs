//! The source of randomness on a target without one: it always fails.
//!
//! `jwt-compact`'s RSA can also sign, so it requires randomness to link. Verification never uses any.

fn always_fail(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

getrandom::register_custom_getrandom!(always_fail);
