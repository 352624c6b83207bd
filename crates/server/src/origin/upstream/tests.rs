//! Valid upstream URLs, and which headers and targets are sent to an upstream.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::{BadUpstream, UpstreamOptions};
use super::{Upstream, strip_hop_by_hop};

#[test]
fn only_a_scheme_and_a_host() {
    let table: &[(&str, Option<BadUpstream>)] = &[
        ("http://localhost", None),
        ("http://127.0.0.1:9000/", None),
        ("http://[::1]:9000", None),
        ("https://example.com", None),
        ("ftp://example.com", Some(BadUpstream::Scheme)),
        ("example.com", Some(BadUpstream::NotAUrl)),
        ("/a", Some(BadUpstream::NotAUrl)),
        ("", Some(BadUpstream::NotAUrl)),
        ("http://example.com/base", Some(BadUpstream::MoreThanHost)),
        ("http://example.com/?q", Some(BadUpstream::MoreThanHost)),
        ("http://user@example.com/", Some(BadUpstream::MoreThanHost)),
        ("http://example.com/#a", Some(BadUpstream::MoreThanHost)),
    ];
    for (url, expected) in table {
        assert_eq!(
            Upstream::parse(url, UpstreamOptions::default()).err(),
            *expected,
            "{url}"
        );
    }
}

#[test]
fn a_target_is_forwarded_exactly_or_not_at_all() {
    let upstream = Upstream::parse("http://127.0.0.1:9", UpstreamOptions::default()).unwrap();
    let exact: &[&str] = &[
        "/",
        "/a/b",
        "/a%20b",
        "/A/%C3%A9",
        "/~a!*'():@&=$,",
        "/a?x=%2F&y=../..",
        "/a?",
        "/a/",
    ];
    for target in exact {
        let uri = upstream.uri(target.as_bytes()).unwrap();
        assert_eq!(uri.path_and_query().unwrap().as_str(), *target);
        assert_eq!(uri.authority().unwrap().as_str(), "127.0.0.1:9");
    }
    for target in [
        "/a#b",
        "/a b",
        "/a?b#c",
        "/a\r\nx: y",
        "",
        "*",
        "http://elsewhere/a",
    ] {
        assert_eq!(upstream.uri(target.as_bytes()), None, "{target:?}");
    }
}

#[test]
fn hop_by_hop_headers_are_not_forwarded() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "close, X-One"),
        ("connection", "x-two"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("x-one", "1"),
        ("x-two", "2"),
        ("x-three", "3"),
    ] {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    strip_hop_by_hop(&mut headers);
    assert_eq!(
        headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
        ["x-three"]
    );
}
