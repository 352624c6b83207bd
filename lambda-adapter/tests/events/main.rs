//! CloudFront events in the documented shapes, through the gate and back.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper fails its test by panicking"
)]

use serde_json::{Value, json};
use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::{Action, Context, Gate, Response};
use tollgate_lambda::{
    Event, EventError, EventKind, MAX_RESPONSE_BYTES, TooLarge, answer, conclude, result,
};

// The small site of the gate's own tests.
#[path = "../../../crates/gate/tests/gate/site.rs"]
mod site;

mod shared;

use site::{NOW, config, gate, image, token};

/// A viewer-request event like one from a browser.
fn viewer_request(method: &str, uri: &str, querystring: &str) -> Value {
    json!({ "Records": [{ "cf": {
        "config": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": "viewer-request",
            "requestId": "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==",
        },
        "request": {
            "clientIp": "203.0.113.178",
            "headers": {
                "host": [{ "key": "Host", "value": "d111111abcdef8.cloudfront.net" }],
                "user-agent": [{ "key": "User-Agent", "value": "Mozilla/5.0" }],
                "accept": [{ "key": "Accept", "value": "*/*" }],
                "via": [{ "key": "Via", "value": "2.0 viewer" }],
            },
            "method": method,
            "querystring": querystring,
            "uri": uri,
        },
    }}]})
}

/// An origin-request event in front of a private bucket.
fn origin_request(uri: &str) -> Value {
    let mut event = viewer_request("GET", uri, "");
    let cf = &mut event["Records"][0]["cf"];
    cf["config"]["eventType"] = json!("origin-request");
    cf["request"]["headers"]["if-none-match"] =
        json!([{ "key": "If-None-Match", "value": "\"e\"" }]);
    cf["request"]["origin"] = json!({ "s3": {
        "authMethod": "none",
        "customHeaders": { "x-from": [{ "key": "X-From", "value": "cloudfront" }] },
        "domainName": "private-courses.s3.eu-west-1.amazonaws.com",
        "path": "",
        "region": "eu-west-1",
    }});
    event
}

fn request(event: &mut Value) -> &mut Value {
    &mut event["Records"][0]["cf"]["request"]
}

fn answered(gate: &Gate<Vec<u8>>, event: Value) -> Value {
    let answer = answer(gate, event, UnixSeconds(NOW));
    assert_eq!(answer.error, None);
    answer.result
}

fn line(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

#[test]
fn an_allowed_request_is_forwarded_unchanged() {
    let gate = gate();
    for mut event in [
        viewer_request("GET", "/courses/rust-101/preview/a%20b.mp4", "x=%2F&y"),
        viewer_request("HEAD", "/courses/rust-101/preview/", ""),
        viewer_request("POST", "/contact", ""),
        origin_request("/courses/rust-101/preview/a"),
    ] {
        // Unknown members must be preserved.
        request(&mut event)["body"] = json!({ "action": "read-only", "data": "", "new": [1] });
        let expect = request(&mut event).clone();
        assert_eq!(answered(&gate, event), expect);
    }
}

#[test]
fn the_index_document_is_forwarded() {
    let spec = tollgate_policy::spec::ImageSpec {
        index: Some("index.html".to_owned()),
        ..site::spec(config().encode().expect("a valid configuration"))
    };
    let image = tollgate_policy::encode::encode(&spec).expect("a valid policy");
    let gate = Gate::new(image.image, &site::Provider).expect("a valid image");
    let secret = token(r#""cognito:groups":["rust-101"]"#);
    let query = format!("a=/&token={secret}");
    for (uri, query, sent) in [
        ("/courses/rust-101/preview/", "", ("index.html", "")),
        (
            "/courses/rust-101/preview/",
            "x=%2F",
            ("index.html", "x=%2F"),
        ),
        ("/courses/rust-101/", &query, ("index.html", "a=/")),
        ("/courses/rust-101/preview/a", "x=/", ("", "x=/")),
    ] {
        let mut event = viewer_request("GET", uri, query);
        let mut expect = request(&mut event).clone();
        expect["uri"] = json!(format!("{uri}{}", sent.0));
        expect["querystring"] = json!(sent.1);
        assert_eq!(answered(&gate, event), expect, "{uri}");
    }
}

#[test]
fn the_token_is_not_forwarded() {
    let token = token(r#""cognito:groups":["rust-101"]"#);
    let query = format!("a=1&token={token}&b=%20");
    let mut event = viewer_request("GET", "/courses/rust-101/a", &query);
    let headers = &mut request(&mut event)["headers"];
    headers["authorization"] = json!([line("Authorization", &format!("Bearer {token}"))]);
    headers["cookie"] = json!([
        line("Cookie", "a=b"),
        line("Cookie", &format!("id_token={token}")),
        line("cookie", &format!("c=ü; id_token={token}; d=e")),
    ]);
    headers["x-tollgate-groups"] = json!([line("X-Tollgate-Groups", "staff")]);

    let mut expect = request(&mut event).clone();
    expect["querystring"] = json!("a=1&b=%20");
    expect["headers"]["cookie"] = json!([line("Cookie", "a=b"), line("cookie", "c=ü; d=e")]);
    let kept = expect["headers"].as_object_mut().unwrap();
    kept.remove("authorization");
    kept.remove("x-tollgate-groups");
    assert_eq!(answered(&gate(), event), expect);
}

#[test]
fn read_only_headers_are_unchanged() {
    let mut config = config();
    config.sources = ["header:via", "header:if-none-match", "header:x-session"]
        .map(|text| tollgate_gate::config::TokenSource::from_text(text).unwrap())
        .to_vec();
    let gate = Gate::new(image(&config), &site::Provider).unwrap();
    let preview = "/courses/rust-101/preview/a";
    for (event, via, none_match) in [
        (viewer_request("GET", preview, ""), true, false),
        (origin_request(preview), true, true),
    ] {
        let mut event = event;
        let headers = &mut request(&mut event)["headers"];
        headers["if-none-match"] = json!([line("If-None-Match", "\"e\"")]);
        headers["x-session"] = json!([line("X-Session", "t")]);
        let result = answered(&gate, event);
        assert_eq!(result["headers"].get("via").is_some(), via);
        assert_eq!(result["headers"].get("if-none-match").is_some(), none_match);
        assert_eq!(result["headers"].get("x-session"), None);
    }
}

#[test]
fn a_denied_request_gets_its_response_at_the_edge() {
    let gate = gate();
    let table = [
        ("GET", "/courses/rust-101/a", "401", "Unauthorized"),
        ("GET", "/courses/java-101/a", "403", "Forbidden"),
        ("DELETE", "/contact", "405", "Method Not Allowed"),
        ("GET", "/courses/rust-101/../../admin", "400", "Bad Request"),
        ("GET", "//courses/rust-101/preview/a", "400", "Bad Request"),
        (
            "GET",
            "/courses/rust-101/preview/%2e%2e/a",
            "400",
            "Bad Request",
        ),
        ("GET", "/courses/rust-101/preview/ü", "400", "Bad Request"),
    ];
    for (method, uri, status, description) in table {
        let result = answered(&gate, viewer_request(method, uri, ""));
        assert_eq!(result["status"], status, "{uri}");
        assert_eq!(result["statusDescription"], description);
        assert_eq!(result["bodyEncoding"], "text");
        assert_ne!(result["body"], "");
        assert_eq!(
            result["headers"]["cache-control"],
            json!([line("Cache-Control", "no-store")])
        );
        assert_eq!(result.get("uri"), None);
    }
    let challenged = answered(&gate, viewer_request("GET", "/courses/rust-101/a", ""));
    let challenge = line("Www-Authenticate", r#"Bearer realm="simple \"courses\"""#);
    assert_eq!(
        challenged["headers"]["www-authenticate"],
        json!([challenge])
    );
    let wrong = answered(&gate, viewer_request("DELETE", "/contact", ""));
    assert_eq!(wrong["headers"]["allow"], json!([line("Allow", "POST")]));
    let head = answered(&gate, viewer_request("HEAD", "/courses/rust-101/a", ""));
    assert_eq!((head.get("body"), head.get("bodyEncoding")), (None, None));
}

#[test]
fn two_lines_of_one_header_are_two_values() {
    let good = format!("Bearer {}", token(r#""cognito:groups":["rust-101"]"#));
    for (second, status) in [(good.as_str(), None), ("Bearer other", Some("401"))] {
        let mut event = viewer_request("GET", "/courses/rust-101/a", "");
        request(&mut event)["headers"]["authorization"] =
            json!([line("Authorization", &good), line("authorization", second)]);
        let result = answered(&gate(), event);
        assert_eq!(result.get("status").and_then(Value::as_str), status);
    }
}

#[test]
fn the_clients_address_is_evaluated() {
    for (ip, status) in [("203.0.113.178", None), ("198.51.100.1", Some("403"))] {
        let mut event = viewer_request("GET", "/corp/a", "");
        request(&mut event)["clientIp"] = json!(ip);
        let result = answered(&gate(), event);
        assert_eq!(result.get("status").and_then(Value::as_str), status, "{ip}");
    }
}

#[test]
fn an_event_that_is_not_a_request_event_is_denied() {
    type Spoil = fn(&mut Value);
    let table: &[(Spoil, EventError)] = &[
        (|event| *event = Value::Null, EventError::Record),
        (|event| *event = json!({}), EventError::Record),
        (|event| event["Records"] = json!([]), EventError::Record),
        (|event| event["Records"] = json!([{}]), EventError::Record),
        (
            |event| {
                let record = event["Records"][0].clone();
                event["Records"].as_array_mut().unwrap().push(record);
            },
            EventError::Record,
        ),
        (
            |event| event["Records"][0]["cf"]["config"]["eventType"] = json!("viewer-response"),
            EventError::EventType,
        ),
        (
            |event| *request(event) = json!(7),
            EventError::Member("request"),
        ),
        (
            |event| request(event)["uri"] = Value::Null,
            EventError::Member("uri"),
        ),
        (
            |event| request(event)["querystring"] = json!({}),
            EventError::Member("querystring"),
        ),
        (
            |event| request(event)["method"] = json!(7),
            EventError::Member("method"),
        ),
        (
            |event| request(event)["clientIp"] = Value::Null,
            EventError::Member("clientIp"),
        ),
        (
            |event| request(event)["headers"] = json!([]),
            EventError::Member("headers"),
        ),
        (
            |event| request(event)["headers"]["a"] = json!("b"),
            EventError::Member("headers"),
        ),
        (
            |event| request(event)["headers"]["a"] = json!([{}]),
            EventError::Member("headers"),
        ),
    ];
    for (spoil, expect) in table {
        let mut event = viewer_request("GET", "/courses/rust-101/preview/a", "");
        spoil(&mut event);
        let answer = answer(&gate(), event, UnixSeconds(NOW));
        assert_eq!(answer.error, Some(*expect));
        assert!(!expect.to_string().is_empty());
        assert_eq!(answer.result["status"], "500");
        assert_eq!(answer.log.detail, Some("bad_event"));
    }
}

#[test]
fn responses_that_cloudfront_would_reject_are_not_sent() {
    let event = || Event::read(viewer_request("GET", "/", "")).expect("a valid event");
    assert_eq!(event().kind(), EventKind::ViewerRequest);
    let respond = |headers: &[(&'static str, String)], body: String| {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).into(), v.clone()))
            .collect();
        Action::Refuse(Response {
            status: 403,
            headers,
            body: body.into(),
        })
    };
    let named = [
        ("Via", "x".to_string()),
        ("x-edge-a", "x".to_string()),
        ("B", "x".to_string()),
    ];
    let result_of = |action| result(event(), &action);
    let kept = result_of(respond(&named, String::new())).expect("small");
    assert_eq!(kept["headers"], json!({ "b": [line("B", "x")] }));
    let largest = result_of(respond(&[], "x".repeat(MAX_RESPONSE_BYTES))).expect("small enough");
    assert_eq!(largest["status"], "403");
    for too_large in [
        respond(&[], "x".repeat(MAX_RESPONSE_BYTES + 1)),
        respond(
            &[("location", "x".repeat(MAX_RESPONSE_BYTES))],
            String::new(),
        ),
    ] {
        assert_eq!(result_of(too_large), Err(TooLarge));
    }
    // The log record describes the response that is sent instead.
    let closed = Event::read(viewer_request("GET", "/nowhere", "")).expect("a valid event");
    let mut outcome = closed.with_request(UnixSeconds(NOW), |request| {
        gate().ask(request, &mut Context::new())
    });
    outcome.action = respond(&[], "x".repeat(MAX_RESPONSE_BYTES + 1));
    let answer = conclude(closed, outcome);
    assert_eq!(answer.result["status"], "500");
    let log = &answer.log;
    assert_eq!((log.status, log.detail), (500, Some("response_too_large")));
    assert_eq!(
        (log.reason, log.path.as_str()),
        (Reason::Internal, "/nowhere")
    );
}
