//! Paths between their forms: as sent, decoded, and as an S3 key.
//!
//! Nothing is repaired on the way. What is no canonical path stays none, and the gate says so. Not here:
//! any judgement.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What cannot stand in a canonical path as it is; see the rules of paths in the design.
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

/// The raw path for one that was decoded on the way. Of all raw paths that decode to it this is the
/// canonical one, if there is any: a `%` in it becomes `%25`, which no canonical path has.
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

/// The S3 key of a raw path that a gate has allowed: decoded, without the slash in front. `None` if it
/// has none.
pub(crate) fn to_key(raw: &str) -> Option<String> {
    let key = percent_decode_str(raw.strip_prefix('/')?);
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
        // The decoded path, its raw form, and whether that is canonical.
        let table = [
            ("/a/b.mp4", "/a/b.mp4", true),
            ("/a b+c.mp4", "/a%20b%2Bc.mp4", true),
            ("/ü–x", "/%C3%BC%E2%80%93x", true),
            ("/a!*'():@&=$,b", "/a!*'():@&=$,b", true),
            ("/a%20b", "/a%2520b", false),
            ("/a?b", "/a%3Fb", false),
            ("/a#b", "/a%23b", false),
            ("/a;b", "/a%3Bb", false),
            ("/a\\b", "/a%5Cb", false),
            ("/a\nb", "/a%0Ab", false),
            ("/../a", "/../a", false),
            ("//a", "//a", false),
            ("a", "a", false),
        ];
        for (decoded, raw, is_canonical) in table {
            assert_eq!(from_decoded(decoded), raw);
            let mut scratch = PathScratch::new();
            let options = PathOptions { ascii_only: false };
            assert_eq!(
                scratch.parse(raw.as_bytes(), options).is_ok(),
                is_canonical,
                "{raw}"
            );
            if is_canonical {
                assert_eq!(to_key(raw).as_deref(), decoded.strip_prefix('/'));
            }
        }
        assert_eq!((to_key("/"), to_key("a")), (None, None));
        assert_eq!(to_key("/a/").as_deref(), Some("a/"));
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
