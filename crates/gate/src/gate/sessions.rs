//! The use of sessions: issued with a response, issued at the endpoint, renewed, and cleared.
//!
//! [`crate::session`] defines a session and which tokens cannot become one.

use alloc::{string::String, sync::Arc, vec::Vec};

use tollgate_core::{Decision, MethodSet, Path, Reason, UnixSeconds};
use tollgate_token::TokenError;

use super::tokens::{Found, Tokens};
use super::{Gate, PREFLIGHT};
use crate::cache::Known;
use crate::config::TokenSource;
use crate::forward::CacheEdit;
use crate::log::TokenStatus;
use crate::outcome::{Action, Outcome};
use crate::request::Request;
use crate::respond;
use crate::response::empty;
use crate::session::{MAX_COOKIES, Mint, NoSession, Parent, SessionConfig, SessionPath, TOO_LARGE};
use crate::source::Candidates;

/// The detail code of the endpoint's response.
const SESSION: &str = "session";
/// The status of the endpoint's response.
const NO_CONTENT: u16 = 204;

/// The change to the session cookie.
enum Cookie {
    /// It is set to this value.
    Set(String),
    /// It stays as it is.
    Keep,
    /// No session was minted, for this detail code.
    Failed(&'static str),
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Whether the request is for the endpoint. Assumed claims never become a session.
    pub(super) fn is_session_endpoint(&self, request: &Request<'_>, tokens: &Tokens<'_>) -> bool {
        !matches!(tokens, Tokens::Assume(_)) && self.is_session_path(request.path())
    }

    /// Whether this raw path is that of the endpoint.
    pub(super) fn is_session_path(&self, path: &[u8]) -> bool {
        let session = self.config.session.as_ref();
        let endpoint = session.and_then(|session| session.endpoint.as_ref());
        endpoint.is_some_and(|endpoint| endpoint.as_bytes() == path)
    }

    /// Adds the change to the session cookie to the outcome: a new session for an allowed request with a
    /// sign-in token, or the clearing of a cookie that no longer verifies.
    pub(super) fn set_session(
        &self,
        outcome: &mut Outcome,
        request: &Request<'_>,
        path: &Path<'_>,
        found: &Found,
        tokens: &mut Tokens<'_>,
    ) {
        let Some(session) = &self.config.session else {
            return;
        };
        let mut cookie = Cookie::Keep;
        if let (Action::Forward(_), Some(known)) = (&outcome.action, &found.known) {
            cookie = self.session_with_response(session, request, path, known, found, tokens);
        }
        if let Cookie::Failed(detail) = cookie {
            outcome.detail = Some(detail);
            outcome.log.detail = Some(detail);
        }
        let value = match cookie {
            Cookie::Set(value) => Some(value),
            // With sign-in, only its endpoints change the cookie: the browser could store this response after
            // that of a sign-in.
            Cookie::Keep | Cookie::Failed(_) if found.stale_session && self.sign_in.is_none() => {
                session.cleared(request.path())
            }
            Cookie::Keep | Cookie::Failed(_) => None,
        };
        let Some(value) = value else { return };
        match &mut outcome.action {
            Action::Forward(forward) => {
                forward.response.set_cookies.push(value);
                forward.response.cache = CacheEdit::NoStore;
            }
            Action::Serve(response) | Action::Refuse(response) => {
                response.push("set-cookie", value)
            }
        }
    }

    fn session_with_response(
        &self,
        session: &SessionConfig,
        request: &Request<'_>,
        path: &Path<'_>,
        known: &Arc<Known>,
        found: &Found,
        tokens: &mut Tokens<'_>,
    ) -> Cookie {
        let Some(scope) = session
            .path_for(request.path())
            .filter(|_| session.on_sign_in)
        else {
            return Cookie::Keep;
        };
        // Another cookie of the request may contain a session. A session is renewed before it ends.
        let parent = if known.is_session {
            if self.has_time_left(session, known, request) {
                return Cookie::Keep;
            }
            let parent = self.sign_in_token(request, path, tokens).ok().flatten();
            parent.filter(|parent| is_same_user(parent, known))
        } else {
            let is_kept = found
                .source
                .is_some_and(|source| self.is_kept_source(source));
            let wanted = is_kept && !self.has_session(session, request, path, known, tokens);
            wanted.then(|| Arc::clone(known))
        };
        let Some(known) = parent else {
            return Cookie::Keep;
        };
        let Some(parent) = &known.parent else {
            return Cookie::Keep;
        };
        let mut paths = session.paths.iter();
        let at = paths.position(|path| core::ptr::eq(path, scope));
        let at = at.unwrap_or_default();
        if let Tokens::Remember(cache) = tokens
            && let Some(cookie) = cache.issued(&known, at, request.now)
        {
            return Cookie::Set(cookie.into());
        }
        match self.mint(session, request).cookie(scope, parent) {
            Ok(cookie) => {
                if let Tokens::Remember(cache) = tokens {
                    cache.keep_issued(&known, (at, request.now), &cookie);
                }
                Cookie::Set(cookie)
            }
            Err(NoSession::TooLarge) => Cookie::Failed(TOO_LARGE),
            Err(NoSession::None) => Cookie::Keep,
        }
    }

    /// The endpoint's outcome: sessions for a sign-in token, or a denial.
    pub(super) fn answer_session(
        &self,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Outcome {
        let post = MethodSet::from_name("POST").unwrap_or(MethodSet::EMPTY);
        if MethodSet::from_name(request.method) != Some(post) {
            if let Some(response) = respond::preflight(&self.config.deny, request) {
                let none = MethodSet::EMPTY;
                let (reason, seen) = (Reason::BadMethod, TokenStatus::Unread);
                return self
                    .refuse(request, reason, None, seen, none)
                    .served(response, PREFLIGHT);
            }
            return self.refuse(request, Reason::BadMethod, None, TokenStatus::Unread, post);
        }
        let mut found = self.find_token(request, path, tokens);
        let sign_in = match self.sign_in_token(request, path, tokens) {
            Ok(sign_in) => sign_in,
            Err(error) => {
                found.known = None;
                found.rejected = found.rejected.or(Some(error.into()));
                None
            }
        };
        let (detail, seen, reason) = match (&sign_in, &found.known, found.rejected) {
            (Some(known), _, _) => return self.serve_sessions(request, known),
            // A session cannot be renewed with itself, and a token from a link mints nothing.
            (None, Some(known), _) => (None, known.seen(), Reason::NoToken),
            (None, None, Some(rejected)) => (
                Some(rejected.error.code()),
                self.seen(rejected),
                Reason::BadToken,
            ),
            (None, None, None) => (None, TokenStatus::Absent, Reason::NoToken),
        };
        let none = MethodSet::EMPTY;
        let mut outcome = self.refuse(request, reason, detail, seen, none);
        outcome.unknown_key = found.unknown_key && reason == Reason::BadToken;
        found.known = None;
        self.set_session(&mut outcome, request, path, &found, tokens);
        outcome
    }

    fn serve_sessions(&self, request: &Request<'_>, known: &Arc<Known>) -> Outcome {
        let mut detail = SESSION;
        let mut response = empty(NO_CONTENT);
        if let (Some(session), Some(parent)) = (&self.config.session, &known.parent) {
            let mint = self.mint(session, request);
            let asked = request
                .query()
                .and_then(|query| query.strip_prefix(b"path="));
            let paths = self.wanted(session, asked, parent).into_iter();
            for path in paths.take(MAX_COOKIES) {
                match mint.cookie(path, parent) {
                    Ok(cookie) => response.push("set-cookie", cookie),
                    Err(NoSession::TooLarge) => detail = TOO_LARGE,
                    Err(NoSession::None) => {}
                }
            }
        }
        respond::share(&self.config.deny, request, &mut response);
        let none = MethodSet::EMPTY;
        self.refuse(request, Reason::Forbidden, None, known.seen(), none)
            .served(response, detail)
    }

    /// The sessions of a user who signed in, for the path to return to and all paths that concern the user.
    pub(super) fn session_cookies(
        &self,
        session: &SessionConfig,
        request: &Request<'_>,
        parent: &Parent,
        to: &[u8],
    ) -> Result<Vec<String>, NoSession> {
        let mint = self.mint(session, request);
        let mut paths = self.wanted(session, None, parent);
        if let Some(first) = session.path_for(to) {
            paths.retain(|path| !core::ptr::eq(*path, first));
            paths.insert(0, first);
        }
        let minted = paths.into_iter().take(MAX_COOKIES);
        minted.map(|path| mint.cookie(path, parent)).collect()
    }

    /// The paths for which the endpoint issues cookies: the one that is asked for, otherwise all that have a
    /// rule for the user's groups or scopes.
    fn wanted<'a>(
        &self,
        session: &'a SessionConfig,
        asked: Option<&[u8]>,
        parent: &Parent,
    ) -> Vec<&'a SessionPath> {
        if let [only @ SessionPath { base: None, .. }] = session.paths.as_slice() {
            return Vec::from([only]);
        }
        if let Some(raw) = asked {
            return session.path_for(raw).into_iter().collect();
        }
        let Some(issuer) = self.config.issuers.get(parent.issuer) else {
            return Vec::new();
        };
        let concerns = |path: &&SessionPath| path.concerns(parent, issuer);
        session.paths.iter().filter(concerns).collect()
    }

    /// Returns the first sign-in token that verifies, from a source that a link cannot fill. As for any other
    /// path, two different valid tokens in one cookie are an error: a neighbouring site may have set one of
    /// them.
    fn sign_in_token(
        &self,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Result<Option<Arc<Known>>, TokenError> {
        let candidates = Candidates::read(&self.config.sources, request)?;
        let mut rest = candidates.iter();
        while let Some(candidate) = rest.next() {
            if !self.is_kept_source(candidate.source) {
                continue;
            }
            let Ok(known) = self.verify_candidate(&candidate, request, path, tokens) else {
                continue;
            };
            if self.conflicts(&known, &candidate, rest.clone(), request, path, tokens) {
                return Err(TokenError::ConflictingTokens);
            }
            if known.parent.is_some() {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Whether the source at this position can be filled only by the client itself, not by a link.
    fn is_kept_source(&self, position: usize) -> bool {
        let source = self.config.sources.get(position);
        source.is_some_and(|source| !matches!(source, TokenSource::Query(_)))
    }

    /// Whether the request also contains a session of the same user with time left.
    fn has_session(
        &self,
        session: &SessionConfig,
        request: &Request<'_>,
        path: &Path<'_>,
        user: &Known,
        tokens: &mut Tokens<'_>,
    ) -> bool {
        let Ok(candidates) = Candidates::read(&self.config.sources, request) else {
            return false;
        };
        let mut sessions = candidates
            .iter()
            .filter(|candidate| self.is_session_source(candidate.source));
        sessions.any(|candidate| {
            let known = self.verify_candidate(&candidate, request, path, tokens);
            known.is_ok_and(|known| {
                known.is_session
                    && is_same_user(user, &known)
                    && self.has_time_left(session, &known, request)
            })
        })
    }

    /// Whether a session is valid for at least another quarter of its lifetime.
    pub(super) fn has_time_left(
        &self,
        session: &SessionConfig,
        known: &Known,
        request: &Request<'_>,
    ) -> bool {
        let rest = i64::from(session.lifetime_secs / 4);
        let later = UnixSeconds(request.now.0.saturating_add(rest));
        known
            .lifetime
            .is_some_and(|lifetime| lifetime.expires_at() > later)
    }

    fn mint<'a>(&'a self, config: &'a SessionConfig, request: &Request<'_>) -> Mint<'a, B> {
        Mint {
            config,
            gate: &self.config,
            image: &self.image,
            verifier: &self.verifier,
            now: request.now,
        }
    }

    /// The denial of a request to an endpoint.
    pub(super) fn refuse(
        &self,
        request: &Request<'_>,
        reason: Reason,
        detail: Option<&'static str>,
        token: TokenStatus,
        allow_methods: MethodSet,
    ) -> Outcome {
        let decision = Decision {
            reason,
            rule: None,
            allow_methods,
            needs_token: false,
        };
        self.conclude(request, decision, detail, token)
    }
}

/// Whether a sign-in token belongs to the user of a session.
fn is_same_user(sign_in: &Known, session: &Known) -> bool {
    let (one, other) = (&sign_in.facts, &session.facts);
    one.issuer() == other.issuer() && one.subject() == other.subject()
}
