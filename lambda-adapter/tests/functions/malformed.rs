//! Events with one malformed member, in every role: the result is an error or a denial, one log line is
//! written, and the next event is handled as before. `lambda-adapter/edge/test` compares CloudFront events
//! with the package.

use serde_json::{Value, json};
use tollgate_lambda::authorizer::HttpFormat;

use crate::events::{function_url, http, http_request, rest, rest_request, rest_token};
use crate::kit::{Asked, Memory, authorizer, bearer, content, settings};

const CLOSED: &str = "/courses/rust-101/a.mp4";

/// Values that are invalid in most positions.
fn odd() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("\u{0}"),
        json!("/../x"),
        json!([]),
        json!([null]),
        json!(["x"]),
        json!([["x"]]),
        json!({}),
        json!({ "authorization": "x" }),
        json!({ "authorization": ["x", 7] }),
        json!({ "a": { "b": null } }),
    ]
}

/// All members of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inner = |name: &str, value: &Value| {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        places(value, &at, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| inner(name, value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, value)| inner(&at.to_string(), value));
        }
        _ => {}
    }
}

/// The malformed variants of an event, each with a description.
fn spoiled(event: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut found = Vec::new();
    places(event, "", &mut found);
    for place in found {
        for value in odd() {
            let mut event = event.clone();
            let shown = format!("{place} = {value}");
            if let Some(place) = event.pointer_mut(&place) {
                *place = value;
            }
            all.push((shown, event));
        }
        let mut event = event.clone();
        let (above, name) = place.rsplit_once('/').expect("a pointer");
        if let Some(Value::Object(members)) = event.pointer_mut(above) {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
            all.push((format!("{place} removed"), event));
        }
    }
    all
}

/// Sends every malformed event, and calls `check` with the results that are not errors.
fn each(asked: &Asked, event: &Value, check: impl Fn(&str, &Value, &Value)) {
    let good = asked.answer(event.clone()).expect("an answer");
    asked.log();
    for (what, spoiled) in spoiled(event) {
        let answer = asked.answer(spoiled.clone());
        let log = asked.log();
        assert_eq!(log.len(), 1, "{what}: {log:?}");
        assert!(
            serde_json::from_str::<Value>(&log[0]).is_ok(),
            "{what}: {log:?}"
        );
        if let Ok(answer) = answer {
            check(&what, &spoiled, &answer);
        }
        assert_eq!(
            asked.answer(event.clone()),
            Ok(good.clone()),
            "after {what}"
        );
        asked.log();
    }
}

#[test]
fn a_malformed_event_makes_no_authorizer_allow_another_path() {
    let student = bearer("rust-101");
    let headers = [("authorization", student.as_str())];
    let (iam, simple) = (authorizer(HttpFormat::Iam), authorizer(HttpFormat::Simple));
    let sources = json!([student, "GET", CLOSED]);
    let cases = [
        (&iam, rest_token("GET", CLOSED, Some(&student)), "methodArn"),
        (&iam, rest_request("GET", CLOSED, &headers), "methodArn"),
        (
            &iam,
            http_request("GET", CLOSED, &headers, sources.clone()),
            "routeArn",
        ),
        (
            &simple,
            http_request("GET", CLOSED, &headers, sources),
            "routeArn",
        ),
    ];
    for (asked, event, arn) in cases {
        each(asked, &event, |what, spoiled, answer| {
            if let Some(allowed) = answer.get("isAuthorized") {
                assert!(allowed.is_boolean(), "{what}");
                // The decisive member is unchanged.
                let raw = spoiled["rawPath"] == event["rawPath"];
                assert!(allowed == false || raw, "{what}");
                return;
            }
            let statement = &answer["policyDocument"]["Statement"][0];
            assert_eq!(
                answer["policyDocument"]["Statement"]
                    .as_array()
                    .map(Vec::len),
                Some(1)
            );
            assert!(
                answer["principalId"]
                    .as_str()
                    .is_some_and(|id| !id.is_empty()),
                "{what}"
            );
            if statement["Effect"] == "Allow" {
                assert_eq!(statement["Resource"], event[arn], "{what}");
                assert_eq!(spoiled[arn], event[arn], "{what}");
            }
        });
    }
}

#[test]
fn a_malformed_event_delivers_no_other_file() {
    let student = bearer("rust-101");
    let token = student.trim_start_matches("Bearer ");
    let headers = [("authorization", student.as_str())];
    let store = Memory::of(&[
        ("courses/rust-101/a.mp4", b"this one"),
        ("x", b"another"),
        ("..", b"another"),
    ]);
    for event in [
        rest("GET", CLOSED, &headers),
        function_url("GET", CLOSED, &headers),
        http("GET", CLOSED, &headers),
    ] {
        let asked = content(settings(), store.clone());
        each(&asked, &event, |what, _, answer| {
            let status = answer["statusCode"].as_u64().expect("a status");
            assert!((100..=599).contains(&status), "{what}");
            if status == 200 && answer["isBase64Encoded"] == true {
                assert_eq!(answer["body"], "dGhpcyBvbmU=", "{what}");
            }
            assert!(!answer.to_string().contains(token), "{what}");
        });
    }
}
