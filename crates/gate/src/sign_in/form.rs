//! Form encoding: the queries of redirects, and the bodies of token requests.
//!
//! Not here: which parameters there are.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use crate::source::query_pairs;

/// A parameter occurs twice, or is not valid form encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadForm;

/// Appends `text` with every byte escaped except unreserved ones and those in `kept`.
pub(crate) fn push_escaped(out: &mut String, text: &[u8], kept: &[u8]) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Encodes parameters as a query or a form.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        push_escaped(&mut out, name.as_bytes(), b"");
        out.push('=');
        push_escaped(&mut out, value.as_bytes(), b"");
    }
    out
}

/// Appends parameters to a URL that may have a query.
pub(crate) fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut out = String::from(url);
    out.push(separator);
    out.push_str(&encode(pairs));
    out
}

/// The decoded value of a parameter; `None` if the query does not contain it.
///
/// # Errors
///
/// Returns an error if the parameter occurs twice, or its value is not valid.
pub(crate) fn parameter(query: Option<&[u8]>, name: &str) -> Result<Option<String>, BadForm> {
    let pairs = query.into_iter().flat_map(query_pairs);
    let mut values = pairs.filter(|pair| pair.is_named(name));
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadForm);
    }
    let bytes = unescaped(first.value).ok_or(BadForm)?;
    String::from_utf8(bytes).map(Some).map_err(|_| BadForm)
}

fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = text.iter();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_strictly() {
        let table: &[(&str, Result<Option<&str>, BadForm>)] = &[
            ("", Ok(None)),
            ("x=1", Ok(None)),
            ("to", Ok(Some(""))),
            ("to=", Ok(Some(""))),
            ("to=/a%3Fb%3D%2520", Ok(Some("/a?b=%20"))),
            ("x=1&to=a+b", Ok(Some("a b"))),
            ("to=1&to=1", Err(BadForm)),
            ("to=%", Err(BadForm)),
            ("to=%4", Err(BadForm)),
            ("to=%g1", Err(BadForm)),
            ("to=%FF", Err(BadForm)),
            ("TO=1", Ok(None)),
        ];
        for (query, expect) in table {
            let found = parameter(Some(query.as_bytes()), "to");
            assert_eq!(found, expect.map(|text| text.map(String::from)), "{query}");
        }
        assert_eq!(parameter(None, "to"), Ok(None));
    }

    #[test]
    fn every_text_survives_encoding() {
        for text in ["", "/a b", "ä&=+%", "a\r\nb", "~-._"] {
            let query = encode(&[("x", "&"), ("to", text)]);
            let read = parameter(Some(query.as_bytes()), "to");
            assert_eq!(read, Ok(Some(text.to_string())), "{query}");
        }
        assert_eq!(
            with_query("https://a/?b=c", &[("d", "/")]),
            "https://a/?b=c&d=%2F"
        );
        assert_eq!(with_query("https://a/", &[("d", "e")]), "https://a/?d=e");
    }
}
