//! What changes in a request on its way to the origin.
//!
//! Changes are told by position, so that every edge can apply them to its own form of a request. The bytes of
//! the path that were checked are the bytes that are sent; only the name of the index document is appended to
//! a path that ends in `/`, before the decision. Not here: whether the request may go there at all.

use alloc::{string::String, vec::Vec};

use crate::config::{GateConfig, TokenSource};
use crate::request::Request;
use crate::source::{Pair, cookie_pairs, query_pairs, trim};

/// The changes to a request that may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The target to send instead of the one received, if it changes: the raw path as it was decided, and the
    /// query without the token.
    pub target: Option<Vec<u8>>,
    /// The header field lines that change, by rising index.
    pub headers: Vec<HeaderEdit>,
    /// Values of `Set-Cookie` for the answer, whoever makes it. They are for this client only: no shared
    /// cache may keep them with the answer.
    pub set_cookies: Vec<String>,
}

/// A change to one header field line of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderEdit {
    /// The position in [`Request::headers`].
    pub index: usize,
    /// The new value, or `None` to leave the line out.
    pub value: Option<Vec<u8>>,
}

impl Forward {
    /// The changes to `request` under `config`.
    pub(crate) fn new(config: &GateConfig, request: &Request<'_>) -> Self {
        let sources: &[TokenSource] = if config.strip_token {
            &config.sources
        } else {
            &[]
        };
        let edit = |(index, field): (usize, &(&str, &[u8]))| {
            edit_header(sources, field.0, field.1).map(|value| HeaderEdit { index, value })
        };
        Self {
            target: edit_target(sources, request),
            headers: request
                .headers
                .iter()
                .enumerate()
                .filter_map(edit)
                .collect(),
            set_cookies: Vec::new(),
        }
    }

    /// The target to send for `request`.
    pub fn target_for<'a>(&'a self, request: &Request<'a>) -> &'a [u8] {
        self.target.as_deref().unwrap_or(request.target)
    }

    /// The header field lines to send for `request`, in their order.
    pub fn headers_for<'a>(
        &'a self,
        request: &Request<'a>,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let mut edits = self.headers.iter().peekable();
        request
            .headers
            .iter()
            .enumerate()
            .filter_map(move |(index, (name, value))| {
                match edits.next_if(|edit| edit.index == index) {
                    Some(edit) => edit.value.as_deref().map(|value| (*name, value)),
                    None => Some((*name, *value)),
                }
            })
    }
}

/// The new value of a header, `None` inside to leave it out, or `None` if it stays.
#[expect(
    clippy::option_option,
    reason = "stays, goes and changes are three things"
)]
fn edit_header(sources: &[TokenSource], name: &str, value: &[u8]) -> Option<Option<Vec<u8>>> {
    let is_token = |source: &TokenSource| match source {
        TokenSource::Header(wanted) => name.eq_ignore_ascii_case(wanted),
        TokenSource::Cookie(_) | TokenSource::Query(_) => false,
    };
    if is_internal(name) || sources.iter().any(is_token) {
        return Some(None);
    }
    if !name.eq_ignore_ascii_case("cookie") {
        return None;
    }
    let is_token = |pair: &Pair<'_>| {
        sources.iter().any(|source| match source {
            TokenSource::Cookie(wanted) => pair.is_named(wanted),
            TokenSource::Header(_) | TokenSource::Query(_) => false,
        })
    };
    let kept = without(
        value,
        b';',
        cookie_pairs(value).map(|pair| (pair.raw, is_token(&pair))),
    )?;
    let kept = trim(&kept);
    Some((!kept.is_empty()).then(|| kept.into()))
}

/// The new target, or `None` if it stays.
fn edit_target(sources: &[TokenSource], request: &Request<'_>) -> Option<Vec<u8>> {
    let query = request.query()?;
    let is_token = |pair: &Pair<'_>| {
        sources.iter().any(|source| match source {
            TokenSource::Query(wanted) => pair.is_named(wanted),
            TokenSource::Header(_) | TokenSource::Cookie(_) => false,
        })
    };
    let kept = without(
        query,
        b'&',
        query_pairs(query).map(|pair| (pair.raw, is_token(&pair))),
    )?;
    let mut target = request.path().to_vec();
    if !kept.is_empty() {
        target.push(b'?');
        target.extend_from_slice(&kept);
    }
    Some(target)
}

/// `all` without the parts marked for removal; the others stay byte for byte. `None` if none is.
fn without<'a>(
    all: &[u8],
    separator: u8,
    parts: impl Iterator<Item = (&'a [u8], bool)> + Clone,
) -> Option<Vec<u8>> {
    if !parts.clone().any(|(_, goes)| goes) {
        return None;
    }
    let mut kept = Vec::with_capacity(all.len());
    for (at, (part, _)) in parts.filter(|(_, goes)| !goes).enumerate() {
        if at > 0 {
            kept.push(separator);
        }
        kept.extend_from_slice(part);
    }
    Some(kept)
}

/// Whether a header claims to come from a gate. Clients may not send those to an origin, which could
/// believe them; CGI-like origins take `_` for `-`.
pub(crate) fn is_internal(name: &str) -> bool {
    const PREFIX: &[u8] = b"x-tollgate-";
    let same = |(a, b): (u8, &u8)| a.to_ascii_lowercase() == *b || (a == b'_' && *b == b'-');
    name.len() >= PREFIX.len() && name.bytes().zip(PREFIX).all(same)
}

#[cfg(test)]
mod tests;
