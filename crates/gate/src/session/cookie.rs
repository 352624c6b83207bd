//! The session cookie.

use alloc::{format, string::String};

use super::{SameSite, SessionConfig};

/// Returns the value of `Set-Cookie`. Name, path and token have been validated, so none of them can end it
/// early.
pub(super) fn set(config: &SessionConfig, path: &str, token: &str, max_age_secs: i64) -> String {
    let same_site = match config.same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
        SameSite::None => "None",
    };
    let name = &config.cookie;
    format!(
        "{name}={token}; Path={path}; Max-Age={max_age_secs}; Secure; HttpOnly; SameSite={same_site}"
    )
}
