//! The bytes that names and paths in headers consist of.

/// A `token` character of RFC 9110, of which header and cookie names consist.
pub(crate) fn is_http_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a cookie path can contain this byte: the bytes of a canonical raw path, without those that end an
/// attribute.
pub(crate) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!*'():@&=$,/%".contains(&byte)
}
