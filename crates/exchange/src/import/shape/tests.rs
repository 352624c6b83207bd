//! Shapes compared with a separate matcher, on every short path over a small alphabet.

use super::*;

/// A path as the core sees it: its segments, and whether it ends in a slash.
type Path = (Vec<String>, bool);

fn paths() -> Vec<Path> {
    let names = ["a", "b", "ab", "aba", "x"];
    let mut lists: Vec<Vec<String>> = vec![vec![]];
    let mut all = vec![(vec![], true)];
    for _ in 0..3 {
        let longer = lists.iter().flat_map(|list| {
            names.map(|name| {
                let mut list = list.clone();
                list.push(name.to_owned());
                list
            })
        });
        lists = longer.collect();
        for list in &lists {
            all.push((list.clone(), false));
            all.push((list.clone(), true));
        }
    }
    all
}

/// Whether a pattern matches as `policy/README.md` defines it, by exhaustive search.
pub(crate) fn has(shape: &Shape, path: &Path) -> bool {
    fn left(parts: &[Part], segments: &[String], end: End, slash: bool) -> bool {
        match parts.split_first() {
            None => match end {
                End::File => segments.is_empty() && !slash,
                End::Slash => segments.is_empty() && slash,
                End::Below => !segments.is_empty() || slash,
            },
            Some((Part::Rest, parts)) => {
                (0..=segments.len()).any(|at| left(parts, &segments[at..], end, slash))
            }
            Some((Part::Text(text), parts)) => segments
                .split_first()
                .is_some_and(|(first, rest)| fits(text, first) && left(parts, rest, end, slash)),
        }
    }
    left(&shape.parts, &path.0, shape.end, path.1)
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let (_, rest) = pattern.split_at(1);
            (0..=text.len()).any(|at| fits(rest, text.split_at(at).1))
        }
        Some(c) => text
            .strip_prefix(c)
            .is_some_and(|text| fits(pattern.split_at(c.len_utf8()).1, text)),
    }
}

fn shapes() -> Vec<Shape> {
    let part = |text: &str| match text {
        "**" => Part::Rest,
        text => Part::Text(text.to_owned()),
    };
    let mut all = Vec::new();
    for text in [
        "",
        "a",
        "*",
        "**",
        "a*",
        "*a",
        "a/b",
        "a/*",
        "*/b",
        "**/a",
        "**/*a",
        "a/**/b",
        "a*/b*",
        "ab*",
        "*ba",
        "**/a*/b",
        "**/a/**/b",
        "*a*",
        "a*a",
        "x/**/*",
        "**/ab*/**/*a",
    ] {
        for end in [End::File, End::Slash, End::Below] {
            let parts: Vec<Part> = text
                .split('/')
                .filter(|p| !p.is_empty())
                .map(part)
                .collect();
            let rest_then_file = parts.last() == Some(&Part::Rest) && end == End::File;
            if !rest_then_file && (!parts.is_empty() || end != End::File) {
                all.push(Shape::new(parts, end));
            }
        }
    }
    all
}

#[test]
fn intersections_are_exact_or_too_large_and_covering_is_certain() {
    let (paths, shapes) = (paths(), shapes());
    let members: Vec<Vec<bool>> = shapes
        .iter()
        .map(|shape| paths.iter().map(|path| has(shape, path)).collect())
        .collect();
    let (mut exact, mut covered) = (0, 0);
    for (x, in_x) in shapes.iter().zip(&members) {
        for (y, in_y) in shapes.iter().zip(&members) {
            let meeting = x.meet(y);
            let names = || format!("{} and {}: {:?}", x.pattern(), y.pattern(), meeting);
            let covers = x.covers(y);
            for ((path, in_x), in_y) in paths.iter().zip(in_x).zip(in_y) {
                let in_both = *in_x && *in_y;
                let found = meeting.shapes.iter().any(|shape| has(shape, path));
                assert!(found || !in_both, "{path:?} is missing: {}", names());
                assert!(
                    !meeting.is_exact || found == in_both,
                    "{path:?}: {}",
                    names()
                );
                assert!(!covers || !in_y || *in_x, "{path:?}: {}", names());
            }
            let is_subset = in_x.iter().zip(in_y).all(|(in_x, in_y)| *in_x || !in_y);
            covered += usize::from(covers && is_subset);
            exact += usize::from(meeting.is_exact);
            assert!(covers || x != y, "{}", names());
        }
    }
    // Neither function may always return the cautious result.
    let pairs = shapes.len() * shapes.len();
    assert!(exact > pairs * 9 / 10, "{exact} of {pairs}");
    assert!(covered > shapes.len() * 3, "{covered}");
}

#[test]
fn patterns_are_written_as_authors_write_them() {
    let text = |parts: &[&str], end| {
        let parts = parts.iter().map(|part| match *part {
            "**" => Part::Rest,
            text => Part::Text(text.to_owned()),
        });
        Shape::new(parts.collect(), end)
    };
    for (shape, pattern, literal, is_pattern) in [
        (Shape::everything(), "/**", None, true),
        (Shape::root(), "/", Some("/"), true),
        (text(&["a", "b"], End::File), "/a/b", Some("/a/b"), true),
        (
            text(&["a", "**", "**", "*.x"], End::File),
            "/a/**/*.x",
            None,
            true,
        ),
        (text(&["a", "**"], End::Below), "/a/**", None, true),
        (text(&["**"], End::Slash), "/**/", None, true),
        (text(&["a{b"], End::File), "/a{b", Some("/a{b"), false),
        (text(&["a."], End::File), "/a.", Some("/a."), false),
        (text(&["a%b"], End::File), "/a%b", Some("/a%b"), false),
        (
            text(&["*a*b*c*d*e*f*g*h*i"], End::File),
            "/*a*b*c*d*e*f*g*h*i",
            None,
            false,
        ),
        (text(&["a"; 70], End::Below), "", None, false),
    ] {
        if !pattern.is_empty() {
            assert_eq!(shape.pattern(), pattern);
        }
        assert_eq!(shape.literal().as_deref(), literal);
        assert_eq!(shape.is_pattern(), is_pattern, "{pattern}");
    }
}
