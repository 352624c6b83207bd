//! Base64url encoding for keys and tokens.
//!
//! Not here: decoding, which only key parsing needs (`key/read.rs`).

use base64ct::{Base64UrlUnpadded, Encoding};

/// Base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
