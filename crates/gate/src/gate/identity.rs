//! The principal of a request, for edges that forward it to the backend.
//!
//! Not here: its encoding.

use alloc::{string::String, sync::Arc};

use tollgate_core::PathScratch;

use super::Gate;
use super::tokens::Tokens;
use crate::cache::TokenCache;
use crate::request::Request;

/// The principal that a verified token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of its issuer in the configuration.
    pub issuer: Arc<str>,
    /// The token's `sub`; empty if it has none.
    pub subject: String,
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Returns the principal of a request, or `None` without a verified token.
    ///
    /// If [`Gate::ask`] has just verified the token with this cache, it is not verified again.
    pub fn identity(&self, request: &Request<'_>, cache: &mut TokenCache) -> Option<Identity> {
        let mut scratch = PathScratch::new();
        let path = scratch
            .parse(request.path(), self.image.path_options())
            .ok()?;
        let found = self.find_token(request, &path, &mut Tokens::Remember(cache));
        let known = found.known?;
        Some(Identity {
            issuer: Arc::clone(&known.issuer),
            subject: known.facts.subject().unwrap_or_default().into(),
        })
    }
}
