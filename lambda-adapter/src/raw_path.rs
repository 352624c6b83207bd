//! Paths between their forms: as sent, decoded, and as an S3 key.
//!
//! Nothing is repaired on the way. What is no canonical path stays none, and the gate says so. Not here:
//! any judgement.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use tollgate_core::PathReader;

/// What some reader does not accept raw in a path.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'+')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What must be escaped in a part of a query: everything but unreserved characters.
const QUERY: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The raw path for one that was decoded on the way. Of all raw paths that decode to it this is one that every
/// reader reads in the same way, if it accepts it: a `%` in it becomes `%25`.
pub(crate) fn from_decoded(path: &str) -> String {
    utf8_percent_encode(path, ESCAPED).to_string()
}

/// A raw query out of decoded names and values.
pub(crate) fn query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let escaped = |text: &'a str| utf8_percent_encode(text, QUERY);
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

/// The S3 key of a raw path that a gate has allowed: decoded as its reader decodes, without the slash in front.
/// `None` if it has none.
pub(crate) fn to_key(raw: &str, reader: PathReader) -> Option<String> {
    let raw = raw.strip_prefix('/')?;
    let spaced = raw.replace('+', " ");
    let key = percent_decode_str(match reader {
        PathReader::S3 => &spaced,
        PathReader::Strict | PathReader::Files => raw,
    });
    let key = key.decode_utf8().ok()?.into_owned();
    (!key.is_empty()).then_some(key)
}

/// Takes a base path such as `/prod` off a path; what is not below it has none. Without a base every path
/// stays what it is: the gate refuses what is no path.
pub(crate) fn without_base<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    if base.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(base)?;
    rest.starts_with('/').then_some(rest)
}

#[cfg(test)]
mod tests {
    use tollgate_core::path::{PathOptions, PathScratch};

    use super::*;

    #[test]
    fn decoded_paths_become_the_canonical_raw_ones() {
        // The decoded path, its raw form, and whether `strict` and the readers that decode once accept that.
        let table = [
            ("/a/b.mp4", "/a/b.mp4", true, true),
            ("/a b+c.mp4", "/a%20b%2Bc.mp4", true, true),
            ("/ü–x", "/%C3%BC%E2%80%93x", true, true),
            ("/a!*'():@&=$,b", "/a!*'():@&=$,b", true, true),
            ("/[a]^b|~{c}", "/%5Ba%5D%5Eb%7C~%7Bc%7D", true, true),
            ("/a%20b", "/a%2520b", false, true),
            ("/a?b", "/a%3Fb", false, true),
            ("/a#b", "/a%23b", false, true),
            ("/a;b", "/a%3Bb", false, true),
            ("/a./…", "/a./%E2%80%A6", false, true),
            ("/a\\b", "/a%5Cb", false, false),
            ("/a\nb", "/a%0Ab", false, false),
            ("/../a", "/../a", false, false),
            ("//a", "//a", false, false),
            ("a", "a", false, false),
        ];
        for (decoded, raw, strict, once) in table {
            assert_eq!(from_decoded(decoded), raw);
            for (reader, accepted) in PathReader::ALL.into_iter().zip([strict, once, once]) {
                let mut scratch = PathScratch::new();
                let options = PathOptions {
                    reader,
                    ..PathOptions::default()
                };
                let path = scratch.parse(raw.as_bytes(), options);
                assert_eq!(path.is_ok(), accepted, "{raw}");
                // The key is what the gate has decided about.
                if let Ok(path) = path {
                    let key = to_key(raw, reader);
                    assert_eq!(key.as_deref(), decoded.strip_prefix('/'));
                    assert_eq!(key.unwrap().as_bytes(), path.decoded());
                }
            }
        }
        for (raw, reader, key) in [
            ("/", PathReader::Strict, None),
            ("a", PathReader::Strict, None),
            ("/a/", PathReader::Strict, Some("a/")),
            ("/a+b%2Bc%20d", PathReader::S3, Some("a b+c d")),
            ("/a+b%2Bc%20d", PathReader::Files, Some("a+b+c d")),
        ] {
            assert_eq!(to_key(raw, reader).as_deref(), key, "{raw}");
        }
    }

    #[test]
    fn a_base_ends_at_a_slash() {
        let table = [
            ("/prod/a", "/prod", Some("/a")),
            ("/prod/", "/prod", Some("/")),
            ("/prod", "/prod", None),
            ("/product", "/prod", None),
            ("/a", "/prod", None),
            ("/a", "", Some("/a")),
            ("a", "", Some("a")),
        ];
        for (path, base, expect) in table {
            assert_eq!(without_base(path, base), expect, "{path} {base}");
        }
    }

    #[test]
    fn queries_mean_what_they_meant() {
        let pairs = [("fn", "a b&c=d"), ("token", "x.y-z_~"), ("", "")];
        assert_eq!(query(pairs.into_iter()), "fn=a%20b%26c%3Dd&token=x.y-z_~&=");
    }
}
