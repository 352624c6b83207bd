//! Every way a token may stand in a request, right and wrong.

use alloc::vec::Vec;

use tollgate_core::UnixSeconds;

use super::*;

const MALFORMED: Found<'_> = Found::Unusable(TokenError::Malformed);
const BAD_SCHEME: Found<'_> = Found::Unusable(TokenError::BadScheme);
const CONFLICT: Found<'_> = Found::Unusable(TokenError::ConflictingTokens);

fn token(text: &str) -> Found<'_> {
    Found::Token(text.as_bytes())
}

fn check(target: &str, headers: &[(&str, &str)], expect: Found<'_>) {
    let sources = [
        "header:Authorization",
        "header:x-session",
        "cookie:id_token",
        "query:token",
    ];
    let sources: Vec<_> = sources
        .iter()
        .map(|text| TokenSource::from_text(text).expect("a good source"))
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
    };
    assert_eq!(find(&sources, &request), expect, "{target} {headers:?}");
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
        check("/", &[("authorization", value)], expect);
        check(
            "/",
            &[("AUTHORIZATION", value), ("Cookie", "id_token=good")],
            expect,
        );
    }
}

#[test]
fn other_headers_hold_the_bare_token() {
    check("/", &[("X-Session", "a.b.c")], token("a.b.c"));
    check("/", &[("X-Session", "Bearer a.b.c")], token("Bearer a.b.c"));
    check("/", &[("X-Session", "")], MALFORMED);
    check("/", &[("X-Sessions", "a.b.c")], Found::Absent);
}

#[test]
fn repeats_must_be_identical() {
    check(
        "/",
        &[("authorization", "Bearer a"), ("Authorization", "Bearer a")],
        token("a"),
    );
    check(
        "/",
        &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
        CONFLICT,
    );
    check(
        "/",
        &[("authorization", "Bearer a"), ("authorization", "bearer a")],
        CONFLICT,
    );
    check(
        "/",
        &[("authorization", "Bearer a"), ("authorization", "")],
        CONFLICT,
    );
    check("/", &[("cookie", "id_token=a; id_token=a")], token("a"));
    check("/", &[("cookie", "id_token=a; id_token=b")], CONFLICT);
    check(
        "/",
        &[("cookie", "id_token=a"), ("cookie", "x=y; id_token=b")],
        CONFLICT,
    );
    check(
        "/",
        &[("cookie", "id_token=a"), ("cookie", "id_token=a")],
        token("a"),
    );
    check("/", &[("cookie", "id_token=a; id_token =a")], MALFORMED);
    check(
        "/",
        &[("cookie", "id_token=a; id_token=b; id_token=a")],
        CONFLICT,
    );
    check("/?token=a&token=a", &[], token("a"));
    check("/?token=a&token=b", &[], CONFLICT);
    check("/?token=a&token", &[], CONFLICT);
}

#[test]
fn the_first_source_present_decides() {
    let cookie = ("cookie", "id_token=c");
    check(
        "/?token=q",
        &[cookie, ("authorization", "Bearer h")],
        token("h"),
    );
    check("/?token=q", &[cookie], token("c"));
    check("/?token=q", &[], token("q"));
    check(
        "/?token=q",
        &[cookie, ("authorization", "Basic x")],
        BAD_SCHEME,
    );
    check("/?token=q", &[("cookie", "id_token=")], MALFORMED);
    check("/", &[("cookie", "other=1")], Found::Absent);
    check("/", &[], Found::Absent);
}

#[test]
fn cookies_are_read_raw() {
    let table = [
        ("id_token=a", token("a")),
        ("x=1;id_token=a;y=2", token("a")),
        ("x=1; \t id_token=a \t; y=2", token("a")),
        ("id_token=a=b", token("a=b")),
        ("id_token=\"a\"", MALFORMED),
        ("id_token=", MALFORMED),
        ("id_token", MALFORMED),
        ("id_token =a", MALFORMED),
        ("id_token= a", MALFORMED),
        ("ID_TOKEN=a", Found::Absent),
        ("my_id_token=a", Found::Absent),
        ("x=id_token=a", Found::Absent),
        ("id_token%20=a", Found::Absent),
        ("", Found::Absent),
        (";;=;", Found::Absent),
    ];
    for (value, expect) in table {
        check("/", &[("Cookie", value)], expect);
    }
}

#[test]
fn query_values_are_read_raw() {
    let table = [
        ("/?token=a", token("a")),
        ("/?x=1&token=a&y", token("a")),
        ("/?token=a=b", token("a=b")),
        ("/?token=a;token=b", token("a;token=b")),
        ("/?token=a%2Eb", MALFORMED),
        ("/?token=a+b", MALFORMED),
        ("/?token=", MALFORMED),
        ("/?token", MALFORMED),
        ("/?Token=a", Found::Absent),
        ("/?tok%65n=a", Found::Absent),
        ("/?tokens=a", Found::Absent),
        ("/token=a", Found::Absent),
        ("/?", Found::Absent),
        ("/?x=/?token=a", Found::Absent),
    ];
    for (target, expect) in table {
        check(target, &[], expect);
    }
}
