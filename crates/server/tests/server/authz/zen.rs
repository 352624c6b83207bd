//! The evaluation APIs of AuthZEN.

use serde_json::{Value, json};

use super::support::Side;
use crate::support::{NOW, token};

impl Side {
    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let answer = self.send(&format!(
            "POST {path} HTTP/1.1\r\nconnection: close\r\nx-request-id: r-1\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(answer.header("x-request-id"), Some("r-1"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{}",
            answer.0
        );
        (
            answer.status(),
            serde_json::from_str(answer.body()).unwrap(),
        )
    }
}

#[test]
fn one_evaluation() {
    let side = Side::start("");
    let student =
        json!({"type": "user", "id": "alice", "properties": {"cognito:groups": ["students"]}});
    let nobody = json!({"type": "user", "id": ""});
    let valid =
        json!({"type": "user", "id": "x", "properties": {"token": token("students", NOW + 60)}});
    let expired =
        json!({"type": "user", "id": "x", "properties": {"token": token("students", NOW - 60)}});
    for (subject, method, path, context, decision, reason) in [
        (&student, "GET", "/courses/a", json!({}), true, "allow"),
        (
            &student,
            "DELETE",
            "/courses/a",
            json!({}),
            false,
            "bad_method",
        ),
        (&nobody, "GET", "/courses/a", json!({}), false, "no_token"),
        (&nobody, "GET", "/public/a", json!({}), true, "allow"),
        (&valid, "GET", "/courses/a", json!({}), true, "allow"),
        (&expired, "GET", "/courses/a", json!({}), false, "bad_token"),
        (
            &valid,
            "GET",
            "/courses/a",
            json!({"now": NOW + 61}),
            false,
            "bad_token",
        ),
        (
            &nobody,
            "GET",
            "/office/a",
            json!({"ip": "203.0.113.7"}),
            true,
            "allow",
        ),
        (&nobody, "GET", "/office/a", json!({}), false, "forbidden"),
        (
            &student,
            "GET",
            "/public/../courses/a",
            json!({}),
            false,
            "bad_path",
        ),
    ] {
        let body = json!({
            "subject": subject, "action": {"name": method},
            "resource": {"type": "path", "id": path}, "context": context,
        });
        let (status, answer) = side.post("/access/v1/evaluation", &body.to_string());
        assert_eq!(status, 200, "{body}");
        assert_eq!(answer["decision"], decision, "{body}");
        assert_eq!(answer["context"]["reason"], reason, "{body}");
    }
}

#[test]
fn several_evaluations() {
    let side = Side::start("");
    let paths = ["/public/a", "/courses/a", "/public/b"];
    let evaluations: Vec<Value> = paths
        .iter()
        .map(|path| json!({"resource": {"type": "path", "id": path}}))
        .collect();
    for (semantic, expected) in [
        (Value::Null, vec![true, false, true]),
        (json!("execute_all"), vec![true, false, true]),
        (json!("deny_on_first_deny"), vec![true, false]),
        (json!("permit_on_first_permit"), vec![true]),
    ] {
        let options = match &semantic {
            Value::Null => json!({}),
            semantic => json!({"evaluations_semantic": semantic}),
        };
        let body = json!({
            "subject": {"type": "user", "id": ""}, "action": {"name": "GET"},
            "evaluations": evaluations, "options": options,
        });
        let (status, answer) = side.post("/access/v1/evaluations", &body.to_string());
        let decisions = answer["evaluations"].as_array().unwrap().iter();
        let decisions: Vec<bool> = decisions
            .map(|one| one["decision"].as_bool().unwrap())
            .collect();
        assert_eq!((status, decisions), (200, expected), "{semantic}");
    }
    // Without a list it is a single evaluation.
    let body = json!({
        "subject": {"type": "user", "id": ""}, "action": {"name": "GET"},
        "resource": {"type": "path", "id": "/public/a"},
    });
    let (_, answer) = side.post("/access/v1/evaluations", &body.to_string());
    assert_eq!(answer["decision"], true);
}

#[test]
fn bad_requests_say_what_is_wrong() {
    let side = Side::start("");
    let subject = json!({"type": "user", "id": "a"});
    let resource = json!({"type": "path", "id": "/"});
    for (body, message) in [
        (json!([]).to_string(), "invalid"),
        ("{".to_owned(), "EOF"),
        (json!({"action": {"name": "GET"}, "resource": resource}).to_string(), "`subject` is missing"),
        (json!({"subject": subject, "resource": resource}).to_string(), "`action` is missing"),
        (json!({"subject": subject, "action": {"name": "GET"}}).to_string(), "`resource` is missing"),
        (
            json!({"subject": subject, "action": {"name": "can read"}, "resource": resource}).to_string(),
            "`action.name` is not a method",
        ),
        (
            json!({"subject": subject, "action": {"name": "GET"}, "resource": resource, "context": {"now": "x"}}).to_string(),
            "`context.now`",
        ),
    ] {
        let (status, answer) = side.post("/access/v1/evaluation", &body);
        assert_eq!((status, &answer["error"]), (400, &json!("bad_evaluation")), "{body}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{body}: {answer}");
    }
    let long = format!("\"{}\"", "x".repeat(1_100_000));
    assert_eq!(side.post("/access/v1/evaluation", &long).0, 413);
    let get = side.ask("/access/v1/evaluation", "");
    assert_eq!((get.status(), get.header("allow")), (405, Some("POST")));
    let described = side.ask(
        "/.well-known/authzen-configuration",
        "host: pdp.example\r\n",
    );
    let described: Value = serde_json::from_str(described.body()).unwrap();
    let at = described["access_evaluations_endpoint"].as_str().unwrap();
    assert!(at.ends_with("://pdp.example/access/v1/evaluations"), "{at}");
}
