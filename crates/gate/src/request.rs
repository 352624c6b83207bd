//! One HTTP request, reduced to what a decision needs.
//!
//! Everything is borrowed and raw: nothing is decoded or trimmed, and repeated headers are not joined. Not
//! here: the body, which no decision reads.

use tollgate_core::UnixSeconds;

/// The data of one HTTP request that an edge passes to the gate.
///
/// It deliberately does not implement `Debug`, because the headers and the query contain tokens.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, as sent; names are case-sensitive.
    pub method: &'a str,
    /// The raw request target: path, and query if there is one, undecoded.
    pub target: &'a [u8],
    /// Every header field line in order; a field that occurs twice has two entries.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The client's address as text. One that does not parse counts as unknown.
    pub ip: Option<&'a str>,
    /// The time of the request; the gate has no clock.
    pub now: UnixSeconds,
    /// Bytes from a secure random number generator, unique to this request. Only requests below
    /// [`Gate::entropy_path`](crate::Gate::entropy_path) need them.
    pub entropy: Option<&'a [u8; 32]>,
}

impl<'a> Request<'a> {
    /// The raw path: the bytes before the first `?`.
    pub fn path(&self) -> &'a [u8] {
        self.path_and_query().0
    }

    /// The raw path, and the raw query if there is one.
    pub(crate) fn path_and_query(&self) -> (&'a [u8], Option<&'a [u8]>) {
        match split_at_byte(self.target, b'?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }

    /// The raw query: the bytes after the first `?`, if there is one.
    pub fn query(&self) -> Option<&'a [u8]> {
        self.path_and_query().1
    }

    /// Returns the values of a header field, line by line; `name` is in lower case.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// Whether the header field is present.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.lines(name).next().is_some()
    }

    /// Whether a line of a header field contains `word`.
    pub(crate) fn mentions(&self, name: &str, word: &str) -> bool {
        let mut lines = self.lines(name);
        lines.any(|line| line.windows(word.len()).any(|part| part == word.as_bytes()))
    }

    /// Whether the query could end the request target early for a later parser: control characters and spaces
    /// end a request line, and `#` ends a URL. Clients send none of them.
    pub(crate) fn has_splitting_query(&self) -> bool {
        let splits = |byte: &u8| *byte <= b' ' || *byte == 0x7F || *byte == b'#';
        self.query().is_some_and(|query| query.iter().any(splits))
    }
}

/// Returns the parts before and after the first `byte`.
pub(crate) fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_question_mark_ends_the_path() {
        let table: &[(&str, &str, Option<&str>, bool)] = &[
            ("/a", "/a", None, false),
            ("/a?", "/a", Some(""), false),
            ("/a?b?c=d", "/a", Some("b?c=d"), false),
            ("?/a", "", Some("/a"), false),
            ("/a?b c", "/a", Some("b c"), true),
            ("/a?b\r\nhost: x", "/a", Some("b\r\nhost: x"), true),
            ("/a?b#c", "/a", Some("b#c"), true),
            ("/a?b\u{7f}", "/a", Some("b\u{7f}"), true),
            ("/a?é", "/a", Some("é"), false),
        ];
        for (target, path, query, splits) in table {
            let request = Request {
                method: "GET",
                target: target.as_bytes(),
                headers: &[],
                ip: None,
                now: UnixSeconds(0),
                entropy: None,
            };
            assert_eq!(request.path(), path.as_bytes(), "{target}");
            assert_eq!(request.query(), query.map(str::as_bytes), "{target}");
            assert_eq!(request.has_splitting_query(), *splits, "{target}");
        }
    }
}
