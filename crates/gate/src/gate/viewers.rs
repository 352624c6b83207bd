//! Requests of viewers who were let in before.
//!
//! What a viewer is, and what a host has to see to, is in [`crate::viewer`].

use alloc::sync::Arc;
use core::net::IpAddr;

use tollgate_core::{Decision, MethodSet, Query, Reason, RuleId, TokenState, decide};

use super::Gate;
use super::tokens::is_below;
use crate::cache::Known;
use crate::config::TokenSource;
use crate::forward;
use crate::log::{LogRecord, TokenSeen};
use crate::request::Request;
use crate::viewer::{Admitted, Seat, Viewers};

impl<B: AsRef<[u8]>> Gate<B> {
    /// Whether a change in header field lines of this name could change anything but the same lines of what is
    /// forwarded, for viewers who have a number.
    pub fn watches(&self, name: &str) -> bool {
        let is_source = |source: &TokenSource| match source {
            TokenSource::Header(wanted) => name.eq_ignore_ascii_case(wanted),
            TokenSource::Cookie(_) => name.eq_ignore_ascii_case("cookie"),
            TokenSource::Query(_) => false,
        };
        forward::is_withheld(name) || self.config.sources.iter().any(is_source)
    }

    /// The rule that allows a viewer's next request. `None` is no decision: the whole request has to be evaluated.
    ///
    /// `request` needs no headers and no address; they are those that the number stands for.
    pub fn admit(
        &self,
        viewers: &mut Viewers,
        viewer: u32,
        request: &Request<'_>,
    ) -> Option<Admitted> {
        let (viewer, scratch) = viewers.find(&self.epoch, viewer)?;
        let lifetime = viewer.known.lifetime?;
        let leeway_secs = self.config.leeway_secs;
        lifetime.check(request.now, leeway_secs).ok()?;
        // A session that ends soon may be renewed, which depends on other headers.
        let session = self
            .config
            .session
            .as_ref()
            .filter(|_| viewer.known.is_session);
        if session.is_some_and(|session| !self.has_time_left(session, &viewer.known, request)) {
            return None;
        }
        let (path, query) = request.path_and_query();
        if query.is_some() && (request.has_splitting_query() || self.query_counts(request)) {
            return None;
        }
        if self.is_session_path(path) {
            return None;
        }
        let options = self.image.path_options();
        if options.index.is_some() && path.ends_with(b"/") {
            // Another target is forwarded than the one received.
            return None;
        }
        let path = scratch.parse(path, options).ok()?;
        if viewer
            .known
            .base
            .as_ref()
            .is_some_and(|base| !is_below(&path, base))
        {
            return None;
        }
        let query = Query {
            path: &path,
            method: request.method,
            ip: viewer.ip,
            now: request.now,
            token: TokenState::Verified(&viewer.known.facts),
        };
        let decision = decide(&self.image, &query);
        let rule = decision.rule.filter(|_| decision.reason == Reason::Allow)?;
        Some(Admitted {
            rule,
            cache: self.cache_edit(&decision, true),
        })
    }

    /// The record of a request that [`Gate::admit`] let pass, made when somebody wants it.
    pub fn record(&self, request: &Request<'_>, rule: RuleId, issuer: usize) -> Option<LogRecord> {
        let name = Arc::clone(self.issuers.get(issuer / 2)?);
        let seen = match issuer % 2 {
            0 => TokenSeen::Verified(name),
            _ => TokenSeen::Session(name),
        };
        let decision = Decision {
            reason: Reason::Allow,
            rule: Some(rule),
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        };
        Some(self.conclude(request, decision, None, seen).log)
    }

    /// A number for whom a token of their own has let in, unless more than the watched headers counted.
    pub(super) fn seat(
        &self,
        request: &Request<'_>,
        viewers: &mut Viewers,
        known: &Arc<Known>,
        ip: Option<IpAddr>,
    ) -> Option<Seat> {
        // A session goes by the path, other headers and the time.
        let gets_sessions = known.parent.is_some();
        // What is added to the request goes by the rule.
        if gets_sessions || self.config.forward.identity || self.query_counts(request) {
            return None;
        }
        let same = |name: &Arc<str>| Arc::ptr_eq(name, &known.issuer);
        let issuer = self.issuers.iter().position(same)?;
        let viewer = viewers.seat(&self.epoch, known, ip)?;
        let issuer = 2 * issuer + usize::from(known.is_session);
        Some(Seat { viewer, issuer })
    }

    /// Whether a token may stand in the query, and there is one.
    fn query_counts(&self, request: &Request<'_>) -> bool {
        let is_query = |source: &TokenSource| matches!(source, TokenSource::Query(_));
        request.query().is_some() && self.config.sources.iter().any(is_query)
    }
}
