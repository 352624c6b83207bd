//! URLs, and the paths of one site that they match.

use super::super::super::condition::compare;
use super::super::super::shape::simplified;
use super::*;

const SITE: &str = "https://x.example";

fn written(drawn: &[Drawn]) -> String {
    let texts: Vec<String> = drawn
        .iter()
        .map(|drawn| {
            let tests: Vec<String> = drawn
                .tests
                .iter()
                .flat_map(|(at, pieces)| compare(&format!("s{at}"), pieces).unwrap())
                .collect();
            let tests = if tests.is_empty() {
                String::new()
            } else {
                format!(" if {}", tests.join(" && "))
            };
            format!("{}{tests}", drawn.shape.pattern())
        })
        .collect();
    texts.join(", ")
}

#[test]
fn regular_expressions() {
    for (url, narrow, is_whole, wide) in [
        ("https://x.example/a", "/a", true, "/a"),
        ("https://x.example/<.*>", "/**", true, "/**"),
        ("https://x.example/a/<.*>", "/a/**", true, "/a/**"),
        (
            "https://x.example/a/<.+>",
            "/a/*, /a/*/**",
            true,
            "/a/*, /a/*/**",
        ),
        (
            "https://x.example/a<.*>",
            "/a*, /a*/**",
            true,
            "/a*, /a*/**",
        ),
        ("https://x.example<.*>", "/**", true, "/**"),
        ("https://x.example/<[^/]+>/b", "/*/b", true, "/*/b"),
        (
            "https://x.example/a<[^/]+>",
            "/a* if path.s0.startsWith(\"a\") && path.s0 != \"a\"",
            true,
            "/a*",
        ),
        (
            "https://x.example/<[^/.]+>",
            "/* if !path.s0.contains(\".\")",
            true,
            "/*",
        ),
        (
            "https://x.example/<a|b>/c",
            "/a/c, /b/c",
            true,
            "/a/c, /b/c",
        ),
        (
            "https://x.example/<(a|b)?>c",
            "/ac, /bc, /c",
            true,
            "/ac, /bc, /c",
        ),
        ("https://x.example/<v[12]>", "/v1, /v2", true, "/v1, /v2"),
        ("https://x.example/<[0-9]+>", "", false, "/*"),
        ("https://x.example/<[0-9]{2}>/x", "", false, "/*/x"),
        ("https://x.example/<[0-9a-f]{32}>/x", "", false, "/*/x"),
        (
            "https://x.example/<[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>",
            "",
            false,
            "/*-*-*-*-*",
        ),
        ("https://x.example/<(a/|b)+>", "", false, "/*, /*/**"),
        ("https://x.example/<(?!admin).*>", "", false, "/**"),
        ("https://x.example/<(?!a)[^/]+>/x", "", false, "/*/x"),
        ("https://x.example/<(?i)a>", "", false, "/**"),
        ("https://x.example/<[a&&b]>", "", false, "/**"),
        ("https://x.example/<[[a]b]>", "", false, "/**"),
        ("https://x.example/<(?!a[)])b>", "", false, "/**"),
        ("https://x.example/<(?<n>a)>", "/a", true, "/a"),
        ("https://x.example/<[>", "", false, "/**"),
        ("https://x.example/a<", "", false, "/**"),
        ("<.*>", "/**", true, "/**"),
        ("http<s?>://x.example/a", "/a", true, "/a"),
        ("<https|http>://x.example/a", "/a", true, "/a"),
        ("https://<[a-z]+>.example/a", "/a", true, "/a"),
        ("https://<(x|y)>.example/a", "/a", true, "/a"),
        ("https://<(?!y)[a-z]+>.example/a", "", false, "/a"),
        // In a host, `.*` is meant to match the host only, although it matches more.
        ("https://<.*>/a", "/a", false, "/**/*/a, /a"),
        ("<.*>/a", "/a", false, "/**/*/a, /a"),
        ("https://x.example/a%20b", "", false, "/a*20b"),
        ("https://x.example/a b", "/a b", true, "/a b"),
    ] {
        let paths = Url::read(url, Matching::Regexp).paths(SITE);
        let (drawn, whole) = paths.narrow();
        let mut patterns: Vec<String> = simplified(paths.wide())
            .iter()
            .map(Shape::pattern)
            .collect();
        patterns.sort();
        let sorted = |text: &str| {
            let mut list: Vec<String> = text.split(", ").map(str::to_owned).collect();
            list.sort();
            list
        };
        assert_eq!(sorted(&written(&drawn)), sorted(narrow), "{url}");
        assert_eq!(sorted(&patterns.join(", ")), sorted(wide), "{url}");
        assert_eq!(whole, is_whole, "{url}");
    }
}

#[test]
fn globs() {
    for (url, narrow, wide) in [
        ("https://x.example/<**>", "/**", "/**"),
        (
            "https://x.example/<*>",
            "/* if !path.s0.contains(\".\"), /",
            "/*, /",
        ),
        ("https://x.example/a/<*>.html", "", "/a/*.html"),
        ("https://x.example/<{a,b}>", "/a, /b", "/a, /b"),
        ("https://x.example/<?>", "", "/*"),
        ("https://x.example/<[a]>", "", "/**"),
        ("https://x.example/<\\*>", "", "/*"),
        ("https://<*>.example/a", "/a", "/a"),
        ("https://x.example/*", "", "/*"),
    ] {
        let paths = Url::read(url, Matching::Glob).paths(SITE);
        let patterns: Vec<String> = simplified(paths.wide())
            .iter()
            .map(Shape::pattern)
            .collect();
        let mut drawn: Vec<&str> = Vec::new();
        let text = written(&paths.narrow().0);
        drawn.extend(text.split(", ").filter(|text| !text.is_empty()));
        let mut wanted: Vec<&str> = narrow.split(", ").filter(|text| !text.is_empty()).collect();
        drawn.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(drawn, wanted, "{url}");
        let mut wanted: Vec<&str> = wide.split(", ").collect();
        wanted.sort_unstable();
        let mut found: Vec<&str> = patterns.iter().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "{url}");
    }
}

#[test]
fn rules_of_other_sites() {
    for url in [
        "https://y.example/<.*>",
        "http://x.example/a",
        "https://x.example.org/<.*>",
        "https://<a|b>/c",
    ] {
        assert!(
            Url::read(url, Matching::Regexp).paths(SITE).is_empty(),
            "{url}"
        );
    }
    for (url, origin, is_plain) in [
        ("https://x.example/<.*>", "https://x.example", true),
        ("https://x.example", "https://x.example", true),
        ("http<s?>://x.example/a", "http://x.example", false),
        (
            "http://<127.0.0.1|localhost>:<1|2>/a",
            "http://127.0.0.1:1",
            false,
        ),
        (
            "<https|http>://<[a-z]+>.example/a",
            "https://a.example",
            false,
        ),
    ] {
        let text = url;
        let url = Url::read(url, Matching::Regexp);
        assert_eq!(
            (url.origin().as_str(), url.has_plain_origin()),
            (origin, is_plain)
        );
        assert_eq!(
            url.paths(origin).is_empty(),
            origin == text,
            "a request always has a path"
        );
    }
}

#[test]
fn single_paths_are_compared_as_written() {
    for (url, path, want) in [
        ("https://x.example/users/<[0-9]+>", "users/12", true),
        ("https://x.example/users/<[0-9]+>", "users/me", false),
        ("https://x.example/users/<[a-f0-9]{2}>", "users/ab", true),
        ("https://x.example/users/<[a-f0-9]{2}>", "users/me", false),
        ("https://x.example/users/<[a-f0-9]{2}>", "users/abc", false),
        ("https://x.example/users/<(?!me)[a-z]+>", "users/me", true),
        ("https://x.example/<.*>", "", true),
        ("https://x.example/<[a-z]+>", "ü", true),
    ] {
        let paths = Url::read(url, Matching::Regexp).paths(SITE);
        assert_eq!(paths.may_match(path), want, "{url} {path}");
    }
}
