//! The token of a request: found, verified or remembered, and read into facts.
//!
//! Not here: what the facts decide.

use alloc::sync::Arc;

use tollgate_token::{Claims, TokenError, Verified};

use super::Gate;
use crate::cache::{Known, TokenCache};
use crate::request::Request;
use crate::session::{Parent, SessionConfig};
use crate::source::{self, Found};

/// Where what is known of a request's token comes from.
pub(super) enum Tokens<'a> {
    /// From the token, verified now.
    Verify,
    /// From the token, verified now or earlier.
    Remember(&'a mut TokenCache),
    /// From these claims, as if they had been verified, whatever the request carries.
    Assume(&'a Claims),
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// What the request's token says, and whose it is; `None` if there is no token.
    pub(super) fn known_token(
        &self,
        request: &Request<'_>,
        tokens: Tokens<'_>,
    ) -> Result<Option<Arc<Known>>, TokenError> {
        if let Tokens::Assume(claims) = tokens {
            return self.assumed(claims).map(|known| Some(Arc::new(known)));
        }
        let token = match source::find(&self.config.sources, request) {
            Found::Absent => return Ok(None),
            Found::Unusable(error) => return Err(error),
            Found::Token(token) => token,
        };
        self.known_as(token, request, tokens).map(Some)
    }

    /// What one token says, and whose it is.
    pub(super) fn known_as(
        &self,
        token: &[u8],
        request: &Request<'_>,
        tokens: Tokens<'_>,
    ) -> Result<Arc<Known>, TokenError> {
        let Tokens::Remember(cache) = tokens else {
            let verified = self.verifier.verify(token, request.now)?;
            return self.known(&verified).map(Arc::new);
        };
        let leeway_secs = self.config.leeway_secs;
        if let Some(seen) = cache.find(&self.epoch, token, request.now, leeway_secs) {
            return seen;
        }
        let verified = self.verifier.verify(token, request.now)?;
        let known = Arc::new(self.known(&verified)?);
        cache.keep(token, &known);
        Ok(known)
    }

    fn known(&self, verified: &Verified) -> Result<Known, TokenError> {
        let index = verified.issuer_index();
        let (Some(issuer), Some(name)) = (self.config.issuers.get(index), self.issuers.get(index))
        else {
            return Err(TokenError::WrongIssuer);
        };
        let is_sign_in = |session: &SessionConfig| usize::try_from(session.issuer) != Ok(index);
        let has_sessions = self.config.session.as_ref().is_some_and(is_sign_in);
        Ok(Known {
            facts: verified.claims().facts(&self.image, issuer)?,
            issuer: Arc::clone(name),
            lifetime: Some(verified.lifetime()),
            parent: has_sessions.then(|| Parent {
                claims: verified.claims().clone(),
                lifetime: verified.lifetime(),
                issuer: index,
            }),
        })
    }

    /// What assumed claims say.
    fn assumed(&self, claims: &Claims) -> Result<Known, TokenError> {
        let issuer = self.config.assumed_issuer(claims)?;
        Ok(Known {
            facts: claims.facts(&self.image, &issuer)?,
            issuer: issuer.name.as_str().into(),
            lifetime: None,
            parent: None,
        })
    }

    /// Whether the request's token could become good if keys were fetched again.
    pub(super) fn fresh_keys_might_help(&self, request: &Request<'_>) -> bool {
        match source::find(&self.config.sources, request) {
            Found::Token(token) => self.verifier.refresh_might_help(token),
            Found::Absent | Found::Unusable(_) => false,
        }
    }
}
