//! The kinds of outcome.

use tollgate_core::Reason;

/// The kinds of outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The request is forwarded to the origin.
    Allow,
    /// The request is denied: this client may not access the path, or not without signing in.
    Deny,
    /// The request is rejected: its path is not canonical, so no client may access it.
    Reject,
    /// The request is for an endpoint of the gate itself, which responds to it: see
    /// [`session`](crate::session).
    Serve,
}

impl Kind {
    /// All kinds, in the order of their numbers in [`wire`](crate::wire).
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Reject, Self::Serve];

    /// Returns the kind of outcome for a decision with this reason.
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Allow => Self::Allow,
            Reason::BadPath => Self::Reject,
            _ => Self::Deny,
        }
    }

    /// The stable code in logs and conformance cases.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Reject => "reject",
            Self::Serve => "serve",
        }
    }
}
