//! Repeat requests of allowed clients.
//!
//! [`crate::client_cache`] defines such a client and what a host must guarantee.

use alloc::sync::Arc;
use core::net::IpAddr;

use tollgate_core::{Decision, MethodSet, Query, Reason, RuleId, TokenState, decide};

use super::Gate;
use super::tokens::is_below;
use crate::cache::Known;
use crate::client_cache::{Admitted, ClientCache, ClientHandle};
use crate::config::TokenSource;
use crate::forward;
use crate::log::{LogRecord, TokenStatus};
use crate::request::Request;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Whether a change of the header field lines of this name invalidates a handle. For all other
    /// names a changed line changes the same line of the forwarded request, and nothing else.
    pub fn is_watched_header(&self, name: &str) -> bool {
        let is_source = |source: &TokenSource| match source {
            TokenSource::Header(wanted) => name.eq_ignore_ascii_case(wanted),
            TokenSource::Cookie(_) => name.eq_ignore_ascii_case("cookie"),
            TokenSource::Query(_) => false,
        };
        forward::is_withheld(name) || self.config.sources.iter().any(is_source)
    }

    /// Returns the rule that allows a repeat request, or `None` if the whole request has to be evaluated.
    /// `None` is not a decision.
    ///
    /// `request` needs neither headers nor an address: the handle identifies both.
    pub fn admit(
        &self,
        clients: &mut ClientCache,
        handle: u32,
        request: &Request<'_>,
    ) -> Option<Admitted> {
        let (client, scratch) = clients.find(&self.epoch, handle)?;
        let lifetime = client.known.lifetime?;
        let leeway_secs = self.config.leeway_secs;
        lifetime.check(request.now, leeway_secs).ok()?;
        // A session that ends soon may be renewed, which depends on other headers.
        let session = self
            .config
            .session
            .as_ref()
            .filter(|_| client.known.is_session);
        if session.is_some_and(|session| !self.has_time_left(session, &client.known, request)) {
            return None;
        }
        let (path, query) = request.path_and_query();
        if query.is_some() && (request.has_splitting_query() || self.query_counts(request)) {
            return None;
        }
        let sign_in = self.config.sign_in.as_ref();
        if self.is_session_path(path) || sign_in.is_some_and(|config| config.below(path).is_some())
        {
            return None;
        }
        let options = self.image.path_options();
        if options.index.is_some() && path.ends_with(b"/") {
            // Another target is forwarded than the one received.
            return None;
        }
        let path = scratch.parse(path, options).ok()?;
        if client
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
            ip: client.ip,
            now: request.now,
            token: TokenState::Verified(&client.known.facts),
        };
        let decision = decide(&self.image, &query);
        let rule = decision.rule.filter(|_| decision.reason == Reason::Allow)?;
        Some(Admitted {
            rule,
            cache: self.cache_edit(&decision, true),
        })
    }

    /// Returns the log record of a request that [`Gate::admit`] allowed. It is built only when a host reads
    /// it.
    pub fn record(&self, request: &Request<'_>, rule: RuleId, issuer: usize) -> Option<LogRecord> {
        let name = Arc::clone(self.issuers.get(issuer / 2)?);
        let seen = match issuer % 2 {
            0 => TokenStatus::Verified(name),
            _ => TokenStatus::Session(name),
        };
        let decision = Decision {
            reason: Reason::Allow,
            rule: Some(rule),
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        };
        Some(self.conclude(request, decision, None, seen).log)
    }

    /// Returns a handle if the request was allowed by a verified token of its own and the outcome depends on
    /// no headers but the watched ones.
    pub(super) fn client_handle(
        &self,
        request: &Request<'_>,
        clients: &mut ClientCache,
        known: &Arc<Known>,
        ip: Option<IpAddr>,
    ) -> Option<ClientHandle> {
        // Whether a session is issued depends on the path, other headers and the time.
        let gets_sessions = known.parent.is_some();
        // The added identity headers depend on the rule.
        if gets_sessions || self.config.forward.identity || self.query_counts(request) {
            return None;
        }
        let same = |name: &Arc<str>| Arc::ptr_eq(name, &known.issuer);
        let issuer = self.issuers.iter().position(same)?;
        let handle = clients.insert(&self.epoch, known, ip)?;
        let issuer = 2 * issuer + usize::from(known.is_session);
        Some(ClientHandle { handle, issuer })
    }

    /// Whether the request has a query and a token can be in it.
    fn query_counts(&self, request: &Request<'_>) -> bool {
        let is_query = |source: &TokenSource| matches!(source, TokenSource::Query(_));
        request.query().is_some() && self.config.sources.iter().any(is_query)
    }
}
