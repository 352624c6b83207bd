//! The outcome of a request: forward it with these edits, serve it here, or refuse it.
//!
//! An adapter destructures every part of an [`Action`] without `..`, so an adapter that forgets a part does
//! not compile. Not here: how an edge sends any of it.

use alloc::{boxed::Box, string::String};

use tollgate_core::Reason;

use crate::forward::Forward;
use crate::kind::Kind;
use crate::log::LogRecord;
use crate::response::{Response, plain};
use crate::sign_in::exchange::Wanted;

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
    /// The request to the provider that the outcome of a sign-in endpoint depends on.
    pub(crate) wanted: Option<Box<Wanted>>,
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

impl Outcome {
    /// Whether another outcome is possible after a fetch: see [`Gate::follow`](crate::Gate::follow).
    pub fn needs_fetch(&self) -> bool {
        self.unknown_key || self.wanted.is_some()
    }

    /// Turns this into the outcome of a request that the gate itself responds to; `detail` is its detail
    /// code.
    pub(crate) fn served(mut self, response: Response, detail: &'static str) -> Self {
        self.serve(response, detail);
        self
    }

    /// The same, in place.
    pub(crate) fn serve(&mut self, response: Response, detail: &'static str) {
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
    }

    /// The outcome for an internal failure: denied, status 500.
    ///
    /// Edges use it for failures before a gate is called, such as a missing policy.
    pub fn internal(method: &str, detail: &'static str) -> Self {
        let response = plain(method, crate::config::INTERNAL_STATUS);
        Self {
            kind: Kind::Deny,
            status: response.status,
            reason: Reason::Internal,
            detail: Some(detail),
            rule: None,
            unknown_key: false,
            wanted: None,
            log: LogRecord::internal(method, response.status, detail),
            action: Action::Refuse(response),
        }
    }
}
