//! Cookies and query parameters as raw `name=value` pairs.
//!
//! Finding a token and removing it use the same parser, so that the gate cannot accept a token that it then
//! fails to remove. Not here: percent-decoding, quoting, `;` as a query separator.

/// One `name=value` of a `Cookie` field or a query, undecoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair<'a> {
    /// All bytes between the separators, including spaces.
    pub(crate) raw: &'a [u8],
    /// The name, without spaces around it.
    pub(crate) name: &'a [u8],
    /// The value; empty if there is no `=`.
    pub(crate) value: &'a [u8],
    /// Whether every parser reads the same bytes: no quotes, escapes or inner spaces.
    pub(crate) is_plain: bool,
}

impl Pair<'_> {
    /// Whether this pair has this name, byte for byte.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }
}

/// The pairs of one `Cookie` field value.
pub(crate) fn cookie_pairs(value: &[u8]) -> impl Iterator<Item = Pair<'_>> + Clone {
    split(value, b';').map(|raw| {
        let (name, value) = split_pair(trim(raw));
        // RFC 6265 has no spaces around `=`; parsers disagree about values that have them.
        let is_plain =
            trim(name) == name && trim(value) == value && memchr::memchr(b'"', value).is_none();
        Pair {
            raw,
            name: trim(name),
            value,
            is_plain,
        }
    })
}

/// The pairs of a raw query.
pub(crate) fn query_pairs(query: &[u8]) -> impl Iterator<Item = Pair<'_>> + Clone {
    split(query, b'&').map(|raw| {
        let (name, value) = split_pair(raw);
        let is_plain = memchr::memchr2(b'%', b'+', value).is_none();
        Pair {
            raw,
            name,
            value,
            is_plain,
        }
    })
}

/// Splits at every separator.
fn split(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> + Clone {
    let ends = memchr::memchr_iter(separator, bytes).chain([bytes.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let part = bytes.get(start..end).unwrap_or_default();
        start = end + 1;
        part
    })
}

fn split_pair(raw: &[u8]) -> (&[u8], &[u8]) {
    crate::request::split_at_byte(raw, b'=').unwrap_or((raw, &[]))
}

/// Removes the spaces and tabs that HTTP allows around a cookie pair.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
