//! Translations compared with the original patterns, on every short path over a small alphabet.

use super::super::condition::compare;
use super::*;

/// Whether the tokens match the path as one string, by exhaustive search.
fn means(tokens: &[Token], text: &str) -> bool {
    match tokens.split_first() {
        None => text.is_empty(),
        Some((Token::Text(start), tokens)) => text
            .strip_prefix(start.as_str())
            .is_some_and(|text| means(tokens, text)),
        Some((Token::Run(run), tokens)) => (0..=text.len()).any(|end| {
            let (run_text, left) = text.split_at(end);
            let is_excluded = (!run.crosses && run_text.contains('/'))
                || (run.star.is_filled && run_text.is_empty())
                || (run.star.has_no_dot && run_text.contains('.'));
            !is_excluded && means(tokens, left)
        }),
    }
}

fn segments_match(pattern: &str, text: &str) -> bool {
    super::super::shape::matches(pattern, text)
}

/// Whether the pieces match, by exhaustive search.
fn pieces_match(pieces: &[Piece], text: &str) -> bool {
    let tokens: Vec<Token> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => Token::Text(text.clone()),
            Piece::Star(star) => Token::Run(Run {
                crosses: false,
                star: *star,
            }),
        })
        .collect();
    means(&tokens, text)
}

fn drawn_has(drawn: &Drawn, segments: &[&str], slash: bool) -> bool {
    fn left(
        parts: &[Part],
        at: usize,
        segments: &[&str],
        end: (End, bool),
        tests: &[(usize, Vec<Piece>)],
    ) -> bool {
        let (end, slash) = end;
        match parts.get(at) {
            None => match end {
                End::File => segments.is_empty() && !slash,
                End::Slash => segments.is_empty() && slash,
                End::Below => !segments.is_empty() || slash,
            },
            Some(Part::Rest) => (0..=segments.len())
                .any(|from| left(parts, at + 1, &segments[from..], (end, slash), tests)),
            Some(Part::Text(text)) => segments.split_first().is_some_and(|(first, rest)| {
                let tested = tests.iter().filter(|(tested, _)| *tested == at);
                segments_match(text, first)
                    && tested
                        .into_iter()
                        .all(|(_, pieces)| pieces_match(pieces, first))
                    && left(parts, at + 1, rest, (end, slash), tests)
            }),
        }
    }
    left(
        &drawn.shape.parts,
        0,
        segments,
        (drawn.shape.end, slash),
        &drawn.tests,
    )
}

#[test]
fn narrow_is_exact_and_wide_is_complete() {
    let run = |crosses, is_filled, has_no_dot| {
        Token::Run(Run {
            crosses,
            star: Star {
                is_filled,
                has_no_dot,
            },
        })
    };
    let tokens = [
        run(true, false, false),
        run(true, true, false),
        run(false, false, false),
        run(false, true, false),
        run(false, false, true),
        Token::Text("a".into()),
        Token::Text("/".into()),
        Token::Text("a/".into()),
        Token::Text("/b".into()),
        Token::Text(".b".into()),
        Token::Text("ab".into()),
    ];
    let names = ["a", "b", "ab", "a.b", "aab"];
    let mut lists: Vec<Vec<&str>> = vec![vec![]];
    let mut paths: Vec<(Vec<&str>, bool)> = vec![(vec![], true)];
    for _ in 0..3 {
        let longer = lists
            .iter()
            .flat_map(|list| names.map(|name| [list.as_slice(), &[name]].concat()));
        lists = longer.collect();
        paths.extend(
            lists
                .iter()
                .flat_map(|list| [(list.clone(), false), (list.clone(), true)]),
        );
    }
    let text = |(segments, slash): &(Vec<&str>, bool)| {
        let slash = if *slash && !segments.is_empty() {
            "/"
        } else {
            ""
        };
        format!("{}{slash}", segments.join("/"))
    };
    let mut random = 7_u64;
    let mut pick = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below
    };
    let (mut exact, rounds) = (0, 1_500);
    for _ in 0..rounds {
        let list: Vec<Token> = (0..pick(6))
            .map(|_| tokens[pick(tokens.len())].clone())
            .collect();
        let (narrow, wide) = (narrow(&list), wide(&list));
        exact += usize::from(narrow.is_some());
        for shape in wide
            .iter()
            .chain(narrow.iter().flatten().map(|drawn| &drawn.shape))
        {
            assert!(shape.is_pattern(), "{list:?}: {shape:?}");
        }
        for path in &paths {
            let wanted = means(&list, &text(path));
            let all = wide.iter().any(|shape| {
                let drawn = Drawn {
                    shape: shape.clone(),
                    tests: Vec::new(),
                };
                drawn_has(&drawn, &path.0, path.1)
            });
            assert!(all || !wanted, "{list:?} without {path:?}: {wide:?}");
            if let Some(narrow) = &narrow {
                let found = narrow.iter().any(|drawn| drawn_has(drawn, &path.0, path.1));
                assert_eq!(found, wanted, "{list:?} on {path:?}: {narrow:?}");
            }
        }
    }
    assert!(exact * 10 > rounds * 6, "{exact} of {rounds}");
}

#[test]
fn tests_need_an_unambiguous_capture() {
    let filled = Token::Run(Run {
        crosses: false,
        star: Star {
            is_filled: true,
            has_no_dot: false,
        },
    });
    let text = |text: &str| Token::Text(text.to_owned());
    let drawn = narrow(&[text("a"), filled.clone(), text("/b")]).unwrap();
    assert_eq!(drawn.len(), 1);
    assert_eq!(drawn[0].tests.len(), 1);
    assert!(compare("x", &drawn[0].tests[0].1).is_some());
    let between = [
        Token::ANYTHING,
        text("/a"),
        filled,
        text("/"),
        Token::ANYTHING,
    ];
    assert_eq!(narrow(&between), None);
    assert!(!wide(&between).is_empty());
}

#[test]
fn names_that_no_path_has_are_denied_widely() {
    for (text, want) in [
        ("a%2Fb", "a*2Fb"),
        ("a{b}", "a*b*"),
        ("a.", "*a.*"),
        (" a", "* a*"),
        ("a*b", "a*b"),
        ("ü", "ü"),
        ("a+b", "a*b"),
        ("**a**", "*a*"),
        ("a*b*c*d*e*f*g*h*i*j", "a*j"),
    ] {
        assert_eq!(widened(text), want);
    }
}
