//! The token candidates of a request.
//!
//! Sources are read in configuration order, and all values of each source. Not here: which candidate
//! verifies, and what it grants.

mod pairs;

use tollgate_token::TokenError;

use crate::config::TokenSource;
use crate::request::Request;

pub(crate) use pairs::{Pair, cookie_pairs, query_pairs, trim};

/// Maximum number of different values considered in one request.
pub const MAX_CANDIDATES: usize = 4;

/// One value of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate<'a> {
    /// The position of the source in the configuration.
    pub(crate) source: usize,
    /// The bytes of the token, unchecked, or the reason why the value is not a token.
    pub(crate) token: Result<&'a [u8], TokenError>,
}

/// The candidates of a request, in order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Candidates<'a> {
    list: [Option<Candidate<'a>>; MAX_CANDIDATES],
    count: usize,
}

impl<'a> Candidates<'a> {
    /// Reads `sources` in order. Takes linear time in the size of the request, and allocates nothing.
    ///
    /// # Errors
    ///
    /// Returns [`TooManyTokens`](TokenError::TooManyTokens) for more than [`MAX_CANDIDATES`] different
    /// values.
    pub(crate) fn read(sources: &[TokenSource], request: &Request<'a>) -> Result<Self, TokenError> {
        let mut candidates = Self::default();
        for (at, source) in sources.iter().enumerate() {
            match source {
                TokenSource::Header(name) => {
                    let values = headers_named(request, name).map(|value| (value, true));
                    candidates.add_single(at, source, values)?;
                }
                TokenSource::Query(name) => {
                    let pairs = request.query().into_iter().flat_map(query_pairs);
                    let named = pairs.filter(|pair| pair.is_named(name));
                    candidates.add_single(
                        at,
                        source,
                        named.map(|pair| (pair.value, pair.is_plain)),
                    )?;
                }
                // Browsers send a cookie once per path and domain for which it was set.
                TokenSource::Cookie(name) => {
                    let pairs = headers_named(request, "cookie").flat_map(cookie_pairs);
                    for pair in pairs.filter(|pair| pair.is_named(name)) {
                        candidates.add(at, read_value(source, pair.value, pair.is_plain))?;
                    }
                }
            }
        }
        Ok(candidates)
    }

    /// The candidates, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Candidate<'a>> + Clone + use<'a> {
        self.list.into_iter().flatten()
    }

    /// Adds the value of a source that must have a single value: different values are an error.
    fn add_single(
        &mut self,
        at: usize,
        source: &TokenSource,
        mut values: impl Iterator<Item = (&'a [u8], bool)>,
    ) -> Result<(), TokenError> {
        let Some((first, mut is_plain)) = values.next() else {
            return Ok(());
        };
        for (value, is_value_plain) in values {
            if value != first {
                return self.add(at, Err(TokenError::ConflictingTokens));
            }
            is_plain &= is_value_plain;
        }
        self.add(at, read_value(source, first, is_plain))
    }

    /// Adds a value, unless it was added before.
    fn add(
        &mut self,
        source: usize,
        token: Result<&'a [u8], TokenError>,
    ) -> Result<(), TokenError> {
        let is_same = |other: &Candidate<'_>| match (other.token, token) {
            (Ok(known), Ok(token)) => known == token,
            (known, _) => other.source == source && known == token,
        };
        if self.iter().any(|other| is_same(&other)) {
            return Ok(());
        }
        let place = self
            .list
            .get_mut(self.count)
            .ok_or(TokenError::TooManyTokens)?;
        *place = Some(Candidate { source, token });
        self.count += 1;
        Ok(())
    }
}

/// The values of every header field line with this name, in order.
pub(crate) fn headers_named<'a>(
    request: &Request<'a>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let named = move |field: &&(&str, &[u8])| field.0.eq_ignore_ascii_case(name);
    request.headers.iter().filter(named).map(|field| field.1)
}

/// The token in one value of a source.
fn read_value<'a>(
    source: &TokenSource,
    value: &'a [u8],
    is_plain: bool,
) -> Result<&'a [u8], TokenError> {
    if !is_plain {
        return Err(TokenError::Malformed);
    }
    let token = match source {
        TokenSource::Header(name) if name.eq_ignore_ascii_case("authorization") => {
            bearer(value).ok_or(TokenError::BadScheme)?
        }
        _ => value,
    };
    if token.is_empty() {
        Err(TokenError::Malformed)
    } else {
        Ok(token)
    }
}

/// Returns the token after `Bearer` and exactly one space, if nothing follows it.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = crate::request::split_at_byte(value, b' ')?;
    let is_one_word = memchr::memchr3(b' ', b'\t', b',', token).is_none();
    (scheme.eq_ignore_ascii_case(b"bearer") && is_one_word).then_some(token)
}

#[cfg(test)]
mod tests;
