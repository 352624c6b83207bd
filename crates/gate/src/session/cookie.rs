//! The cookie that a session travels in.

use alloc::{format, string::String};

use super::{SameSite, SessionConfig};

/// The value of `Set-Cookie`. Nothing in it can end it: the name, the path and the token were judged.
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

/// A byte that may stand in the path of a cookie: what a canonical raw path has, less what ends an
/// attribute.
pub(super) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!*'():@&=$,/%".contains(&byte)
}
