//! The edits to a request on its way to the origin, and to the origin's response.
//!
//! Request edits refer to header lines by position, so that every edge can apply them to its own
//! representation of a request. The path is forwarded byte for byte as it was checked. Only the name of the
//! index document is appended to a path that ends in `/`, before the decision. Not here: whether the request
//! is forwarded at all.

mod identity;
mod response;

use alloc::{string::String, vec::Vec};

use crate::config::{GateConfig, TokenSource};
use crate::request::Request;
use crate::source::{Pair, cookie_pairs, query_pairs, trim};

pub use identity::ADDED_HEADERS;
pub(crate) use identity::IdentityHeaders;
pub use response::{CacheEdit, ResponseEdits};

/// The edits to a request that is forwarded, and to the response to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The edits to the request.
    pub request: RequestEdits,
    /// The edits to the response, from the origin or a cache.
    pub response: ResponseEdits,
}

/// The edits to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestEdits {
    /// The target to send instead of the original one, if it changes: the raw path that was evaluated, and
    /// the query without the token.
    pub target: Option<Vec<u8>>,
    /// The header field lines that change, by ascending index.
    pub headers: Vec<HeaderEdit>,
    /// Header field lines to add: names in lower case, values in visible ASCII or empty. The client's own
    /// lines with these names are removed.
    pub added: Vec<(&'static str, String)>,
}

/// A change to one header field line of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderEdit {
    /// The position in [`Request::headers`].
    pub index: usize,
    /// The new value, or `None` to remove the line.
    pub value: Option<Vec<u8>>,
}

impl RequestEdits {
    /// The edits to `request` under `config`.
    pub(crate) fn new(config: &GateConfig, request: &Request<'_>) -> Self {
        let is_removed = |source: &TokenSource| config.strip.removes(source);
        let edit = |(index, field): (usize, &(&str, &[u8]))| {
            edit_header(&config.sources, is_removed, field.0, field.1)
                .map(|value| HeaderEdit { index, value })
        };
        Self {
            target: edit_target(&config.sources, is_removed, request),
            headers: request
                .headers
                .iter()
                .enumerate()
                .filter_map(edit)
                .collect(),
            added: Vec::new(),
        }
    }

    /// Returns the target to send for `request`.
    pub fn target_for<'a>(&'a self, request: &Request<'a>) -> &'a [u8] {
        self.target.as_deref().unwrap_or(request.target)
    }

    /// Returns the header field lines to send for `request`: its own in order, then the added ones.
    pub fn headers_for<'a>(
        &'a self,
        request: &Request<'a>,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let mut edits = self.headers.iter().peekable();
        let own = request.headers.iter().enumerate();
        let own = own.filter_map(move |(index, (name, value))| {
            match edits.next_if(|edit| edit.index == index) {
                Some(edit) => edit.value.as_deref().map(|value| (*name, value)),
                None => Some((*name, *value)),
            }
        });
        let added = self.added.iter();
        own.chain(added.map(|(name, value)| (*name, value.as_bytes())))
    }
}

/// Returns the new value of a header: `Some(None)` to remove it, `None` if it is unchanged.
#[expect(
    clippy::option_option,
    reason = "unchanged, removed and changed are different results"
)]
fn edit_header(
    sources: &[TokenSource],
    is_removed: impl Fn(&TokenSource) -> bool,
    name: &str,
    value: &[u8],
) -> Option<Option<Vec<u8>>> {
    let is_token = |source: &TokenSource| match source {
        TokenSource::Header(wanted) => name.eq_ignore_ascii_case(wanted) && is_removed(source),
        TokenSource::Cookie(_) | TokenSource::Query(_) => false,
    };
    if is_withheld(name) || sources.iter().any(is_token) {
        return Some(None);
    }
    if !name.eq_ignore_ascii_case("cookie") {
        return None;
    }
    let is_token = |pair: &Pair<'_>| {
        sources.iter().any(|source| match source {
            TokenSource::Cookie(wanted) => pair.is_named(wanted) && is_removed(source),
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

/// Returns the new target, or `None` if it is unchanged.
fn edit_target(
    sources: &[TokenSource],
    is_removed: impl Fn(&TokenSource) -> bool,
    request: &Request<'_>,
) -> Option<Vec<u8>> {
    let query = request.query()?;
    let is_token = |pair: &Pair<'_>| {
        sources.iter().any(|source| match source {
            TokenSource::Query(wanted) => pair.is_named(wanted) && is_removed(source),
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

/// Returns `all` without the parts marked for removal, the others byte for byte, or `None` if no part is
/// marked.
fn without<'a>(
    all: &[u8],
    separator: u8,
    parts: impl Iterator<Item = (&'a [u8], bool)> + Clone,
) -> Option<Vec<u8>> {
    if !parts.clone().any(|(_, is_removed)| is_removed) {
        return None;
    }
    let mut kept = Vec::with_capacity(all.len());
    for (at, (part, _)) in parts.filter(|(_, is_removed)| !is_removed).enumerate() {
        if at > 0 {
            kept.push(separator);
        }
        kept.extend_from_slice(part);
    }
    Some(kept)
}

/// Headers that make some origins serve a path or method other than the one that was checked.
pub const OVERRIDES: [&str; 5] = [
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-method-override",
    "x-http-method",
];

/// The prefix of the gate's own header names, which an origin may trust.
pub const OWN_PREFIX: &str = "x-tollgate-";

/// Whether a client's header with this name is never forwarded: it would override the checked path or method,
/// or appear to come from a gate. The generated JavaScript has the same rule in its two `strip` functions.
pub(crate) fn is_withheld(name: &str) -> bool {
    is_spelling_of_own(name) || OVERRIDES.iter().any(|known| is_spelling(name, known))
}

/// Whether a header name is a spelling of a name in lower case.
///
/// Servers that pass headers as variables (CGI, WSGI, PHP) map `-` to `_`, and some map every other
/// punctuation character too. All spellings of a name are therefore equivalent.
pub fn is_spelling(name: &str, known: &str) -> bool {
    spelled(name).eq(known.chars())
}

/// Whether a header name begins with a spelling of [`OWN_PREFIX`].
pub fn is_spelling_of_own(name: &str) -> bool {
    begins_with_spelling(name, OWN_PREFIX)
}

/// Whether a header name begins with a spelling of this prefix.
pub fn begins_with_spelling(name: &str, prefix: &str) -> bool {
    let mut rest = spelled(name);
    prefix.chars().all(|c| rest.next() == Some(c))
}

fn spelled(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|c| match c {
        'a'..='z' | '0'..='9' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '-',
    })
}

#[cfg(test)]
mod tests;
