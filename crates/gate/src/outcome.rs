//! The outcome of a request: forward it with these edits, serve it here, or refuse it.
//!
//! An adapter takes every part of an [`Action`] apart without `..`, so one that forgets a part does not
//! compile. Not here: how an edge sends any of it.

use alloc::{borrow::Cow, string::String, vec::Vec};

use tollgate_core::Reason;

use crate::forward::Forward;
use crate::log::LogRecord;

/// The kinds of outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The request is forwarded to the origin.
    Allow,
    /// The request is denied: this client may not access the path, or not without signing in.
    Deny,
    /// The request is rejected: its path is not canonical, so no client may access it.
    Reject,
    /// The request is for an endpoint of the gate itself, which answers it: see
    /// [`session`](crate::session).
    Serve,
}

impl Kind {
    /// All kinds, in the order of their numbers in [`wire`](crate::wire).
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Reject, Self::Serve];

    /// The kind of outcome that a decision with this reason has.
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Allow => Self::Allow,
            Reason::BadPath => Self::Reject,
            _ => Self::Deny,
        }
    }

    /// The stable word in logs and conformance cases.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Reject => "reject",
            Self::Serve => "serve",
        }
    }
}

/// The outcome of one request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Allow, deny, reject or serve.
    pub kind: Kind,
    /// 200 for allow, else the status of the response.
    pub status: u16,
    /// The reason; a stable code. Not for the client.
    pub reason: Reason,
    /// What exactly is wrong with a token or path, or why no session was minted; a stable code. Not for
    /// the client.
    pub detail: Option<&'static str>,
    /// The rule that decided, as `course/id`. Not for the client.
    pub rule: Option<String>,
    /// Whether the request is denied only because a token names an unknown key of an issuer whose keys can
    /// be fetched: with refreshed keys the outcome may be another. See [`Gate::follow`](crate::Gate::follow).
    pub unknown_key: bool,
    /// What the edge has to do.
    pub action: Action,
    /// The decision for the operator.
    pub log: LogRecord,
}

/// What the edge has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forward the request to the origin, with these edits to the request and to the response.
    Forward(Forward),
    /// Send this response of a gate endpoint; do not contact the origin.
    Serve(Response),
    /// Send this response to a denied or rejected request; do not contact the origin.
    Refuse(Response),
}

/// A response made by the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case; `set-cookie` can occur several times. No `content-length`:
    /// that is the edge's.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body; empty for `HEAD`.
    pub body: Cow<'static, str>,
}

impl Response {
    /// Replaces the value of a field.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let mut fields = self.headers.iter_mut();
        if let Some((_, old)) = fields.find(|(known, _)| known == name) {
            *old = value.into();
        }
    }

    pub(crate) fn push(&mut self, name: &'static str, value: String) {
        self.headers.push((Cow::Borrowed(name), value));
    }
}

impl Outcome {
    /// The outcome of a request that the gate answers itself with `response`; `detail` says what it is.
    pub(crate) fn served(mut self, response: Response, detail: &'static str) -> Self {
        self.kind = Kind::Serve;
        self.status = response.status;
        self.reason = Reason::Allow;
        self.detail = Some(detail);
        self.rule = None;
        self.unknown_key = false;
        self.log.outcome = self.kind;
        self.log.status = self.status;
        self.log.reason = self.reason;
        self.log.detail = self.detail;
        self.log.rule = None;
        self.action = Action::Serve(response);
        self
    }

    /// The outcome for a failure inside: denied, status 500.
    ///
    /// Edges use it for failures before a gate is called, such as a missing policy.
    pub fn internal(method: &str, detail: &'static str) -> Self {
        let response = crate::respond::plain(method, crate::config::INTERNAL_STATUS);
        Self {
            kind: Kind::Deny,
            status: response.status,
            reason: Reason::Internal,
            detail: Some(detail),
            rule: None,
            unknown_key: false,
            log: LogRecord::internal(method, response.status, detail),
            action: Action::Refuse(response),
        }
    }
}
