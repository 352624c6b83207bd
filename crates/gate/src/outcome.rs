//! What the gate says about a request: pass it on with these changes, or answer it like this.
//!
//! Not here: how an edge sends either.

use alloc::{borrow::Cow, string::String, vec::Vec};

use tollgate_core::Reason;

use crate::forward::Forward;
use crate::log::LogRecord;

/// The three things that can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It goes to the origin.
    Allow,
    /// It is answered here: this client may not have it, or not without signing in. Or it is for the
    /// gate itself, with status 204: see [`session`](crate::session).
    Deny,
    /// It is answered here: nobody can have it, because its path is not canonical.
    Reject,
}

impl Kind {
    /// What happens to a request for this reason.
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Allow => Self::Allow,
            Reason::BadPath => Self::Reject,
            _ => Self::Deny,
        }
    }

    /// The stable word, as it stands in logs and conformance cases.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Reject => "reject",
        }
    }
}

/// The gate's answer to one request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Allow, deny or reject.
    pub kind: Kind,
    /// 200 for allow, else the status of the response.
    pub status: u16,
    /// Why; a stable code. Not for the client.
    pub reason: Reason,
    /// What exactly is wrong with a token or path, or why there is no session; a stable code. Not for
    /// the client.
    pub detail: Option<&'static str>,
    /// The rule that decided, as `course/id`. Not for the client.
    pub rule: Option<String>,
    /// Whether this is denied only because the token names a key that nobody here knows, of an issuer
    /// whose keys can be fetched again: with fresh keys the answer may be another. See
    /// [`Gate::keys_due`](crate::Gate::keys_due).
    pub unknown_key: bool,
    /// What the edge has to do.
    pub action: Action,
    /// The decision for the operator.
    pub log: LogRecord,
}

/// What the edge has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the request to the origin with these changes.
    Forward(Forward),
    /// Send this response; the origin hears nothing.
    Respond(Respond),
}

/// A response made by the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respond {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case. No `content-length`: that is the edge's.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body; empty for `HEAD`.
    pub body: Cow<'static, str>,
}

impl Outcome {
    /// The outcome for a failure inside: denied, status 500.
    ///
    /// Edges use it for what goes wrong before a gate is asked, such as a missing policy.
    pub fn internal(method: &str, detail: &'static str) -> Self {
        let respond = crate::respond::plain(method, crate::config::INTERNAL_STATUS);
        Self {
            kind: Kind::Deny,
            status: respond.status,
            reason: Reason::Internal,
            detail: Some(detail),
            rule: None,
            unknown_key: false,
            log: LogRecord::internal(method, respond.status, detail),
            action: Action::Respond(respond),
        }
    }
}
