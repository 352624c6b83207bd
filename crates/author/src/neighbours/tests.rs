//! Which patterns may match the same path.

use super::*;

/// A pattern as authors write it.
fn pattern(text: &str) -> Pattern {
    let segment = |text: &str| match text {
        "**" => Segment::Rest,
        text if text.starts_with('{') => Segment::Capture(text.to_owned()),
        text if text.contains('*') => Segment::Glob(text.to_owned()),
        text => Segment::Literal(text.to_owned()),
    };
    let own = text.trim_matches('/');
    Pattern {
        segments: own
            .split('/')
            .filter(|text| !text.is_empty())
            .map(segment)
            .collect(),
        trailing_slash: text.ends_with('/'),
        source: text.to_owned(),
    }
}

#[test]
fn nothing_that_may_match_the_same_path_is_omitted() {
    let known = [
        "/", "/a", "/a/", "/a/b", "/a/**", "/a/**/z", "/{x}/b", "/*.html", "/b/c/d", "/**",
    ];
    let mut index = PathIndex::new();
    for (at, text) in known.iter().enumerate() {
        index.insert(&pattern(text).segments, at);
    }
    for (wanted, expected) in [
        ("/", vec!["/", "/**"]),
        (
            "/a",
            vec!["/a", "/a/", "/a/**", "/a/**/z", "/*.html", "/**"],
        ),
        ("/a/b", vec!["/a/b", "/a/**", "/a/**/z", "/{x}/b", "/**"]),
        ("/b/c/d", vec!["/b/c/d", "/**"]),
        (
            "/a/**",
            vec![
                "/a", "/a/", "/a/b", "/a/**", "/a/**/z", "/{x}/b", "/*.html", "/**",
            ],
        ),
        ("/b/*/d", vec!["/b/c/d", "/**"]),
        ("/**", known.to_vec()),
        ("/**/x", known.to_vec()),
    ] {
        let found = index.near([&pattern(wanted)]);
        let found: Vec<&str> = found.into_iter().map(|at| known[at]).collect();
        assert_eq!(found, expected, "{wanted}");
    }
}

#[test]
fn targets_are_found_by_their_decoded_paths() {
    let targets = ["/a/b?x=1", "/a//b", "/a/", "nonsense", "/é"];
    let options = |index| PathOptions {
        index,
        ..PathOptions::default()
    };
    for (index, wanted, expected) in [
        (None, "/a/b", vec!["/a/b?x=1"]),
        (None, "/a/**", vec!["/a/b?x=1", "/a/"]),
        (None, "/a/", vec!["/a/"]),
        (Some("index.html"), "/a/index.html", vec!["/a/"]),
        (Some("index.html"), "/a/", vec![]),
    ] {
        let index = PathIndex::of_targets(targets, options(index));
        let found = index.near([&pattern(wanted)]);
        let found: Vec<&str> = found.into_iter().map(|at| targets[at]).collect();
        assert_eq!(found, expected, "{wanted}");
    }
}
