//! The token of a request: the first candidate that verifies, read into facts.
//!
//! Not here: the decision about the facts.

use alloc::{string::String, sync::Arc};

use tollgate_core::Path;
use tollgate_token::{Claims, Rejected, TokenError, Verified};

use super::Gate;
use crate::cache::{Known, TokenCache};
use crate::config::TokenSource;
use crate::log::TokenStatus;
use crate::request::Request;
use crate::session::Parent;
use crate::source::{Candidate, Candidates};

/// The origin of the facts about a request's token.
pub(super) enum Tokens<'a> {
    /// The token, verified now.
    Verify,
    /// The token, verified now or earlier.
    Remember(&'a mut TokenCache),
    /// These claims, as if they had been verified. The request's own tokens are ignored.
    Assume(&'a Claims),
}

/// The result of the token search.
pub(super) struct Found {
    /// The token that is evaluated, or `None` if none verifies.
    pub(super) known: Option<Arc<Known>>,
    /// The error of the first token, if there are tokens and none verifies.
    pub(super) rejected: Option<Rejected>,
    /// Whether a token could verify with refreshed keys.
    pub(super) unknown_key: bool,
    /// Whether the session cookie has values, none of which verifies.
    pub(super) stale_session: bool,
    /// The position of the source of the token that is evaluated.
    pub(super) source: Option<usize>,
}

impl Found {
    const fn nothing() -> Self {
        Self {
            known: None,
            rejected: None,
            unknown_key: false,
            stale_session: false,
            source: None,
        }
    }

    fn rejected(error: TokenError) -> Self {
        Self {
            rejected: Some(error.into()),
            ..Self::nothing()
        }
    }
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Finds the token that is evaluated for this path.
    pub(super) fn find_token(
        &self,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Found {
        if let Tokens::Assume(claims) = tokens {
            return match self.assumed(claims) {
                Ok(known) => Found {
                    known: Some(Arc::new(known)),
                    ..Found::nothing()
                },
                Err(error) => Found::rejected(error),
            };
        }
        match Candidates::read(&self.config.sources, request) {
            Ok(candidates) => self.first_verified(&candidates, request, path, tokens),
            Err(error) => Found::rejected(error),
        }
    }

    fn first_verified(
        &self,
        candidates: &Candidates<'_>,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Found {
        let mut found = Found::nothing();
        let mut rest = candidates.iter();
        while let Some(candidate) = rest.next() {
            let verified = self.verify_candidate(&candidate, request, path, tokens);
            let is_session = self.is_session_source(candidate.source);
            match verified {
                Ok(known) => {
                    found.stale_session &= !is_session;
                    found.unknown_key = false;
                    found.source = Some(candidate.source);
                    if self.conflicts(&known, &candidate, rest, request, path, tokens) {
                        return Found::rejected(TokenError::ConflictingTokens);
                    }
                    found.known = Some(known);
                    found.rejected = None;
                    return found;
                }
                Err(rejected) => {
                    found.stale_session |= is_session && rejected.error != TokenError::SessionPath;
                    found.unknown_key |= rejected.error == TokenError::UnknownKey
                        && candidate
                            .token
                            .is_ok_and(|token| self.verifier.refresh_might_help(token));
                    found.rejected = found.rejected.or(Some(rejected));
                }
            }
        }
        found
    }

    /// Whether another value of the same cookie verifies and has other claims. The gate cannot know which of
    /// them the user's own page has set.
    pub(super) fn conflicts<'c>(
        &self,
        known: &Known,
        first: &Candidate<'_>,
        rest: impl Iterator<Item = Candidate<'c>>,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> bool {
        let mut others = rest.filter(|other| other.source == first.source);
        others.any(|other| {
            let verified = self.verify_candidate(&other, request, path, tokens);
            verified.is_ok_and(|other| other.facts != known.facts)
        })
    }

    pub(super) fn verify_candidate(
        &self,
        candidate: &Candidate<'_>,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Result<Arc<Known>, Rejected> {
        let known = self.known(candidate.token?, request, tokens)?;
        match &known.base {
            Some(base) if !is_below(path, base) => Err(TokenError::SessionPath.into()),
            _ => Ok(known),
        }
    }

    /// Returns the content of one token, from the cache or by verification.
    pub(super) fn known(
        &self,
        token: &[u8],
        request: &Request<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Result<Arc<Known>, Rejected> {
        let Tokens::Remember(cache) = tokens else {
            let verified = self.verifier.verify(token, request.now)?;
            return Ok(Arc::new(self.read(token, &verified)?));
        };
        let leeway_secs = self.config.leeway_secs;
        if let Some(seen) = cache.find(&self.epoch, token, request.now, leeway_secs) {
            return seen;
        }
        let verified = self.verifier.verify(token, request.now)?;
        let known = Arc::new(self.read(token, &verified)?);
        cache.keep(token, &known);
        Ok(known)
    }

    fn read(&self, token: &[u8], verified: &Verified) -> Result<Known, TokenError> {
        let index = verified.issuer_index();
        let lifetime = Some(verified.lifetime());
        let name = |index: usize| {
            let name = self.issuers.get(index).cloned();
            name.ok_or(TokenError::WrongIssuer)
        };
        if let Some(session) = self
            .config
            .session
            .as_ref()
            .filter(|session| session.is_issuer(index))
        {
            let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
            if !self
                .session_headers
                .iter()
                .any(|own| own.as_bytes() == header)
            {
                return Err(TokenError::UnknownKey);
            }
            let session = session.read(verified.claims(), &self.config, &self.image)?;
            return Ok(Known {
                facts: session.facts,
                issuer: name(session.idp)?,
                signer: Some(index),
                lifetime,
                is_session: true,
                base: session.base.map(String::into_boxed_str),
                parent: None,
            });
        }
        let issuer = self
            .config
            .issuers
            .get(index)
            .ok_or(TokenError::WrongIssuer)?;
        let claims = verified.claims();
        let parent = self.config.session.as_ref().map(|_| Parent {
            claims: claims.clone(),
            lifetime: verified.lifetime(),
            issuer: index,
        });
        Ok(Known {
            facts: claims.facts(&self.image, issuer, &self.config.claim_places)?,
            issuer: name(index)?,
            signer: Some(index),
            lifetime,
            is_session: false,
            base: None,
            parent,
        })
    }

    /// Reads assumed claims.
    fn assumed(&self, claims: &Claims) -> Result<Known, TokenError> {
        let issuer = self.config.assumed_issuer(claims)?;
        Ok(Known {
            facts: claims.facts(&self.image, &issuer, &self.config.claim_places)?,
            issuer: issuer.name.as_str().into(),
            signer: None,
            lifetime: None,
            is_session: false,
            base: None,
            parent: None,
        })
    }

    /// Whether the source at this position is the session cookie of this gate.
    pub(super) fn is_session_source(&self, position: usize) -> bool {
        let source = self.config.sources.get(position);
        let session = self.config.session.as_ref();
        matches!((source, session), (Some(TokenSource::Cookie(name)), Some(session)) if *name == session.cookie)
    }

    /// The token status for a record of a rejected token.
    pub(super) fn seen(&self, rejected: Rejected) -> TokenStatus {
        let issuer = rejected.issuer;
        let config = issuer.and_then(|at| self.config.issuers.get(at));
        let claim = rejected.error.claim();
        TokenStatus::Bad {
            code: rejected.error.code(),
            claim: claim.map(|claim| match config {
                Some(config) => config.claim_name(claim).into(),
                None => claim.standard().into(),
            }),
            issuer: issuer.and_then(|at| self.issuers.get(at).cloned()),
        }
    }
}

/// Whether a path is the base or below it.
pub(super) fn is_below(path: &Path<'_>, base: &str) -> bool {
    let base = base.strip_prefix('/').unwrap_or(base).as_bytes();
    let rest = path.decoded().strip_prefix(base);
    rest.is_some_and(|rest| base.is_empty() || rest.is_empty() || rest.starts_with(b"/"))
}
