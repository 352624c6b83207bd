//! The encoder and the core together: patterns, captures, deny and unauthenticated requests, without policy text.

#![cfg(test)]

use core::net::IpAddr;

use tollgate_core::path::MAX_SEGMENTS;
use tollgate_core::{
    Claim, ClaimKind, Effect, Facts, FactsBuilder, Image, MethodSet, PathOptions, PathScratch,
    Query, Reason, TokenState, UnixSeconds, decide,
};
use tollgate_policy::encode::{EncodeError, encode};
use tollgate_policy::spec::{
    ClaimSpec, Comparison, Expr, ImageSpec, Network, Pattern, Principals, RuleSpec, Segment,
    Template,
};

fn pattern(source: &str) -> Pattern {
    let body = source.strip_prefix('/').unwrap();
    let (body, trailing_slash) = match body.strip_suffix('/') {
        Some(body) => (body, true),
        None => (body, body.is_empty()),
    };
    let segments = body
        .split('/')
        .filter(|text| !text.is_empty())
        .map(|text| match text {
            "**" => Segment::Rest,
            _ if text.starts_with('{') => Segment::Capture(text.trim_matches(['{', '}']).into()),
            _ if text.contains('*') => Segment::Glob(text.into()),
            _ => Segment::Literal(text.into()),
        })
        .collect();
    Pattern {
        segments,
        trailing_slash,
        source: source.into(),
    }
}

fn rule(id: &str, effect: Effect, patterns: &[&str]) -> RuleSpec {
    RuleSpec {
        course: "c".into(),
        id: id.into(),
        effect,
        methods: MethodSet::READ,
        because: None,
        patterns: patterns.iter().map(|source| pattern(source)).collect(),
        who: Principals {
            anyone: effect == Effect::Allow,
            ..Principals::default()
        },
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    }
}

fn template(text: &str) -> Template {
    match text.split_once('{') {
        Some((prefix, rest)) => {
            let (capture, suffix) = rest.split_once('}').unwrap();
            Template {
                prefix: prefix.into(),
                capture: Some(capture.into()),
                suffix: suffix.into(),
            }
        }
        None => Template {
            prefix: text.into(),
            capture: None,
            suffix: String::new(),
        },
    }
}

fn groups(names: &[&str]) -> Principals {
    Principals {
        groups: Some(names.iter().map(|name| template(name)).collect()),
        ..Principals::default()
    }
}

fn image(rules: Vec<RuleSpec>) -> Image<Vec<u8>> {
    let claims = vec![
        ClaimSpec {
            name: "level".into(),
            kind: ClaimKind::Int,
        },
        ClaimSpec {
            name: "cohort".into(),
            kind: ClaimKind::String,
        },
    ];
    let spec = ImageSpec {
        claims,
        rules,
        ..ImageSpec::default()
    };
    Image::from_bytes(encode(&spec).unwrap().image).unwrap()
}

fn ask(
    image: &Image<Vec<u8>>,
    method: &str,
    path: &str,
    token: TokenState<'_>,
) -> (Reason, Option<String>) {
    let mut scratch = PathScratch::new();
    let path = scratch
        .parse(path.as_bytes(), PathOptions::default())
        .unwrap();
    let query = Query {
        path: &path,
        method,
        ip: Some(IpAddr::from([203, 0, 113, 7])),
        now: UnixSeconds(1_800_000_000),
        token,
    };
    let decision = decide(image, &query);
    (
        decision.reason,
        decision
            .rule
            .map(|rule| image.rule_name(rule).unwrap().to_string()),
    )
}

#[test]
fn patterns_fit_what_they_say() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("/", &["/"], &["/a", "/a/"]),
        ("/a", &["/a"], &["/", "/a/", "/b", "/a/b", "/A"]),
        ("/a/", &["/a/"], &["/a", "/a/b"]),
        (
            "/a/**",
            &["/a/", "/a/b", "/a/b/", "/a/b/c"],
            &["/a", "/ab", "/"],
        ),
        ("/**", &["/", "/a", "/a/b/"], &[]),
        ("/**/", &["/", "/a/", "/a/b/"], &["/a", "/a/b"]),
        (
            "/a/**/b",
            &["/a/b", "/a/x/b", "/a/b/b", "/a/x/y/b"],
            &["/a/b/", "/a", "/a/b/c", "/b"],
        ),
        (
            "/a/**/b/**",
            &["/a/b/", "/a/b/c", "/a/x/b/c/d", "/a/b/b/"],
            &["/a/b", "/a/x/b", "/a/c/d"],
        ),
        ("/a/**/**", &["/a/", "/a/b"], &["/a"]),
        (
            "/a/**/b/**/c",
            &["/a/b/c", "/a/x/b/y/c", "/a/b/b/c/c"],
            &["/a/c", "/a/c/b", "/a/b"],
        ),
        (
            "/**/*.pdf",
            &["/x.pdf", "/a/b/x.pdf"],
            &["/x.pdf/", "/x.pdf/a", "/pdf"],
        ),
        ("/a*/b", &["/a/b", "/abc/b"], &["/b", "/ba/b"]),
        ("/*", &["/a"], &["/", "/a/", "/a/b"]),
        ("/{x}/b", &["/a/b", "/z/b"], &["/b", "/a/c", "//b"]),
        ("/{x}/", &["/a/"], &["/", "/a"]),
    ];
    for (pattern, fits, others) in cases {
        let image = image(vec![rule("r", Effect::Allow, &[pattern])]);
        for path in *fits {
            assert_eq!(
                ask(&image, "GET", path, TokenState::Absent).0,
                Reason::Allow,
                "{pattern} on {path}"
            );
        }
        for path in others.iter().filter(|path| !path.contains("//")) {
            assert_eq!(
                ask(&image, "GET", path, TokenState::Absent).0,
                Reason::Forbidden,
                "{pattern} on {path}"
            );
        }
    }
}

#[test]
fn all_ways_down_the_trie_are_tried() {
    let patterns = [
        "/a/b/x",
        "/{p}/b/y",
        "/a*/{q}/z",
        "/*/b/w",
        "/a/**/v",
        "/a/b/x/**",
    ];
    let rules = patterns
        .iter()
        .enumerate()
        .map(|(at, pattern)| rule(&format!("r{at}"), Effect::Allow, &[pattern]));
    let image = image(rules.collect());
    for (path, want) in [
        ("/a/b/x", "c/r0"),
        ("/a/b/y", "c/r1"),
        ("/a/b/z", "c/r2"),
        ("/a/b/w", "c/r3"),
        ("/a/b/v", "c/r4"),
        ("/a/b/x/", "c/r5"),
    ] {
        assert_eq!(
            ask(&image, "GET", path, TokenState::Absent),
            (Reason::Allow, Some(want.into())),
            "{path}"
        );
    }
}

#[test]
fn as_deep_as_a_path_can_be() {
    let deep = |first: &str| format!("/{first}{}", "/a".repeat(MAX_SEGMENTS - 1));
    let image = image(vec![rule("r", Effect::Allow, &[&deep("x*")])]);
    let allowed = (Reason::Allow, Some("c/r".to_owned()));
    assert_eq!(ask(&image, "GET", &deep("xy"), TokenState::Absent), allowed);
    let other = ask(&image, "GET", &deep("y"), TokenState::Absent);
    assert_eq!(other.0, Reason::Forbidden);
}

#[test]
fn captures_before_and_after_a_rest() {
    let mut before = rule("before", Effect::Allow, &["/catalog/{course}/**"]);
    before.who = groups(&["course-{course}"]);
    let mut after = rule("after", Effect::Allow, &["/media/**/{course}/video"]);
    after.who = groups(&["{course}-fans"]);
    let mut user = rule("user", Effect::Allow, &["/users/{user}/**"]);
    user.who = Principals {
        signed_in: true,
        ..Principals::default()
    };
    user.when = Some(Expr::Compare(
        Comparison::Eq,
        Box::new(Expr::Capture("user".into())),
        Box::new(Expr::Subject),
    ));
    let image = image(vec![before, after, user]);
    let facts = FactsBuilder::new(&image)
        .subject(Some("u-1"))
        .group("course-go")
        .group("rust-fans")
        .build();
    let token = TokenState::Verified(&facts);
    for (path, want) in [
        ("/catalog/go/x", Reason::Allow),
        ("/catalog/rust/x", Reason::Forbidden),
        ("/media/a/b/rust/video", Reason::Allow),
        ("/media/rust/video", Reason::Allow),
        ("/media/rust/go/video", Reason::Forbidden),
        ("/users/u-1/notes", Reason::Allow),
        ("/users/u-2/notes", Reason::Forbidden),
    ] {
        assert_eq!(ask(&image, "GET", path, token).0, want, "{path}");
    }
    assert_eq!(
        ask(&image, "GET", "/users/u-2/notes", TokenState::Absent).0,
        Reason::NoToken
    );
}

/// The exam example: a deny unless the cohort is right and the date has not passed.
fn exam(until: i64) -> Vec<RuleSpec> {
    let mut students = rule("students", Effect::Allow, &["/c/**"]);
    students.who = groups(&["rust-101"]);
    let mut window = rule("window", Effect::Deny, &["/c/exams/**"]);
    let cohort = Expr::Compare(
        Comparison::Eq,
        Box::new(Expr::Claim(1)),
        Box::new(Expr::Str("spring".into())),
    );
    let early = Expr::Compare(
        Comparison::Lt,
        Box::new(Expr::Now),
        Box::new(Expr::Time(until)),
    );
    window.unless = Some(Expr::And(Box::new(cohort), Box::new(early)));
    vec![students, window]
}

#[test]
fn denies_unless_known_otherwise() {
    let facts = |image: &Image<Vec<u8>>, cohort: Claim| -> Facts {
        FactsBuilder::new(image)
            .group("rust-101")
            .claim(1, cohort)
            .build()
    };
    let open = image(exam(1_800_000_001));
    let closed = image(exam(1_800_000_000));
    let spring = || Claim::String("spring".into());
    let cases = [
        (&open, spring(), "/c/exams/1", Reason::Allow),
        (
            &open,
            Claim::String("autumn".into()),
            "/c/exams/1",
            Reason::DeniedByRule,
        ),
        (&open, Claim::Missing, "/c/exams/1", Reason::DeniedByRule),
        (&open, Claim::Int(1), "/c/exams/1", Reason::DeniedByRule),
        (&open, Claim::Missing, "/c/notes", Reason::Allow),
        (&closed, spring(), "/c/exams/1", Reason::DeniedByRule),
    ];
    for (image, cohort, path, want) in cases {
        let facts = facts(image, cohort.clone());
        assert_eq!(
            ask(image, "GET", path, TokenState::Verified(&facts)).0,
            want,
            "{path} {cohort:?}"
        );
    }
    // An unauthenticated request gets 401 only while a token could grant access.
    assert_eq!(
        ask(&open, "GET", "/c/exams/1", TokenState::Absent).0,
        Reason::NoToken
    );
    assert_eq!(
        ask(&open, "GET", "/c/exams/1", TokenState::Bad).0,
        Reason::BadToken
    );
    assert_eq!(
        ask(&closed, "GET", "/c/exams/1", TokenState::Absent),
        (Reason::DeniedByRule, Some("c/window".into()))
    );
    assert_eq!(
        ask(&closed, "GET", "/elsewhere", TokenState::Absent).0,
        Reason::Forbidden
    );
}

#[test]
fn only_the_method_in_the_way() {
    let image = image(vec![rule("r", Effect::Allow, &["/a"])]);
    let mut scratch = PathScratch::new();
    let path = scratch.parse(b"/a", PathOptions::default()).unwrap();
    let query = Query {
        path: &path,
        method: "BREW",
        ip: None,
        now: UnixSeconds(0),
        token: TokenState::Absent,
    };
    let decision = decide(&image, &query);
    assert_eq!(decision.reason, Reason::BadMethod);
    assert_eq!(decision.allow_methods, MethodSet::READ);
}

#[test]
fn facts_of_another_policy_are_refused() {
    let (one, other) = (
        image(exam(1)),
        image(vec![rule("r", Effect::Allow, &["/**"])]),
    );
    let facts = FactsBuilder::new(&one).build();
    assert_eq!(
        ask(&other, "GET", "/", TokenState::Verified(&facts)).0,
        Reason::Internal
    );
}

#[test]
fn networks_and_unknown_addresses() {
    let mut office = rule("office", Effect::Allow, &["/x"]);
    office.networks = Some(vec![Network {
        addr: IpAddr::from([203, 0, 113, 0]),
        prefix: 24,
    }]);
    let image = image(vec![office]);
    let mut scratch = PathScratch::new();
    let path = scratch.parse(b"/x", PathOptions::default()).unwrap();
    for (ip, want) in [
        (Some("203.0.113.9"), Reason::Allow),
        (Some("::ffff:203.0.113.9"), Reason::Allow),
        (Some("203.0.114.9"), Reason::Forbidden),
        (Some("2001:db8::1"), Reason::Forbidden),
        (None, Reason::Forbidden),
    ] {
        let ip_addr = ip.map(|ip| ip.parse().unwrap());
        let query = Query {
            path: &path,
            method: "GET",
            ip: ip_addr,
            now: UnixSeconds(0),
            token: TokenState::Absent,
        };
        assert_eq!(decide(&image, &query).reason, want, "{ip:?}");
    }
}

#[test]
fn the_order_of_rules_does_not_matter() {
    let mut rules = exam(5);
    let forward = encode(&ImageSpec {
        rules: rules.clone(),
        claims: claims(),
        ..ImageSpec::default()
    })
    .unwrap();
    rules.reverse();
    let backward = encode(&ImageSpec {
        rules,
        claims: claims(),
        ..ImageSpec::default()
    })
    .unwrap();
    assert_eq!(
        Image::from_bytes(&forward.image).unwrap().id(),
        Image::from_bytes(&backward.image).unwrap().id()
    );
}

fn claims() -> Vec<ClaimSpec> {
    vec![
        ClaimSpec {
            name: "level".into(),
            kind: ClaimKind::Int,
        },
        ClaimSpec {
            name: "cohort".into(),
            kind: ClaimKind::String,
        },
    ]
}

#[test]
fn what_does_not_fit_is_an_error() {
    let twice = vec![
        rule("r", Effect::Allow, &["/a"]),
        rule("r", Effect::Allow, &["/b"]),
    ];
    assert!(matches!(
        encode(&ImageSpec {
            rules: twice,
            ..ImageSpec::default()
        }),
        Err(EncodeError::DuplicateRule { .. })
    ));
    let mut deep = rule("r", Effect::Allow, &["/a"]);
    let nested = (0..20).fold(Expr::Int(0), |inner, _| {
        Expr::Arithmetic(
            tollgate_policy::spec::Arithmetic::Add,
            Box::new(Expr::Int(1)),
            Box::new(inner),
        )
    });
    deep.when = Some(Expr::Compare(
        Comparison::Eq,
        Box::new(Expr::Int(0)),
        Box::new(nested),
    ));
    assert!(matches!(
        encode(&ImageSpec {
            rules: vec![deep],
            ..ImageSpec::default()
        }),
        Err(EncodeError::ConditionTooLarge { .. })
    ));
}

#[test]
fn many_courses_are_found_by_hash() {
    let rules = (0..20_000).map(|n| RuleSpec {
        course: format!("course-{n}"),
        ..rule(
            "students",
            Effect::Allow,
            &[&format!("/courses/course-{n}/**")],
        )
    });
    let encoded = encode(&ImageSpec {
        rules: rules.collect(),
        ..ImageSpec::default()
    })
    .unwrap();
    assert_eq!(encoded.report.max_rules_per_path, 1);
    let image = Image::from_bytes(encoded.image).unwrap();
    for n in (0..20_000).step_by(997) {
        let (reason, rule) = ask(
            &image,
            "GET",
            &format!("/courses/course-{n}/x"),
            TokenState::Absent,
        );
        assert_eq!(
            (reason, rule),
            (Reason::Allow, Some(format!("course-{n}/students")))
        );
    }
    assert_eq!(
        ask(&image, "GET", "/courses/course-20000/x", TokenState::Absent).0,
        Reason::Forbidden
    );
}

/// The literal children of a node are consecutive, followed by those of the next node that has any. A search for a
/// child of one can meet a slot of the other, and one in 256 of these has the fingerprint searched for.
#[test]
fn lookup_ignores_children_of_adjacent_nodes() {
    for table in 0..12_000 {
        // The number of folders without children between the two.
        let last = 1 + table % 60;
        let child = |folder: u32| format!("/f{folder:02}/{table}-{folder}");
        let mut patterns: Vec<String> = (1..last).map(|leaf| format!("/f{leaf:02}")).collect();
        patterns.extend([child(0), child(last)]);
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let image = image(vec![rule("r", Effect::Allow, &patterns)]);
        for (folder, other) in [(0, last), (last, 0)] {
            let path = format!("/f{folder:02}/{table}-{other}");
            let reason = ask(&image, "GET", &path, TokenState::Absent).0;
            assert_eq!(reason, Reason::Forbidden, "{path}");
        }
    }
}
