//! Parts of a checked rule in the author's own syntax, and text that is safe to show.
//!
//! Not here: how they are written, which is [`tollgate_policy::syntax`]'s, and where they are written in a
//! file ([`locate`](crate::locate)).

pub use tollgate_policy::syntax::*;
pub use tollgate_policy::visible::visible;
