//! Files in responses: statuses, headers, ranges, limits.

use serde_json::{Value, json};
use tollgate_lambda::content::{ContentSettings, From, MAX_BODY_BYTES, Oversize};
use tollgate_lambda::store::StoreError;
use tollgate_lambda::{Failure, ShapeError};

use crate::events::{function_url, http, rest};
use crate::kit::{Asked, Memory, bearer, content, settings};

const OPEN: &str = "/courses/rust-101/preview/a.mp4";
const CLOSED: &str = "/courses/rust-101/b.pdf";

fn store() -> Memory {
    Memory::of(&[
        ("courses/rust-101/preview/a.mp4", b"0123456789"),
        ("courses/rust-101/preview/ü b*.txt", b"text"),
        ("courses/rust-101/preview/cut", b"0123!"),
        ("courses/rust-101/preview/empty", b""),
        ("courses/rust-101/b.pdf", b"%PDF"),
    ])
}

fn asked() -> Asked {
    content(settings(), store())
}

fn by_parameter() -> Asked {
    let settings = ContentSettings {
        from: From::Parameter,
        ..settings()
    };
    content(settings, store())
}

fn answer(asked: &Asked, event: Value) -> Value {
    asked.answer(event).expect("an answer")
}

/// Status and body, as a string.
fn seen(answer: &Value) -> (u64, String) {
    let body = answer["body"].as_str().expect("a body");
    let body = if answer["isBase64Encoded"] == true {
        use base64ct::Encoding;
        String::from_utf8(base64ct::Base64::decode_vec(body).expect("base64")).expect("text")
    } else {
        body.to_owned()
    };
    (answer["statusCode"].as_u64().expect("a status"), body)
}

fn header<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer["headers"][name].as_str().unwrap_or("-")
}

#[test]
fn an_allowed_file_is_complete() {
    let student = bearer("rust-101");
    let headers = [("Authorization", student.as_str())];
    for event in [
        rest("GET", CLOSED, &headers),
        function_url("GET", CLOSED, &headers),
        http("GET", CLOSED, &headers),
    ] {
        let answer = answer(&asked(), event);
        assert_eq!(seen(&answer), (200, "%PDF".to_owned()));
        assert_eq!(answer["isBase64Encoded"], true);
        for (name, value) in [
            ("content-type", "application/pdf"),
            ("content-disposition", "attachment; filename=\"b.pdf\""),
            ("cache-control", "private, no-cache"),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "bytes"),
            ("etag", "\"tag\""),
            ("access-control-allow-origin", "-"),
        ] {
            assert_eq!(header(&answer, name), value, "{name}");
        }
    }
}

#[test]
fn error_responses_reveal_only_the_status() {
    let student = bearer("rust-101");
    let signed = [("authorization", student.as_str())];
    let missing = "/courses/rust-101/preview/missing";
    let table = [
        ("GET", CLOSED, &[][..], 401),
        ("GET", "/nowhere", &signed[..], 403),
        ("GET", missing, &[][..], 404),
        ("HEAD", missing, &[][..], 404),
        ("GET", "/courses/rust-101/preview/", &[][..], 404),
        ("GET", "/courses/rust-101/preview/A.mp4", &[][..], 404),
        ("GET", "/courses/rust-101/preview/..", &[][..], 400),
        ("DELETE", OPEN, &[][..], 405),
        // The policy allows it, but nothing can be written.
        ("POST", "/contact", &[][..], 405),
        ("GET", "/courses/rust-101/preview/cut", &[][..], 503),
    ];
    for (method, path, headers, status) in table {
        let answer = answer(&asked(), function_url(method, path, headers));
        let (found, body) = seen(&answer);
        assert_eq!(found, status, "{method} {path}");
        assert!(body.len() < 64 && !body.contains("0123"), "{body}");
        assert_eq!(method == "HEAD", body.is_empty(), "{method} {path}");
    }
    let asked = content(settings(), store());
    answer(&asked, function_url("GET", missing, &[]));
    let log = asked.log();
    assert_eq!(log.len(), 1, "{log:?}");
    let expect = r#""outcome":"allow","status":404,"reason":"allow","detail":"object_missing","#;
    assert!(log[0].contains(expect), "{log:?}");
}

#[test]
fn one_record_has_the_status_that_the_client_gets() {
    let student = bearer("rust-101");
    let signed = [("authorization", student.as_str())];
    let table = [
        ("GET", OPEN, &[][..], "allow", 200, "null"),
        ("GET", OPEN, &[("range", "bytes=0-3")], "allow", 206, "null"),
        (
            "GET",
            OPEN,
            &[("range", "bytes=10-")],
            "allow",
            416,
            "\"no_such_bytes\"",
        ),
        (
            "GET",
            OPEN,
            &[("if-none-match", "\"tag\"")],
            "allow",
            304,
            "null",
        ),
        ("GET", CLOSED, &[], "deny", 401, "null"),
        ("GET", "/nowhere", &signed, "deny", 403, "null"),
        ("POST", "/contact", &[], "allow", 405, "\"read_only\""),
        ("DELETE", OPEN, &[], "deny", 405, "null"),
    ];
    let asked = asked();
    for (method, path, headers, outcome, status, detail) in table {
        let answer = answer(&asked, function_url(method, path, headers));
        assert_eq!(seen(&answer).0, status, "{method} {path}");
        let log = asked.log();
        assert_eq!(log.len(), 1, "{log:?}");
        for expect in [
            format!(r#""outcome":"{outcome}","status":{status},"#),
            format!(r#""detail":{detail},"#),
            format!(r#""path":"{path}""#),
        ] {
            assert!(log[0].contains(&expect), "{log:?}");
        }
    }
    let unnamed = by_parameter();
    answer(&unnamed, function_url("GET", "/files", &[]));
    let log = unnamed.log();
    assert_eq!(log.len(), 1, "{log:?}");
    let expect = r#""outcome":"reject","status":400,"reason":"bad_path","detail":"no_file_named","rule":null,"method":"GET","path":"/files""#;
    assert!(log[0].contains(expect), "{log:?}");
}

#[test]
fn store_failures_reveal_nothing() {
    for (error, status) in [
        (StoreError::Unavailable, 503),
        (StoreError::Refused, 502),
        (StoreError::Broken, 502),
    ] {
        let asked = content(settings(), Memory(Err(error)));
        let (found, body) = seen(&answer(&asked, function_url("GET", OPEN, &[])));
        assert_eq!(found, status);
        assert!(
            body == "Bad Gateway\n" || body == "Service Unavailable\n",
            "{body}"
        );
        assert!(asked.log()[0].contains(error.code()));
        // An unauthorized client learns nothing about the store.
        assert_eq!(
            seen(&answer(&asked, function_url("GET", CLOSED, &[]))).0,
            401
        );
    }
}

#[test]
fn the_parameter_names_the_file() {
    let student = bearer("rust-101");
    let signed = [("authorization", student.as_str())];
    let table = [
        ("fn=courses/rust-101/preview/a.mp4", &[][..], 200),
        ("fn=%2Fcourses%2Frust-101%2Fpreview%2Fa.mp4", &[][..], 200),
        (
            "x=1&fn=courses/rust-101/preview/%C3%BC+b*.txt",
            &[][..],
            200,
        ),
        ("fn=courses/rust-101/b.pdf", &[][..], 401),
        ("fn=courses/rust-101/b.pdf", &signed[..], 200),
        ("fn=courses/rust-101/preview/../b.pdf", &signed[..], 400),
        ("fn=courses/rust-101/preview/x", &[][..], 404),
        ("fn=", &[][..], 400),
        ("", &[][..], 400),
        ("FN=courses/rust-101/preview/a.mp4", &[][..], 400),
        ("fn=a&fn=courses/rust-101/preview/a.mp4", &[][..], 400),
    ];
    for (query, headers, status) in table {
        let mut event = function_url("GET", "/prod/files", headers);
        event["rawQueryString"] = json!(query);
        assert_eq!(seen(&answer(&by_parameter(), event)).0, status, "{query}");
    }
    let mut event = rest("GET", "/files", &[]);
    event["multiValueQueryStringParameters"] =
        json!({ "fn": ["courses/rust-101/preview/ü b*.txt"] });
    let found = answer(&by_parameter(), event.clone());
    assert_eq!(seen(&found), (200, "text".to_owned()));
    let name = "attachment; filename=\"_ b*.txt\"; filename*=UTF-8''%C3%BC%20b%2A.txt";
    assert_eq!(header(&found, "content-disposition"), name);
    event["queryStringParameters"] = json!({ "fn": "b" });
    event["multiValueQueryStringParameters"] = json!({ "fn": ["a", "b"] });
    assert_eq!(seen(&answer(&by_parameter(), event)).0, 400);
}

#[test]
fn ranges_get_partial_responses() {
    let table = [
        ("GET", "bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("GET", "bytes=8-", 206, "89", "bytes 8-9/10"),
        ("GET", "bytes=-2", 206, "89", "bytes 8-9/10"),
        (
            "GET",
            "bytes=10-",
            416,
            "Range Not Satisfiable\n",
            "bytes */10",
        ),
        ("GET", "bytes=0-1,3-4", 200, "0123456789", "-"),
        ("GET", "lines=1-2", 200, "0123456789", "-"),
        ("HEAD", "bytes=0-3", 200, "", "-"),
    ];
    for (method, range, status, body, shown) in table {
        let answer = answer(&asked(), function_url(method, OPEN, &[("range", range)]));
        assert_eq!(seen(&answer), (status, body.to_owned()), "{range}");
        assert_eq!(header(&answer, "content-range"), shown, "{range}");
    }
    let head = answer(&asked(), function_url("HEAD", OPEN, &[]));
    assert_eq!(header(&head, "content-length"), "10");
    let conditional = [("range", "bytes=0-3"), ("if-range", "\"tag\"")];
    assert_eq!(
        seen(&answer(&asked(), function_url("GET", OPEN, &conditional))).0,
        200
    );
    for (tag, status) in [("\"tag\"", 304), ("\"other\"", 200)] {
        let answer = answer(
            &asked(),
            function_url("GET", OPEN, &[("if-none-match", tag)]),
        );
        assert_eq!(seen(&answer).0, status);
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let path = "/courses/rust-101/preview/large.mp4";
    let most = usize::try_from(MAX_BODY_BYTES).expect("a size");
    let large = vec![b'x'; most + 1];
    let key = "courses/rust-101/preview/large.mp4";
    for (oversize, status) in [(Oversize::Presigned, 302), (Oversize::Refuse, 413)] {
        let settings = || ContentSettings {
            oversize,
            ..settings()
        };
        let asked = content(settings(), Memory::of(&[(key, &large)]));
        let whole = answer(&asked, function_url("GET", path, &[]));
        assert_eq!(seen(&whole).0, status);
        let fits = content(settings(), Memory::of(&[(key, &large[1..])]));
        let whole = answer(&fits, function_url("GET", path, &[]));
        assert_eq!(whole["statusCode"], 200);
        // The response is below Lambda's limit.
        assert!(whole.to_string().len() < 6 * 1_024 * 1_024);
        // A long range is shortened, and the client requests the rest.
        let part = answer(&asked, function_url("GET", path, &[("range", "bytes=1-")]));
        assert_eq!(part["statusCode"], 206);
        let shown = format!("bytes 1-{most}/{}", most + 1);
        assert_eq!(header(&part, "content-range"), shown);
        for range in [
            "bytes=0-".to_owned(),
            format!("bytes=0-{}", most + 1),
            format!("bytes=-{}", most + 1),
            "bytes=-999999999999999999".to_owned(),
        ] {
            let part = answer(&asked, function_url("GET", path, &[("range", &range)]));
            assert_eq!(part["statusCode"], 206, "{range}");
            let first = usize::from(range.starts_with("bytes=-"));
            let shown = format!("bytes {first}-{}/{}", first + most - 1, most + 1);
            assert_eq!(header(&part, "content-range"), shown, "{range}");
            assert!(part.to_string().len() < 6 * 1_024 * 1_024);
        }
    }
}

#[test]
fn scripts_of_listed_origins_can_read_responses() {
    let (known, other) = ("https://www.example", "https://www.example.org");
    let preflight = |origin| {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        answer(&asked(), function_url("OPTIONS", CLOSED, &headers))
    };
    let allowed = preflight(known);
    assert_eq!(seen(&allowed), (204, String::new()));
    assert_eq!(header(&allowed, "access-control-allow-origin"), known);
    assert!(header(&allowed, "access-control-allow-headers").contains("authorization"));
    let refused = preflight(other);
    assert_eq!(header(&refused, "access-control-allow-origin"), "-");
    assert_eq!(header(&refused, "access-control-allow-headers"), "-");
    for (path, status) in [(OPEN, 200), (CLOSED, 401), ("/nowhere", 403)] {
        let answer = answer(&asked(), function_url("GET", path, &[("origin", known)]));
        assert_eq!(seen(&answer).0, status);
        assert_eq!(header(&answer, "access-control-allow-origin"), known);
        assert_eq!(header(&answer, "vary"), "origin");
    }
    // Without the header that makes it a preflight, it is an ordinary request.
    let options = answer(
        &asked(),
        function_url("OPTIONS", CLOSED, &[("origin", known)]),
    );
    assert_eq!(seen(&options).0, 403);
}

#[test]
fn other_events_are_errors() {
    let base = ContentSettings {
        base_path: "/prod".to_owned(),
        ..settings()
    };
    let asked = content(base, store());
    assert_eq!(
        seen(&answer(&asked, http("GET", &format!("/prod{OPEN}"), &[]))).0,
        200
    );
    assert_eq!(seen(&answer(&asked, http("GET", OPEN, &[]))).0, 400);
    for (event, error) in [
        (json!({}), ShapeError::Unknown),
        (
            crate::events::rest_request("GET", OPEN, &[]),
            ShapeError::Role,
        ),
        (
            crate::events::rest_token("GET", OPEN, None),
            ShapeError::Role,
        ),
        (json!({ "Records": [{ "cf": {} }] }), ShapeError::Role),
    ] {
        assert_eq!(asked.answer(event), Err(Failure::Event(error)));
    }
    let mut balancer = rest("GET", OPEN, &[]);
    balancer["requestContext"]["elb"] = json!({ "targetGroupArn": "arn" });
    assert_eq!(
        asked.answer(balancer),
        Err(Failure::Event(ShapeError::Unknown))
    );
}
