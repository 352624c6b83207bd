//! All authorizer events, and the response to each kind of decision.

use serde_json::{Value, json};
use tollgate_gate::Gate;
use tollgate_lambda::authorizer::{AuthorizerSettings, HttpFormat};
use tollgate_lambda::{Failure, Role, ShapeError};

use crate::events::{API, function_url, http_request, rest, rest_request, rest_token};
use crate::kit::{NoKeys, authorizer, bearer, function, with_keys};
use crate::site::{Provider, everything, image};

const OPEN: &str = "/courses/rust-101/preview/a.mp4";
const CLOSED: &str = "/courses/rust-101/a.mp4";

/// The effect and the resource of a policy.
fn policy(result: &Value) -> (String, String) {
    let statement = &result["policyDocument"]["Statement"];
    assert_eq!(statement.as_array().map(Vec::len), Some(1));
    assert_eq!(statement[0]["Action"], "execute-api:Invoke");
    assert_eq!(result["policyDocument"]["Version"], "2012-10-17");
    let text = |name: &str| statement[0][name].as_str().expect("a text").to_owned();
    (text("Effect"), text("Resource"))
}

fn allow(method: &str, path: &str) -> Result<(String, String), Failure> {
    Ok(("Allow".to_owned(), format!("{API}/{method}{path}")))
}

fn deny(path: &str) -> Result<(String, String), Failure> {
    Ok(("Deny".to_owned(), format!("{API}{path}")))
}

#[test]
fn rest_apis_get_a_policy_for_the_requested_path() {
    let asked = authorizer(HttpFormat::Simple);
    let (student, stranger) = (bearer("rust-101"), bearer("go-201"));
    let unauthorized = Err(Failure::Unauthorized);
    let table = [
        ("GET", OPEN, None, allow("GET", OPEN)),
        ("HEAD", OPEN, Some("Bearer x"), allow("HEAD", OPEN)),
        ("GET", CLOSED, Some(student.as_str()), allow("GET", CLOSED)),
        (
            "GET",
            CLOSED,
            Some(stranger.as_str()),
            deny("/GET/courses/rust-101/a.mp4"),
        ),
        ("GET", CLOSED, Some("Bearer x"), unauthorized.clone()),
        ("GET", CLOSED, None, unauthorized.clone()),
        // Only the method is not allowed, for which API Gateway has no status.
        (
            "DELETE",
            CLOSED,
            Some(student.as_str()),
            deny("/DELETE/courses/rust-101/a.mp4"),
        ),
        (
            "GET",
            "/courses/../a",
            Some(student.as_str()),
            deny("/GET/courses/../a"),
        ),
        (
            "GET",
            "/nowhere",
            Some(student.as_str()),
            deny("/GET/nowhere"),
        ),
        // A path that a policy would read as a pattern is always denied, although the gate allows it.
        ("GET", "/courses/rust-101/preview/*", None, deny("/*")),
        (
            "GET",
            "/courses/rust-101/preview/$a",
            None,
            allow("GET", "/courses/rust-101/preview/$a"),
        ),
    ];
    for (method, path, token, expect) in &table {
        let headers: Vec<_> = token
            .iter()
            .map(|token| ("Authorization", *token))
            .collect();
        let request = asked.answer(rest_request(method, path, &headers));
        assert_eq!(
            &request.map(|result| policy(&result)),
            expect,
            "REQUEST {method} {path}"
        );
        let short = asked.answer(rest_token(method, path, *token));
        assert_eq!(
            &short.map(|result| policy(&result)),
            expect,
            "TOKEN {method} {path}"
        );
    }
}

#[test]
fn the_record_has_the_status_that_the_client_gets() {
    let student = bearer("rust-101");
    let headers = [("authorization", student.as_str())];
    let table = [
        ("GET", OPEN, &[][..], "allow", 200, "allow", "null"),
        ("GET", CLOSED, &[], "deny", 401, "no_token", "null"),
        ("GET", CLOSED, &headers, "allow", 200, "allow", "null"),
        ("GET", "/nowhere", &[], "deny", 403, "forbidden", "null"),
        // API Gateway has a single status for these.
        (
            "GET",
            "/a/../b",
            &[],
            "reject",
            403,
            "bad_path",
            "\"dot_segment\"",
        ),
        (
            "DELETE",
            CLOSED,
            &headers,
            "deny",
            403,
            "bad_method",
            "null",
        ),
        // The gate allows it, but no policy can.
        (
            "GET",
            "/courses/rust-101/preview/*",
            &[],
            "deny",
            403,
            "forbidden",
            "\"arn_not_exact\"",
        ),
    ];
    let asked = authorizer(HttpFormat::Iam);
    for (method, path, headers, outcome, status, reason, detail) in table {
        _ = asked.answer(rest_request(method, path, headers));
        let log = asked.log();
        assert_eq!(log.len(), 1, "{log:?}");
        let expect = format!(
            r#""outcome":"{outcome}","status":{status},"reason":"{reason}","detail":{detail},"#
        );
        assert!(log[0].contains(&expect), "{path}: {}", log[0]);
        assert!(
            log[0].contains(&format!(r#""path":"{path}""#)),
            "{}",
            log[0]
        );
    }
}

#[test]
fn the_integration_receives_the_user() {
    let named = |sub: &str| {
        let claims = format!(r#""sub":"{sub}","cognito:groups":["rust-101"]"#);
        format!("Bearer {}", crate::site::token(&claims))
    };
    let (ann, odd, none) = (named("ann"), named("a*/\u{fc}"), bearer("rust-101"));
    let table = [
        (
            CLOSED,
            Some(&ann),
            "ann",
            "learners",
            "ann",
            "rust-101/students",
        ),
        (
            OPEN,
            Some(&ann),
            "ann",
            "learners",
            "ann",
            "rust-101/preview",
        ),
        (
            CLOSED,
            Some(&odd),
            "a%2A/%C3%BC",
            "learners",
            "a*/ü",
            "rust-101/students",
        ),
        (
            CLOSED,
            Some(&none),
            "anonymous",
            "learners",
            "",
            "rust-101/students",
        ),
        (OPEN, None, "anonymous", "", "", "rust-101/preview"),
        ("/nowhere", Some(&ann), "ann", "learners", "ann", ""),
    ];
    let (iam, simple) = (authorizer(HttpFormat::Iam), authorizer(HttpFormat::Simple));
    for (path, token, principal, issuer, subject, rule) in table {
        let headers: Vec<_> = token
            .map(|token| ("authorization", token.as_str()))
            .into_iter()
            .collect();
        let rest = iam.answer(rest_request("GET", path, &headers));
        let rest = rest.expect("an answer");
        assert_eq!(rest["principalId"], principal, "{path}");
        let http = http_request("GET", path, &headers, Value::Null);
        let http = simple.answer(http).expect("an answer");
        for answer in [rest, http] {
            let context = answer["context"].as_object().expect("an object");
            // API Gateway accepts only strings there.
            assert!(context.values().all(Value::is_string), "{context:?}");
            let found =
                ["tollgateIssuer", "tollgateSubject", "tollgateRule"].map(|name| &context[name]);
            assert_eq!(found, [issuer, subject, rule], "{path}");
            assert_eq!(context["tollgatePolicy"].as_str().map(str::len), Some(32));
        }
    }
}

#[test]
fn only_a_request_event_contains_the_address() {
    let asked = authorizer(HttpFormat::Simple);
    let path = "/corp/a";
    let request = asked
        .answer(rest_request("GET", path, &[]))
        .map(|result| policy(&result));
    assert_eq!(request, allow("GET", path));
    let token = asked
        .answer(rest_token("GET", path, None))
        .map(|result| policy(&result));
    assert_eq!(token, deny("/GET/corp/a"));
    let mut elsewhere = rest_request("GET", path, &[]);
    elsewhere["requestContext"]["identity"]["sourceIp"] = json!("198.51.100.7");
    let elsewhere = asked.answer(elsewhere).map(|result| policy(&result));
    assert_eq!(elsewhere, deny("/GET/corp/a"));
}

#[test]
fn http_apis_get_the_configured_format() {
    let student = bearer("rust-101");
    let headers = [("authorization", student.as_str())];
    let simple = authorizer(HttpFormat::Simple);
    let iam = authorizer(HttpFormat::Iam);
    let table = [
        (OPEN, &[][..], Ok(true)),
        (CLOSED, &headers[..], Ok(true)),
        (CLOSED, &[][..], Err(Failure::Unauthorized)),
        ("/nowhere", &headers[..], Ok(false)),
        // Decoded by API Gateway. As a path, it is the one that the browser sent.
        ("/courses/rust-101/preview/a b.mp4", &[][..], Ok(true)),
        ("/courses/rust-101/preview/a%20b.mp4", &[][..], Ok(false)),
        (
            "/courses/rust-101/preview/../a.mp4",
            &headers[..],
            Ok(false),
        ),
    ];
    for (path, headers, expect) in table {
        let event = || http_request("GET", path, headers, Value::Null);
        let result = simple
            .answer(event())
            .map(|result| result["isAuthorized"] == true);
        assert_eq!(result, expect, "{path}");
        let result = iam.answer(event()).map(|result| policy(&result));
        let effect = result
            .as_ref()
            .map(|(effect, _)| effect == "Allow")
            .map_err(|e| *e);
        assert_eq!(effect, expect, "{path}");
        if let Ok((_, resource)) = result {
            assert_eq!(resource, format!("{API}/GET{path}"));
        }
    }
}

#[test]
fn console_tests_have_null_maps() {
    let asked = authorizer(HttpFormat::Simple);
    let mut event = rest_request("GET", OPEN, &[]);
    for name in [
        "headers",
        "multiValueHeaders",
        "pathParameters",
        "stageVariables",
    ] {
        event[name] = Value::Null;
    }
    assert_eq!(
        asked.answer(event.clone()).map(|result| policy(&result)),
        allow("GET", OPEN)
    );
    // Either map alone is enough.
    let (student, path) = (bearer("rust-101"), CLOSED);
    event = rest_request("GET", path, &[("Authorization", &student)]);
    for name in ["headers", "multiValueHeaders"] {
        let mut event = event.clone();
        event[name] = Value::Null;
        assert_eq!(
            asked.answer(event).map(|result| policy(&result)),
            allow("GET", path)
        );
    }
    let mut http = http_request("GET", OPEN, &[], Value::Null);
    http["headers"] = Value::Null;
    http["cookies"] = Value::Null;
    assert_eq!(
        asked
            .answer(http)
            .map(|result| result["isAuthorized"] == true),
        Ok(true)
    );
}

#[test]
fn an_event_that_is_not_an_authorizer_event_is_an_error() {
    let asked = authorizer(HttpFormat::Iam);
    let changed = |name: &str, value: Value| {
        let mut event = rest_request("GET", OPEN, &[]);
        event[name] = value;
        event
    };
    use ShapeError::{Arn, Member, Role, Unknown};
    let table = [
        (Value::Null, Unknown),
        (json!({}), Unknown),
        (json!([1]), Unknown),
        (json!({ "type": "TOKEN" }), Unknown),
        (changed("type", json!("request")), Unknown),
        (changed("type", json!(1)), Unknown),
        (changed("version", json!("2.0")), Unknown),
        (changed("version", json!("3.0")), Unknown),
        (rest("GET", OPEN, &[]), Role),
        (function_url("GET", OPEN, &[]), Role),
        (json!({ "Records": [{ "cf": {} }] }), Role),
        (changed("methodArn", json!("arn:aws:s3:::a")), Arn),
        // The policy would be for a path or method other than the evaluated one.
        (
            changed("methodArn", json!(format!("{API}/GET{CLOSED}"))),
            Arn,
        ),
        (changed("methodArn", json!(format!("{API}/PUT{OPEN}"))), Arn),
        (changed("methodArn", json!(format!("{API}/*{OPEN}"))), Arn),
        (changed("path", json!(7)), Member("/path")),
        (changed("httpMethod", Value::Null), Member("/httpMethod")),
        (changed("headers", json!("x")), Member("/headers")),
        (
            changed("multiValueHeaders", json!({ "a": "b" })),
            Member("/multiValueHeaders"),
        ),
        (
            changed("multiValueHeaders", json!({ "a": [1] })),
            Member("/multiValueHeaders"),
        ),
    ];
    for (event, expect) in table {
        let shown = event.to_string();
        assert_eq!(asked.answer(event), Err(Failure::Event(expect)), "{shown}");
        let log = asked.log();
        assert!(
            log.len() == 1 && log[0].contains(r#""outcome":"deny""#),
            "{log:?}"
        );
    }
}

/// The response with the cookie would never be sent, and an allowed request would reach the API.
#[test]
fn an_authorizer_denies_the_session_endpoint() {
    let gate = Gate::new(image(&everything()), &Provider).expect("a valid image");
    let role = Role::Authorizer(AuthorizerSettings {
        base_path: String::new(),
        token_header: "authorization".to_owned(),
        http_format: HttpFormat::Iam,
    });
    let asked = with_keys(gate, NoKeys, role);
    let student = bearer("rust-101");
    let event = rest_request(
        "POST",
        "/.tollgate/session",
        &[("authorization", student.as_str())],
    );
    let result = asked.answer(event).expect("a policy");
    assert_eq!(Ok(policy(&result)), deny("/POST/.tollgate/session"));
    let log = asked.log();
    let is_named = |line: &String| line.contains("no_endpoint");
    assert!(log.iter().any(is_named), "{log:?}");
}

#[test]
fn a_base_path_is_removed_from_the_policys_paths() {
    let asked = function(Role::Authorizer(AuthorizerSettings {
        base_path: "/files".to_owned(),
        token_header: "authorization".to_owned(),
        http_format: HttpFormat::Iam,
    }));
    let below = format!("/files{OPEN}");
    // The ARN contains a resource of the API, but not the mapping of a custom domain.
    let mut mapped = rest_request("GET", &below, &[]);
    mapped["methodArn"] = json!(format!("{API}/GET{OPEN}"));
    let table = [
        (rest_request("GET", &below, &[]), allow("GET", &below)),
        (mapped, allow("GET", OPEN)),
        (rest_token("GET", &below, None), allow("GET", &below)),
        (
            http_request("GET", &below, &[], Value::Null),
            allow("GET", &below),
        ),
        (
            rest_token("GET", OPEN, None),
            Err(Failure::Event(ShapeError::Member("path"))),
        ),
        (
            rest_request("GET", OPEN, &[]),
            Err(Failure::Event(ShapeError::Member("path"))),
        ),
    ];
    for (event, expect) in table {
        let shown = event.to_string();
        assert_eq!(
            asked.answer(event).map(|result| policy(&result)),
            expect,
            "{shown}"
        );
    }
}

#[test]
fn messages_are_those_that_api_gateway_requires() {
    assert_eq!(Failure::Unauthorized.to_string(), "Unauthorized");
    for other in [Failure::Internal, Failure::Event(ShapeError::Unknown)] {
        assert_ne!(other.to_string(), "Unauthorized");
    }
}
