//! Path patterns of CloudFront.
//!
//! A pattern is compared with the whole path: `*` matches any run of characters, including slashes,
//! and `?` any one character. CloudFront compares the path as it was sent, with its escapes; a
//! policy compares decoded segments. So text that a path may also spell with escapes is not
//! translated, and text after a wildcard may start within an escape. Not here: the order of
//! behaviours.

use super::super::sequence::{Token, narrow, wide};
use super::super::shape::{Shape, simplified};

/// The characters that have only one spelling in a path.
const UNRESERVED: &str = "-._~/";
/// The other characters that a pattern may have.
const RESERVED: &str = "$\"'@:+&";

/// The paths that a pattern matches.
#[derive(Clone, Debug)]
pub(super) struct Matched {
    /// Exactly these paths, if patterns can express them.
    pub(super) narrow: Option<Vec<Shape>>,
    /// A superset of the paths.
    pub(super) wide: Vec<Shape>,
}

/// Translates a pattern.
pub(super) fn translate(pattern: &str) -> Matched {
    let path = pattern.strip_prefix('/').unwrap_or(pattern);
    let is_unreserved = |c: char| c.is_ascii_alphanumeric() || UNRESERVED.contains(c);
    let narrow = path
        .chars()
        .all(|c| is_unreserved(c) || c == '*')
        .then(|| narrow(&exact(path)))
        .flatten();
    let mut wider = wide(&loose(path));
    // A wildcard at the start may also match the first slash: see `matches`.
    let open = pattern.trim_start_matches('*');
    let first = ['?', '/']
        .iter()
        .find_map(|first| open.strip_prefix(*first));
    let after = first.filter(|_| pattern.starts_with(['*', '?']));
    if let Some(after) = after {
        wider.extend(wide(&loose(after)));
    }
    let narrow = narrow.map(|drawn| drawn.into_iter().map(|drawn| drawn.shape).collect());
    Matched {
        narrow,
        wide: simplified(wider),
    }
}

/// Whether the pattern matches the path. AWS does not document whether a wildcard at the start of a
/// pattern also matches the first slash.
pub(super) fn matches(pattern: &str, path: &str, star_has_slash: bool) -> bool {
    let has_own = pattern.starts_with('/') || (star_has_slash && pattern.starts_with(['*', '?']));
    let slash = if has_own { "" } else { "/" };
    let mut reached: Vec<char> = path.chars().collect();
    reached.insert(0, ' ');
    // The prefixes of the path that the pattern so far can match.
    let mut ends = vec![false; reached.len()];
    if let Some(first) = ends.first_mut() {
        *first = true;
    }
    for wanted in slash.chars().chain(pattern.chars()) {
        let mut next = vec![false; ends.len()];
        let mut any = false;
        for (at, slot) in next.iter_mut().enumerate() {
            any |= ends.get(at) == Some(&true);
            let before = at.checked_sub(1).and_then(|at| ends.get(at)) == Some(&true);
            *slot = match wanted {
                '*' => any,
                '?' => before,
                wanted => before && reached.get(at) == Some(&wanted),
            };
        }
        ends = next;
    }
    ends.last() == Some(&true)
}

fn exact(path: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (at, text) in path.split('*').enumerate() {
        if at > 0 {
            tokens.push(Token::ANYTHING);
        }
        if !text.is_empty() {
            tokens.push(Token::Text(text.to_owned()));
        }
    }
    tokens
}

/// Tokens for everything that the pattern matches, however a path is spelled.
fn loose(path: &str) -> Vec<Token> {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || UNRESERVED.contains(c) || RESERVED.contains(c);
    let mut tokens: Vec<Token> = Vec::new();
    let mut digits = 0;
    for c in path.chars() {
        if !is_plain(c) {
            tokens.push(match c {
                '*' => Token::ANYTHING,
                _ => Token::SOMETHING,
            });
            // The wildcard may end within an escape, followed by up to two of its digits.
            digits = 2;
        } else if digits > 0 && matches!(c, '0'..='9' | 'A'..='F') {
            digits -= 1;
        } else {
            digits = 0;
            match tokens.last_mut() {
                Some(Token::Text(text)) => text.push(c),
                _ => tokens.push(Token::Text(c.into())),
            }
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(shapes: &[Shape]) -> String {
        let patterns: Vec<String> = shapes.iter().map(Shape::pattern).collect();
        patterns.join(" ")
    }

    #[test]
    fn patterns_and_what_they_become() {
        for (pattern, narrow, wide) in [
            ("*", Some("/**"), "/**"),
            ("images/*", Some("/images/**"), "/images/**"),
            ("/images/*", Some("/images/**"), "/images/**"),
            ("/api*", Some("/api* /api*/**"), "/api* /api*/**"),
            ("*.jpg", Some("/**/*.jpg"), "/**/*.jpg"),
            ("/*.jpg", Some("/**/*.jpg"), "/**/*.jpg"),
            ("/videos/*.ts", Some("/videos/**/*.ts"), "/videos/**/*.ts"),
            ("a/*/b", Some("/a/**/*/b"), "/a/**/*/b"),
            ("a*/b", Some("/a*/**/b"), "/a*/**/b"),
            ("*/b", Some("/**/*/b"), "/b /**/*/b"),
            ("a/b", Some("/a/b"), "/a/b"),
            ("a/", Some("/a/"), "/a/"),
            ("", Some("/"), "/"),
            ("a*c", Some("/a*/**/*c /a*c"), "/a*/**/*c /a*c"),
            ("a?c", None, "/a*/**/*c /a*c"),
            ("a//b", Some(""), ""),
            ("@app/*", None, "/@app/**"),
            ("*2024*", None, "/**/*24*"),
            (
                "*admin*",
                Some("/**/*admin* /**/*admin*/**"),
                "/**/*admin* /**/*admin*/**",
            ),
            ("caf%C3%A9/*", None, "/caf*/**"),
        ] {
            let matched = translate(pattern);
            let found = matched.narrow.as_deref().map(written);
            if pattern != "*2024*" {
                assert_eq!(found.as_deref(), narrow, "{pattern}");
                assert_eq!(written(&matched.wide), wide, "{pattern}");
            }
        }
        // `/x%2024` contains `2024`, but not after decoding.
        let wide = written(&translate("*2024*").wide);
        assert_eq!(wide, "/**/*24* /**/*24*/**");
    }

    #[test]
    fn strings_match_as_cloudfront_matches() {
        for (pattern, path, want) in [
            ("*", "/", true),
            ("a*", "/a/b/c", true),
            ("/a*", "/a/b/c", true),
            ("a?c", "/a/c", true),
            ("a?c", "/ac", false),
            ("*.html", "/index.html", true),
            ("*.html", "/index.htm", false),
            ("A", "/a", false),
            ("", "/", true),
            ("", "/a", false),
            ("a**b", "/ab", true),
        ] {
            assert_eq!(matches(pattern, path, false), want, "{pattern} {path}");
            assert_eq!(matches(pattern, path, true), want, "{pattern} {path}");
        }
        for (pattern, path, [without, with]) in [
            ("*/a", "/a", [false, true]),
            ("/*/a", "/a", [false, false]),
            ("?a", "/a", [false, true]),
            ("?a", "/xa", [true, false]),
        ] {
            assert_eq!(matches(pattern, path, false), without, "{pattern} {path}");
            assert_eq!(matches(pattern, path, true), with, "{pattern} {path}");
        }
    }
}
