//! Denials that an edge adds to the gate's decisions.
//!
//! An edge may be unable to do what the gate allows, or know something about a request that the gate does
//! not. Outcome and log record then describe the response that is really sent. Not here: when an edge denies.

use tollgate_core::{Decision, MethodSet, Reason};

use super::Gate;
use crate::log::TokenStatus;
use crate::outcome::Outcome;
use crate::request::Request;

/// The reason why an edge denies a request that the policy may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeDenial {
    /// The request is for a host that is not the site's.
    UnknownHost,
    /// The runtime cannot build the request for the origin, because of the client's `Host` or headers.
    Unsendable,
    /// The runtime built a request for another path than the one that was checked.
    ChangedPath,
    /// The client requests a WebSocket, which would outlive its token.
    Upgrade,
    /// The request does not name exactly one file.
    NoFile,
    /// No IAM policy can allow this path without allowing others.
    InexactArn,
    /// The edge cannot forward the path with the index document that was decided.
    IndexNotForwarded,
    /// The edge cannot send the response of a gate endpoint.
    NoEndpoint,
}

impl EdgeDenial {
    /// The stable detail code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::Unsendable => "unsendable",
            Self::ChangedPath => "changed_path",
            Self::Upgrade => "upgrade",
            Self::NoFile => "no_file_named",
            Self::InexactArn => "arn_not_exact",
            Self::IndexNotForwarded => "index_not_forwarded",
            Self::NoEndpoint => "no_endpoint",
        }
    }

    /// The reason of the outcome, on which its status depends.
    pub const fn reason(self) -> Reason {
        match self {
            Self::UnknownHost | Self::Unsendable | Self::NoFile => Reason::BadPath,
            Self::Upgrade | Self::InexactArn | Self::NoEndpoint => Reason::Forbidden,
            Self::ChangedPath | Self::IndexNotForwarded => Reason::Internal,
        }
    }
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Returns the outcome for a request that the edge denies; `token` is the status that the gate found.
    pub fn deny_at_edge(
        &self,
        request: &Request<'_>,
        token: TokenStatus,
        denial: EdgeDenial,
    ) -> Outcome {
        let decision = Decision {
            reason: denial.reason(),
            rule: None,
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        };
        self.conclude(request, decision, Some(denial.code()), token)
    }
}
