//! The events of the Lambda@Edge package's tests, so that both handle CloudFront events identically.

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_lambda::answer;

use super::site::{gate, token};

const SHARED: &str = include_str!("../../edge/test/events.json");

/// Changes the members that JSON pointers name; with `removes`, null removes one.
fn change(whole: &mut Value, changes: &Value, removes: bool) {
    for (pointer, to) in changes.as_object().into_iter().flatten() {
        let Some((above, last)) = pointer.rsplit_once('/') else {
            *whole = to.clone();
            continue;
        };
        let above = whole.pointer_mut(above).expect("a member to change");
        match above {
            Value::Object(members) if removes && to.is_null() => drop(members.remove(last)),
            Value::Object(members) => drop(members.insert(last.to_owned(), to.clone())),
            other => panic!("{pointer} leads into {other}"),
        }
    }
}

#[test]
fn shared_events_are_handled_identically() {
    let text = SHARED.replace("$STUDENT", &token(r#""cognito:groups":["rust-101"]"#));
    let shared: Value = serde_json::from_str(&text).expect("JSON");
    let now = UnixSeconds(shared["now"].as_i64().expect("a time"));
    let cases = shared["cases"].as_array().expect("cases");
    assert!(cases.len() > 40);
    for case in cases {
        let name = &case["name"];
        let kind = case["event"].as_str().expect("a kind of event");
        let mut event = shared["events"][kind].clone();
        change(&mut event, &case["whole"], false);
        if let Some(request) = event.pointer_mut("/Records/0/cf/request") {
            change(request, &case["request"], false);
        }
        let mut expect = event
            .pointer("/Records/0/cf/request")
            .cloned()
            .unwrap_or_default();
        let answer = answer(&gate(), event, now);
        if let Some(detail) = case["detail"].as_str() {
            assert_eq!(answer.log.detail, Some(detail), "{name}");
        }
        if case["respond"].is_null() {
            change(&mut expect, &case["forward"], true);
            assert_eq!(answer.result, expect, "{name}");
            continue;
        }
        let result = &answer.result;
        assert_eq!(result.get("uri"), None, "{name}");
        for (member, expect) in case["respond"].as_object().expect("a response") {
            let found = result.get(member).unwrap_or(&Value::Null);
            if member == "headers" {
                for (header, lines) in expect.as_object().expect("headers") {
                    assert_eq!(&found[header], lines, "{name}: {header}");
                }
            } else {
                assert_eq!(found, expect, "{name}: {member}");
            }
        }
    }
}
