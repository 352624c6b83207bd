//! Conversions between raw paths, decoded paths and S3 keys.
//!
//! Nothing is normalised: a path that is not canonical stays so, and the gate rejects it. Not here:
//! validation of paths.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use tollgate_core::PathReader;

/// Characters that some path reader rejects unescaped.
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

/// Characters to escape in a query component: all except unreserved ones.
const QUERY: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes a path that was decoded in transit. Of all raw paths that decode to it, this is one that every
/// reader that accepts it reads identically: a `%` becomes `%25`.
pub(crate) fn from_decoded(path: &str) -> String {
    utf8_percent_encode(path, ESCAPED).to_string()
}

/// Encodes decoded names and values as a raw query.
pub(crate) fn query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let escaped = |text: &'a str| utf8_percent_encode(text, QUERY);
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

/// Returns the S3 key of an allowed raw path: decoded as the path reader does, without the leading slash.
/// `None` if it is empty or not a path.
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

/// Removes a base path such as `/prod`; `None` for a path that is not below it. Without a base every path is
/// returned unchanged, and the gate rejects what is not a path.
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
        // The decoded path, its raw form, and whether `strict` and the readers that decode once accept it.
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
                // The key is the path that the gate evaluated.
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
    fn queries_are_encoded_without_loss() {
        let pairs = [("fn", "a b&c=d"), ("token", "x.y-z_~"), ("", "")];
        assert_eq!(query(pairs.into_iter()), "fn=a%20b%26c%3Dd&token=x.y-z_~&=");
    }
}
