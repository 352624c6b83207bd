//! The outcome of a request: forward it with these edits, serve it here, or refuse it.
//!
//! An adapter destructures every part of an [`Action`] without `..`, so an adapter that forgets a part does
//! not compile. Not here: how an edge sends any of it.

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

/// The outcome of one request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Allow, deny, reject or serve.
    pub kind: Kind,
    /// 200 for allow, otherwise the status of the response.
    pub status: u16,
    /// The reason; a stable code. Not for the client.
    pub reason: Reason,
    /// The detail code: what is wrong with a token or path, or why no session was minted. Not for the client.
    pub detail: Option<&'static str>,
    /// The rule that decided, as `course/id`. Not for the client.
    pub rule: Option<String>,
    /// Whether the request is denied only because a token names an unknown key ID of an issuer whose keys can
    /// be fetched. With refreshed keys the outcome may differ. See [`Gate::follow`](crate::Gate::follow).
    pub unknown_key: bool,
    /// The action that the edge must take.
    pub action: Action,
    /// The log record, for the operator.
    pub log: LogRecord,
}

/// The action that the edge must take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forward the request to the origin, with these edits to the request and to the response.
    Forward(Forward),
    /// Send this response of a gate endpoint; do not contact the origin.
    Serve(Response),
    /// Send this response to a denied or rejected request; do not contact the origin.
    Refuse(Response),
}

/// A response from the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case; `set-cookie` can occur several times. The edge adds
    /// `content-length`.
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
    /// Turns this into the outcome of a request that the gate itself responds to; `detail` is its detail
    /// code.
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

    /// The outcome for an internal failure: denied, status 500.
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
