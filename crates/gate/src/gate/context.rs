//! What an evaluation may use besides the request: cached tokens, the viewers of a host, a trace.
//!
//! Not here: what is evaluated.

use tollgate_core::decide::Trace;
use tollgate_token::Claims;

use super::tokens::Tokens;
use crate::cache::TokenCache;
use crate::viewer::{Seat, Viewers};

/// What an evaluation may use besides the request. Nothing in it changes a decision, except assumed claims.
pub struct Context<'c, T = ()> {
    pub(super) tokens: Tokens<'c>,
    pub(super) trace: T,
    pub(super) viewers: Option<&'c mut Viewers>,
    pub(super) seat: Option<Seat>,
}

impl<'c> Context<'c> {
    /// Every token is verified anew.
    pub const fn new() -> Self {
        Self::of(Tokens::Verify)
    }

    /// Tokens that verified before cost no signature.
    pub const fn cached(cache: &'c mut TokenCache) -> Self {
        Self::of(Tokens::Remember(cache))
    }

    /// The request is evaluated as if a token with these claims had been verified, whatever it contains; `None`
    /// evaluates its tokens. For authors' tools: no edge assumes claims.
    pub const fn assuming(claims: Option<&'c Claims>) -> Self {
        Self::of(match claims {
            Some(claims) => Tokens::Assume(claims),
            None => Tokens::Verify,
        })
    }

    const fn of(tokens: Tokens<'c>) -> Self {
        Self {
            tokens,
            trace: (),
            viewers: None,
            seat: None,
        }
    }

    /// A viewer whose next request may be evaluated without headers gets a number: see [`Context::seat`].
    #[must_use]
    pub const fn with_viewers(mut self, viewers: &'c mut Viewers) -> Self {
        self.viewers = Some(viewers);
        self
    }

    /// Every rule whose pattern matches the path is shown to `trace`.
    #[must_use]
    pub fn traced<T: Trace>(self, trace: &'c mut T) -> Context<'c, &'c mut T> {
        let Self {
            tokens,
            trace: (),
            viewers,
            seat,
        } = self;
        Context {
            tokens,
            trace,
            viewers,
            seat,
        }
    }
}

impl<T> Context<'_, T> {
    /// The number that the last evaluation gave its viewer.
    pub const fn seat(&self) -> Option<Seat> {
        self.seat
    }
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self::new()
    }
}
