//! Parts of a checked rule in the author's own syntax, and text that is safe to print.
//!
//! Not here: how they are written ([`tollgate_policy::syntax`]), and where in a file
//! ([`locate`](crate::locate)).

pub use tollgate_policy::syntax::*;
pub use tollgate_policy::visible::visible;

/// A TOML key, quoted if it is not a bare key.
pub(crate) fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}
