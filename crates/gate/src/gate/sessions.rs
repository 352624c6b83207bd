//! Sessions at work: beside an answer, and at the endpoint.
//!
//! What a session is, and what may not become one, is in [`crate::session`].

use alloc::{borrow::Cow, string::String, sync::Arc, vec::Vec};

use tollgate_core::{Decision, MethodSet, Reason, UnixSeconds};
use tollgate_token::TokenError;

use super::{Gate, Tokens};
use crate::cache::Known;
use crate::config::TokenSource;
use crate::log::TokenSeen;
use crate::outcome::{Action, Outcome, Respond};
use crate::request::Request;
use crate::respond;
use crate::session::{MAX_COOKIES, Mint, NoSession, Parent, SessionConfig, SessionPath, TOO_LARGE};
use crate::source::{self, Found, cookie_pairs, headers_named};

/// The detail code for the endpoint's answer.
const SESSION: &str = "session";
/// The status of the endpoint's answer.
const NO_CONTENT: u16 = 204;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Whether the request is for the endpoint. Claims that are only assumed never become a session.
    pub(super) fn is_session_endpoint(&self, request: &Request<'_>, tokens: &Tokens<'_>) -> bool {
        !matches!(tokens, Tokens::Assume(_)) && self.is_session_path(request.path())
    }

    /// Whether this raw path is the endpoint's.
    pub(super) fn is_session_path(&self, path: &[u8]) -> bool {
        let session = self.config.session.as_ref();
        let endpoint = session.and_then(|session| session.endpoint.as_ref());
        endpoint.is_some_and(|endpoint| endpoint.as_bytes() == path)
    }

    /// The cookie to set beside the answer to a request that a sign-in token has opened, if any.
    ///
    /// # Errors
    ///
    /// The detail code for a session that cannot be.
    pub(super) fn session_along(
        &self,
        request: &Request<'_>,
        known: &Known,
    ) -> Result<Option<String>, &'static str> {
        let (Some(session), Some(parent)) = (&self.config.session, &known.parent) else {
            return Ok(None);
        };
        let Some(path) = session
            .path_for(request.path())
            .filter(|_| session.on_sign_in)
        else {
            return Ok(None);
        };
        if !self.is_kept_by_client(request) || self.has_session(session, request) {
            return Ok(None);
        }
        match self.mint(session, request).cookie(path, parent) {
            Ok(cookie) => Ok(Some(cookie)),
            Err(NoSession::TooLarge) => Err(TOO_LARGE),
            Err(NoSession::None) => Ok(None),
        }
    }

    /// The endpoint's answer: sessions for a sign-in token, or what somebody without one gets.
    pub(super) fn answer_session(&self, request: &Request<'_>, tokens: Tokens<'_>) -> Outcome {
        let post = MethodSet::from_name("POST").unwrap_or(MethodSet::EMPTY);
        if MethodSet::from_name(request.method) != Some(post) {
            return self.refuse(request, Reason::BadMethod, None, TokenSeen::Unread, post);
        }
        let known = match source::find(&self.kept_sources(), request) {
            Found::Absent => {
                let none = MethodSet::EMPTY;
                return self.refuse(request, Reason::NoToken, None, TokenSeen::Absent, none);
            }
            Found::Unusable(error) => Err(error),
            Found::Token(token) => self.known_as(token, request, tokens),
        };
        match known {
            Ok(known) => self.answer_with_sessions(request, &known),
            Err(error) => {
                let (detail, seen) = (Some(error.code()), TokenSeen::Bad(error.code()));
                let none = MethodSet::EMPTY;
                let mut outcome = self.refuse(request, Reason::BadToken, detail, seen, none);
                outcome.unknown_key =
                    error == TokenError::UnknownKey && self.fresh_keys_might_help(request);
                outcome
            }
        }
    }

    fn answer_with_sessions(&self, request: &Request<'_>, known: &Arc<Known>) -> Outcome {
        let mut detail = SESSION;
        let mut response = respond::plain("HEAD", NO_CONTENT);
        response.headers.retain(|(name, _)| name != "content-type");
        if let (Some(session), Some(parent)) = (&self.config.session, &known.parent) {
            let mint = self.mint(session, request);
            for path in self
                .wanted(session, request, parent)
                .into_iter()
                .take(MAX_COOKIES)
            {
                match mint.cookie(path, parent) {
                    Ok(cookie) => response.headers.push((Cow::Borrowed("set-cookie"), cookie)),
                    Err(NoSession::TooLarge) => detail = TOO_LARGE,
                    Err(NoSession::None) => {}
                }
            }
        }
        let seen = TokenSeen::Verified(Arc::clone(&known.issuer));
        let none = MethodSet::EMPTY;
        let mut outcome = self.refuse(request, Reason::Forbidden, Some(detail), seen, none);
        outcome.reason = Reason::Allow;
        outcome.log.reason = Reason::Allow;
        outcome.status = NO_CONTENT;
        outcome.log.status = NO_CONTENT;
        outcome.action = Action::Respond(Respond {
            status: NO_CONTENT,
            ..response
        });
        outcome
    }

    /// The paths that somebody at the endpoint gets cookies for: the one in the query, `path=…`, else all
    /// that concern them.
    fn wanted<'a>(
        &self,
        session: &'a SessionConfig,
        request: &Request<'_>,
        parent: &Parent,
    ) -> Vec<&'a SessionPath> {
        if let [only] = session.paths.as_slice() {
            return Vec::from([only]);
        }
        let asked = request
            .query()
            .and_then(|query| query.strip_prefix(b"path="));
        if let Some(raw) = asked {
            return session.path_for(raw).into_iter().collect();
        }
        let Some(issuer) = self.config.issuers.get(parent.issuer) else {
            return Vec::new();
        };
        let concerns = |path: &&SessionPath| path.concerns(parent, issuer);
        session.paths.iter().filter(concerns).collect()
    }

    /// Whether the deciding token stands where a link could not have put it.
    fn is_kept_by_client(&self, request: &Request<'_>) -> bool {
        source::find(&self.kept_sources(), request) == source::find(&self.config.sources, request)
    }

    /// The sources that only the client's own page can fill.
    fn kept_sources(&self) -> Vec<TokenSource> {
        let sources = self.config.sources.iter();
        let is_kept = |source: &&TokenSource| !matches!(source, TokenSource::Query(_));
        sources.filter(is_kept).cloned().collect()
    }

    /// Whether the request carries a session already that lives for another quarter of its time.
    fn has_session(&self, session: &SessionConfig, request: &Request<'_>) -> bool {
        let rest = i64::from(session.lifetime_secs / 4);
        let later = UnixSeconds(request.now.0.saturating_add(rest));
        let is_good = |token: &[u8]| {
            let verified = self.verifier.verify(token, request.now);
            verified.is_ok_and(|verified| {
                usize::try_from(session.issuer) == Ok(verified.issuer_index())
                    && verified.expires_at() > later
            })
        };
        headers_named(request, "cookie")
            .flat_map(cookie_pairs)
            .filter(|pair| pair.is_named(&session.cookie))
            .any(|pair| is_good(pair.value))
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

    /// An answer of the gate's own.
    fn refuse(
        &self,
        request: &Request<'_>,
        reason: Reason,
        detail: Option<&'static str>,
        token: TokenSeen,
        allow_methods: MethodSet,
    ) -> Outcome {
        let decision = Decision {
            reason,
            rule: None,
            allow_methods,
        };
        self.conclude(request, decision, detail, token)
    }
}
