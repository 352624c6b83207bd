//! Where a token may stand in a request, and taking it from there.
//!
//! The first configured source that is present decides, even when what stands there is no token: a
//! broken header must not be hidden by a good cookie. Not here: anything about what a token means.

mod pairs;

use tollgate_token::TokenError;

use crate::config::TokenSource;
use crate::request::Request;

pub(crate) use pairs::{Pair, cookie_pairs, query_pairs, trim};

/// What the configured sources hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// No source is present.
    Absent,
    /// A source is present, and no single token can be read from it.
    Unusable(TokenError),
    /// The bytes of the one token, unchecked.
    Token(&'a [u8]),
}

/// Looks through `sources` in order. Linear in the request's size, allocates nothing.
pub(crate) fn find<'a>(sources: &[TokenSource], request: &Request<'a>) -> Found<'a> {
    for source in sources {
        let mut seen = Seen::Nothing;
        match source {
            TokenSource::Header(name) => {
                headers_named(request, name).for_each(|value| seen.add(value, true));
            }
            TokenSource::Cookie(name) => headers_named(request, "cookie")
                .flat_map(cookie_pairs)
                .filter(|pair| pair.is_named(name))
                .for_each(|pair| seen.add(pair.value, pair.is_plain)),
            TokenSource::Query(name) => request
                .query()
                .into_iter()
                .flat_map(query_pairs)
                .filter(|pair| pair.is_named(name))
                .for_each(|pair| seen.add(pair.value, pair.is_plain)),
        }
        match seen {
            Seen::Nothing => {}
            Seen::Conflict => return Found::Unusable(TokenError::ConflictingTokens),
            Seen::One {
                is_plain: false, ..
            } => return Found::Unusable(TokenError::Malformed),
            Seen::One { value, .. } => return read_value(source, value),
        }
    }
    Found::Absent
}

/// The values of every header field line with this name, in order.
pub(crate) fn headers_named<'a>(
    request: &Request<'a>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let named = move |field: &&(&str, &[u8])| field.0.eq_ignore_ascii_case(name);
    request.headers.iter().filter(named).map(|field| field.1)
}

/// The values of one source, as far as they agree.
enum Seen<'a> {
    Nothing,
    One { value: &'a [u8], is_plain: bool },
    Conflict,
}

impl<'a> Seen<'a> {
    /// Identical repeats are one value; anything else is doubt, and doubt is refused.
    fn add(&mut self, value: &'a [u8], is_plain: bool) {
        *self = match self {
            Self::Nothing => Self::One { value, is_plain },
            Self::One {
                value: first,
                is_plain: first_plain,
            } if *first == value => Self::One {
                value,
                is_plain: is_plain && *first_plain,
            },
            Self::One { .. } | Self::Conflict => Self::Conflict,
        };
    }
}

/// The token in one source's single value.
fn read_value<'a>(source: &TokenSource, value: &'a [u8]) -> Found<'a> {
    let token = match source {
        TokenSource::Header(name) if name.eq_ignore_ascii_case("authorization") => {
            match bearer(value) {
                Some(token) => token,
                None => return Found::Unusable(TokenError::BadScheme),
            }
        }
        _ => value,
    };
    if token.is_empty() {
        Found::Unusable(TokenError::Malformed)
    } else {
        Found::Token(token)
    }
}

/// What follows `Bearer` and exactly one space, if that is all there is.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = crate::request::split_at_byte(value, b' ')?;
    let is_one_word = memchr::memchr3(b' ', b'\t', b',', token).is_none();
    (scheme.eq_ignore_ascii_case(b"bearer") && is_one_word).then_some(token)
}

#[cfg(test)]
mod tests;
