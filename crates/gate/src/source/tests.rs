//! All valid and invalid locations of a token in a request.

use alloc::{format, string::String, vec::Vec};

use tollgate_core::UnixSeconds;

use super::*;

type Read<'a> = Result<&'a [u8], TokenError>;

const MALFORMED: Read<'_> = Err(TokenError::Malformed);
const BAD_SCHEME: Read<'_> = Err(TokenError::BadScheme);
const CONFLICT: Read<'_> = Err(TokenError::ConflictingTokens);

fn token(text: &str) -> Read<'_> {
    Ok(text.as_bytes())
}

/// The position of a source, and its value.
type Found = (usize, Result<Vec<u8>, TokenError>);

/// The candidates of a request, each with its source.
fn candidates(target: &str, headers: &[(&str, &str)]) -> Result<Vec<Found>, TokenError> {
    let sources = [
        "header:Authorization",
        "header:x-session",
        "cookie:id_token",
        "query:token",
    ];
    let sources: Vec<_> = sources
        .iter()
        .map(|text| TokenSource::from_text(text).expect("a valid source"))
        .collect();
    let fields: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let request = Request {
        method: "GET",
        target: target.as_bytes(),
        headers: &fields,
        ip: None,
        now: UnixSeconds(0),
        entropy: None,
    };
    let read = Candidates::read(&sources, &request)?;
    Ok(read
        .iter()
        .map(|candidate| (candidate.source, candidate.token.map(<[u8]>::to_vec)))
        .collect())
}

fn check(target: &str, headers: &[(&str, &str)], expect: &[Read<'_>]) {
    let read = candidates(target, headers).expect("not too many");
    let read: Vec<_> = read
        .iter()
        .map(|(_, token)| token.as_deref().map_err(|error| *error))
        .collect();
    assert_eq!(read, expect, "{target} {headers:?}");
}

#[test]
fn authorization_is_bearer_one_space_token() {
    let table = [
        ("Bearer a.b.c", token("a.b.c")),
        ("bearer a.b.c", token("a.b.c")),
        ("BEARER a.b.c", token("a.b.c")),
        ("Bearer ", MALFORMED),
        ("Bearer", BAD_SCHEME),
        ("", BAD_SCHEME),
        ("a.b.c", BAD_SCHEME),
        ("Basic YTpi", BAD_SCHEME),
        ("Bearer  a.b.c", BAD_SCHEME),
        ("Bearer\ta.b.c", BAD_SCHEME),
        (" Bearer a.b.c", BAD_SCHEME),
        ("Bearer a.b.c ", BAD_SCHEME),
        ("Bearer a.b.c, Bearer d.e.f", BAD_SCHEME),
        ("Bearer a.b.c,Bearer", BAD_SCHEME),
        ("Bearera.b.c", BAD_SCHEME),
        ("Bearer: a.b.c", BAD_SCHEME),
    ];
    for (value, expect) in table {
        check("/", &[("authorization", value)], &[expect]);
        // An invalid value does not hide the other sources.
        check(
            "/",
            &[("AUTHORIZATION", value), ("Cookie", "id_token=good")],
            &[expect, token("good")],
        );
    }
}

#[test]
fn other_headers_hold_the_bare_token() {
    check("/", &[("X-Session", "a.b.c")], &[token("a.b.c")]);
    check(
        "/",
        &[("X-Session", "Bearer a.b.c")],
        &[token("Bearer a.b.c")],
    );
    check("/", &[("X-Session", "")], &[MALFORMED]);
    check("/", &[("X-Sessions", "a.b.c")], &[]);
}

/// Target, headers, and the expected values.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [Read<'a>]);

#[test]
fn a_header_or_parameter_has_one_value() {
    let bearer = |value| ("authorization", value);
    let table: [Row<'_>; 10] = [
        (
            "/",
            &[bearer("Bearer a"), ("Authorization", "Bearer a")],
            &[token("a")],
        ),
        ("/", &[bearer("Bearer a"), bearer("Bearer b")], &[CONFLICT]),
        ("/", &[bearer("Bearer a"), bearer("bearer a")], &[CONFLICT]),
        ("/", &[bearer("Bearer a"), bearer("")], &[CONFLICT]),
        ("/", &[bearer("x"), bearer("x")], &[BAD_SCHEME]),
        (
            "/",
            &[bearer("Bearer a"), bearer("b"), ("x-session", "c")],
            &[CONFLICT, token("c")],
        ),
        ("/?token=a&token=a", &[], &[token("a")]),
        ("/?token=a&token=b", &[], &[CONFLICT]),
        ("/?token=a&token", &[], &[CONFLICT]),
        (
            "/?token&token",
            &[("cookie", "id_token=a")],
            &[token("a"), MALFORMED],
        ),
    ];
    for (target, headers, expect) in table {
        check(target, headers, expect);
    }
}

#[test]
fn a_cookie_may_have_several_values() {
    let table: [(&[&str], &[Read<'_>]); 8] = [
        (&["id_token=a; id_token=a"], &[token("a")]),
        (&["id_token=a; id_token=b"], &[token("a"), token("b")]),
        (
            &["id_token=a", "x=y; id_token=b"],
            &[token("a"), token("b")],
        ),
        (&["id_token=a", "id_token=a"], &[token("a")]),
        (
            &["id_token=a; id_token=b; id_token=a"],
            &[token("a"), token("b")],
        ),
        (&["id_token=; id_token=b"], &[MALFORMED, token("b")]),
        (&["id_token=a; id_token =a"], &[token("a"), MALFORMED]),
        (&["id_token=; id_token; id_token=\"a\""], &[MALFORMED]),
    ];
    for (lines, expect) in table {
        let headers: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
        check("/", &headers, expect);
    }
}

#[test]
fn sources_are_read_in_order() {
    let all = [
        ("cookie", "id_token=c; id_token=d"),
        ("x-session", "s"),
        ("authorization", "Bearer h"),
    ];
    // Each with the position of its source.
    let read = |target: &str, headers: &[(&str, &str)]| {
        let read = candidates(target, headers).expect("not too many");
        let read = read.into_iter().map(|(source, token)| {
            let token = String::from_utf8(token.expect("good values"));
            format!("{source}{} ", token.expect("text"))
        });
        read.collect::<String>()
    };
    assert_eq!(read("/", &all), "0h 1s 2c 2d ");
    // A value in two sources counts once, for the first of them.
    assert_eq!(read("/?token=d", &all), "0h 1s 2c 2d ");
    assert_eq!(read("/?token=q", &all[..1]), "2c 2d 3q ");
    assert_eq!(read("/", &[("cookie", "other=1")]), "");
    assert_eq!(read("/", &[]), "");
}

#[test]
fn more_than_four_values_are_too_many() {
    let too_many = Err(TokenError::TooManyTokens);
    for (cookies, query, expect) in [
        ("id_token=a; id_token=b; id_token=c; id_token=d", "/", Ok(4)),
        (
            "id_token=a; id_token=b; id_token=c; id_token=d; id_token=a",
            "/?token=b",
            Ok(4),
        ),
        (
            "id_token=a; id_token=b; id_token=c; id_token=d; id_token=e",
            "/",
            too_many,
        ),
        (
            "id_token=a; id_token=b; id_token=c; id_token=d",
            "/?token=e",
            too_many,
        ),
        // A value that cannot be a token counts as well.
        (
            "id_token=a; id_token=b; id_token=c; id_token=d; id_token=",
            "/",
            too_many,
        ),
        (
            "id_token=a; id_token=b; id_token=c; id_token=d",
            "/?token=%41",
            too_many,
        ),
    ] {
        let read = candidates(query, &[("cookie", cookies)]);
        assert_eq!(read.map(|read| read.len()), expect, "{cookies} {query}");
    }
    let many: Vec<_> = (0..10_000).map(|_| ("cookie", "id_token=a")).collect();
    assert_eq!(candidates("/", &many).map(|read| read.len()), Ok(1));
}

#[test]
fn cookies_are_read_raw() {
    let table = [
        ("id_token=a", Some(token("a"))),
        ("x=1;id_token=a;y=2", Some(token("a"))),
        ("x=1; \t id_token=a \t; y=2", Some(token("a"))),
        ("id_token=a=b", Some(token("a=b"))),
        ("id_token=\"a\"", Some(MALFORMED)),
        ("id_token=", Some(MALFORMED)),
        ("id_token", Some(MALFORMED)),
        ("id_token =a", Some(MALFORMED)),
        ("id_token= a", Some(MALFORMED)),
        ("ID_TOKEN=a", None),
        ("my_id_token=a", None),
        ("x=id_token=a", None),
        ("id_token%20=a", None),
        ("", None),
        (";;=;", None),
    ];
    for (value, expect) in table {
        check("/", &[("Cookie", value)], expect.as_slice());
    }
}

#[test]
fn query_values_are_read_raw() {
    let table = [
        ("/?token=a", Some(token("a"))),
        ("/?x=1&token=a&y", Some(token("a"))),
        ("/?token=a=b", Some(token("a=b"))),
        ("/?token=a;token=b", Some(token("a;token=b"))),
        ("/?token=a%2Eb", Some(MALFORMED)),
        ("/?token=a+b", Some(MALFORMED)),
        ("/?token=", Some(MALFORMED)),
        ("/?token", Some(MALFORMED)),
        ("/?Token=a", None),
        ("/?tok%65n=a", None),
        ("/?tokens=a", None),
        ("/token=a", None),
        ("/?", None),
        ("/?x=/?token=a", None),
    ];
    for (target, expect) in table {
        check(target, &[], expect.as_slice());
    }
}
