//! The cache trap: API Gateway keeps an authorizer's answer by its identity source and judges later
//! requests by it. Whatever it keeps, no path must open that the gate would not open.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::{Kind, Request};
use tollgate_lambda::authorizer::{AuthorizerSettings, HttpFormat};
use tollgate_lambda::{Failure, Role};

use crate::events::{API, http_request, rest_request, rest_token};
use crate::kit::{Asked, authorizer, bearer, function};
use crate::site::{NOW, gate};

/// Paths that are near each other, for pairs of them.
const PATHS: [&str; 16] = [
    "/courses/rust-101/a.mp4",
    "/courses/rust-101/a.mp",
    "/courses/rust-101/a.mp4x",
    "/courses/rust-101/*",
    "/courses/rust-101/**",
    "/courses/rust-101/$a",
    "/courses/rust-101/a?b",
    "/courses/rust-101/../go-201/a",
    "/courses/rust-101//a.mp4",
    "/courses/rust-101/%2e%2e/a",
    "/courses/rust-101/preview/*",
    "/courses/rust-101/preview/a",
    "/courses/go-201/a",
    "/corp/a",
    "/nowhere",
    "/",
];
const METHODS: [&str; 2] = ["GET", "DELETE"];

/// API Gateway's cache in front of an authorizer that answers with policies or simply.
struct ApiGateway<'a> {
    asked: &'a Asked,
    /// Whether method and path are part of the key; the token always is.
    by_path: bool,
    kept: BTreeMap<String, Result<Value, Failure>>,
}

impl ApiGateway<'_> {
    /// Whether it lets a request through.
    fn lets_through(&mut self, method: &str, path: &str, token: &str, event: Value) -> bool {
        let mut key = token.to_owned();
        if self.by_path {
            key += &format!(" {method} {path}");
        }
        let asked = self.asked;
        let kept = self.kept.entry(key).or_insert_with(|| asked.answer(event));
        let Ok(answer) = kept else { return false };
        match answer.get("isAuthorized") {
            Some(simple) => simple == true,
            None => allows(answer, &format!("{API}/{method}{path}")),
        }
    }
}

/// IAM: some statement allows it and none denies it.
fn allows(policy: &Value, arn: &str) -> bool {
    let statements = policy["policyDocument"]["Statement"]
        .as_array()
        .expect("statements");
    let has = |effect: &str| {
        statements.iter().any(|statement| {
            let resource = statement["Resource"].as_str().expect("a resource");
            statement["Effect"] == effect && matches(resource.as_bytes(), arn.as_bytes())
        })
    };
    has("Allow") && !has("Deny")
}

/// `*` stands for any text, slashes too, and `?` for one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(_, text)| matches(pattern, text))
        }
        (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
        (Some((a, rest)), Some((b, text))) if a == b => matches(rest, text),
        _ => false,
    }
}

fn requests() -> impl Iterator<Item = (&'static str, &'static str)> {
    METHODS
        .iter()
        .flat_map(|method| PATHS.map(|path| (*method, path)))
}

/// What the gate says, asked about nothing but this request.
fn gate_allows(method: &str, path: &str, token: &str) -> bool {
    let headers = [("authorization", token.as_bytes())];
    let request = Request {
        method,
        target: path.as_bytes(),
        headers: &headers,
        ip: Some("203.0.113.7"),
        now: UnixSeconds(NOW),
    };
    gate().handle(&request).kind == Kind::Allow
}

fn uncached(http_format: HttpFormat) -> Asked {
    function(Role::Authorizer(AuthorizerSettings {
        base_path: String::new(),
        token_header: "authorization".to_owned(),
        http_format,
        is_uncached: true,
    }))
}

#[test]
fn a_kept_answer_opens_no_other_path() {
    let simple = authorizer(HttpFormat::Simple);
    let iam = authorizer(HttpFormat::Iam);
    type MakeEvent = fn(&str, &str, &str) -> Value;
    let by_token: MakeEvent = |method, path, token| rest_token(method, path, Some(token));
    let by_request: MakeEvent =
        |method, path, token| rest_request(method, path, &[("authorization", token)]);
    let by_http: MakeEvent = |method, path, token| {
        http_request(method, path, &[("authorization", token)], json!([token]))
    };
    let by_http_and_path: MakeEvent = |method, path, token| {
        let source = json!([token, method, path]);
        http_request(method, path, &[("authorization", token)], source)
    };
    // Whether a first request ever opens its own path: an answer that never allows proves nothing.
    let ways: [(&str, &Asked, MakeEvent, bool, bool); 6] = [
        ("TOKEN", &simple, by_token, false, true),
        ("REQUEST", &simple, by_request, false, true),
        ("REQUEST by path", &simple, by_request, true, true),
        ("2.0 policy", &iam, by_http, false, true),
        ("2.0 simple", &simple, by_http, false, false),
        ("2.0 simple by path", &simple, by_http_and_path, true, true),
    ];
    for (way, asked, event, by_path, opens) in ways {
        let mut opened = 0;
        for group in ["rust-101", "go-201", "barred"] {
            let token = bearer(group);
            let may: Vec<(&str, &str, bool)> = requests()
                .map(|(method, path)| (method, path, gate_allows(method, path, &token)))
                .collect();
            for (method, first) in requests() {
                let mut api = ApiGateway {
                    asked,
                    by_path,
                    kept: BTreeMap::new(),
                };
                api.lets_through(method, first, &token, event(method, first, &token));
                for (later, second, may) in &may {
                    let through =
                        api.lets_through(later, second, &token, event(later, second, &token));
                    let said = format!("{way}: {later} {second} after {method} {first}");
                    assert!(*may || !through, "{said}");
                    opened += usize::from(through);
                }
            }
        }
        assert_eq!(opened > 0, opens, "{way}");
    }
}

#[test]
fn a_simple_answer_needs_proof_or_word_that_it_is_not_kept() {
    let path = "/courses/rust-101/preview/a";
    let table = [
        // Without an identity source API Gateway keeps nothing.
        (Value::Null, true),
        (json!([]), true),
        (json!(["Bearer x"]), false),
        (json!(["Bearer x", path]), false),
        (json!(["Bearer x", "GET"]), false),
        (json!(["Bearer x", "GET", path]), true),
        (json!(["GET /courses/{proxy+}"]), false),
        (json!("GET"), false),
    ];
    let careful = authorizer(HttpFormat::Simple);
    let told = uncached(HttpFormat::Simple);
    for (source, expect) in table {
        let event = || http_request("GET", path, &[], source.clone());
        let simple = careful.answer(event()).expect("an answer");
        assert_eq!(simple["isAuthorized"], json!(expect), "{source}");
        let log = careful.log();
        assert_eq!(
            log.iter().any(|line| line.contains("answer_may_be_cached")),
            !expect
        );
        assert_eq!(
            told.answer(event()).expect("an answer")["isAuthorized"],
            json!(true)
        );
    }
}

#[test]
fn the_matcher_is_that_of_iam() {
    let table = [
        ("a/*", "a/", true),
        ("a/*", "a/b/c", true),
        ("a/*", "a", false),
        ("a/?", "a/b", true),
        ("a/?", "a/", false),
        ("*", "", true),
        ("a*c*", "abcd", true),
        ("a*c", "abcd", false),
    ];
    for (pattern, text, expect) in table {
        assert_eq!(
            matches(pattern.as_bytes(), text.as_bytes()),
            expect,
            "{pattern} {text}"
        );
    }
}
