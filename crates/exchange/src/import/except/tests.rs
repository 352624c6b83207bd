//! Rules with exceptions, compiled, and evaluated by the core on every short path.

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{
    Image, PathOptions, PathScratch, Query, Reason, TokenState, UnixSeconds, decide,
};

use super::*;

fn shape(pattern: &str) -> Shape {
    let end = match pattern {
        _ if pattern.ends_with("/**") => End::Below,
        _ if pattern.ends_with('/') => End::Slash,
        _ => End::File,
    };
    let text = pattern
        .strip_suffix("/**")
        .or(pattern.strip_suffix('/'))
        .unwrap_or(pattern);
    let parts = text.split('/').skip(1).map(|part| match part {
        "**" => Part::Rest,
        text => Part::Text(text.to_owned()),
    });
    Shape::new(parts.collect(), end)
}

/// Returns for each path whether these rules deny it, next to an `allow` for everything.
fn denied(rules: &[Excepted], paths: &[String]) -> Vec<bool> {
    let mut text = "schema = 1\n[site]\nname = \"x\"\n[[rule]]\nid = \"all\"\nallow = [\"/**\"]\nanyone = true\n".to_owned();
    for (at, rule) in rules.iter().enumerate() {
        text.push_str(&format!(
            "[[rule]]\nid = \"r{at}\"\ndeny = {:?}\n",
            rule.patterns
        ));
        if let Some(unless) = &rule.unless {
            text.push_str(&format!("unless = '{unless}'\n"));
        }
    }
    let mut tree = SourceTree::new();
    tree.insert("site.toml", text.clone());
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}\n{text}", compiled.diagnostics);
    let image = Image::from_bytes(compiled.image.unwrap()).unwrap();
    let mut scratch = PathScratch::new();
    let decisions = paths.iter().map(|path| {
        let path = scratch
            .parse(path.as_bytes(), PathOptions::default())
            .unwrap();
        let query = Query {
            method: "GET",
            path: &path,
            token: TokenState::Absent,
            ip: None,
            now: UnixSeconds(0),
        };
        decide(&image, &query).reason != Reason::Allow
    });
    decisions.collect()
}

#[test]
fn a_deny_with_exceptions_denies_the_difference() {
    let names = ["a", "b", "a.css", "ab", "pub"];
    let mut lists = vec![String::new()];
    let mut paths = vec!["/".to_owned()];
    for _ in 0..4 {
        let longer = lists
            .iter()
            .flat_map(|list| names.map(|name| format!("{list}/{name}")));
        lists = longer.collect();
        paths.extend(
            lists
                .iter()
                .flat_map(|list| [list.clone(), format!("{list}/")]),
        );
    }
    let table: [(&str, &[&str], usize); 14] = [
        ("/a/**", &["/a/pub/**"], 2),
        ("/a/**", &["/**/*.css"], 2),
        ("/a/**", &["/a/pub/**", "/a/b/**", "/**/*.css"], 4),
        ("/**", &["/a/**"], 2),
        ("/**", &["/a*", "/a*/**"], 2),
        ("/**/*.css", &["/pub/**"], 2),
        ("/**", &["/a/b", "/pub/"], 4),
        ("/a*", &["/ab"], 1),
        ("/a*/**", &["/ab/**", "/a*/b"], 3),
        ("/a/b/**", &["/a/**/pub/*"], 3),
        ("/a", &["/a"], 0),
        ("/a/**", &["/b/**"], 1),
        ("/a/**/b", &["/a/b", "/**/pub/b"], 3),
        ("/**/", &["/a/"], 2),
    ];
    for (pattern, exceptions, most) in table {
        let outer = shape(pattern);
        let inner: Vec<Shape> = exceptions.iter().map(|text| shape(text)).collect();
        let rules = except(&outer, &inner).unwrap();
        let found = denied(&rules, &paths);
        let plain = |shape: &Shape| {
            let plain = Excepted {
                patterns: vec![shape.pattern()],
                unless: None,
            };
            denied(&[plain], &paths)
        };
        let mut wanted = plain(&outer);
        for exception in &inner {
            for (wanted, excepted) in wanted.iter_mut().zip(plain(exception)) {
                *wanted &= !excepted;
            }
        }
        for ((path, found), wanted) in paths.iter().zip(&found).zip(&wanted) {
            assert_eq!(
                found, wanted,
                "{pattern} without {exceptions:?} on {path}: {rules:#?}"
            );
        }
        assert!(
            rules.len() <= most,
            "{pattern} without {exceptions:?}: {rules:#?}"
        );
    }
}

#[test]
fn inexpressible_exceptions_are_not_guessed() {
    for (pattern, exceptions) in [
        ("/**/a/**", vec!["/b/**"]),
        ("/a/**", vec!["/**/b/**"]),
        ("/a/**", vec!["/a/*b*c*/d"]),
        ("/a/b/c/d/e/f/g/**", vec!["/a/b/c/d/e/f/g/h/**"]),
        ("/*a*b*/**", vec!["/ab/**"]),
    ] {
        let exceptions: Vec<Shape> = exceptions.into_iter().map(shape).collect();
        assert_eq!(except(&shape(pattern), &exceptions), None, "{pattern}");
    }
    assert!(!can_be_excepted(&shape("/**/b/**")));
    assert!(!can_be_excepted(&shape("/a/*b*c*/d")));
    assert!(can_be_excepted(&shape("/a/*b*/**")));
}
