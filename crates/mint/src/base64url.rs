//! How keys and tokens write bytes.
//!
//! Not here: reading it, which is for keys alone (`key/read.rs`).

use base64ct::{Base64UrlUnpadded, Encoding};

/// Base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
