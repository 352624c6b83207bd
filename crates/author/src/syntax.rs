//! Parts of a checked rule in the author's own syntax, and text that is safe to print.
//!
//! Not here: how they are written ([`tollgate_policy::syntax`]), and where in a file
//! ([`locate`](crate::locate)).

pub use tollgate_policy::syntax::*;
pub use tollgate_policy::visible::visible;
