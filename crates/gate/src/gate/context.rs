//! The inputs of an evaluation other than the request: cached tokens, cached clients, a trace.
//!
//! Not here: what is evaluated.

use tollgate_core::decide::Trace;
use tollgate_token::Claims;

use super::tokens::Tokens;
use crate::cache::TokenCache;
use crate::client_cache::{ClientCache, ClientHandle};

/// The inputs of an evaluation other than the request. Only assumed claims can change a decision.
pub struct Context<'c, T = ()> {
    pub(super) tokens: Tokens<'c>,
    pub(super) trace: T,
    pub(super) clients: Option<&'c mut ClientCache>,
    pub(super) handle: Option<ClientHandle>,
}

impl<'c> Context<'c> {
    /// A context that verifies every token again.
    pub const fn new() -> Self {
        Self::of(Tokens::Verify)
    }

    /// A context that does not check the signature of a cached token again.
    pub const fn cached(cache: &'c mut TokenCache) -> Self {
        Self::of(Tokens::Remember(cache))
    }

    /// A context that evaluates the request as if a token with these claims had been verified. The request's
    /// own tokens are ignored. With `None`, they are verified as usual. For authoring tools, and for callers
    /// that have verified the user themselves: no edge assumes claims of a client.
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
            clients: None,
            handle: None,
        }
    }

    /// Assigns a handle to an allowed client whose next request can be evaluated without its headers: see
    /// [`Context::client_handle`].
    #[must_use]
    pub const fn with_clients(mut self, clients: &'c mut ClientCache) -> Self {
        self.clients = Some(clients);
        self
    }

    /// Reports every rule whose pattern matches the path to `trace`.
    #[must_use]
    pub fn traced<T: Trace>(self, trace: &'c mut T) -> Context<'c, &'c mut T> {
        let Self {
            tokens,
            trace: (),
            clients,
            handle,
        } = self;
        Context {
            tokens,
            trace,
            clients,
            handle,
        }
    }
}

impl<T> Context<'_, T> {
    /// The handle that the last evaluation assigned to its client.
    pub const fn client_handle(&self) -> Option<ClientHandle> {
        self.handle
    }
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self::new()
    }
}
