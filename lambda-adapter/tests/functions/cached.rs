//! Caching: API Gateway caches an authorizer's response by its identity sources and applies it to later
//! requests. Whatever it caches, no path may be allowed that the gate denies.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::{Context, Kind, Request};
use tollgate_lambda::Failure;
use tollgate_lambda::authorizer::HttpFormat;

use crate::events::{API, http_request, rest_request, rest_token};
use crate::kit::{Asked, authorizer, bearer};
use crate::site::{NOW, gate};

/// Similar paths, which are tested in pairs.
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

/// API Gateway's cache in front of an authorizer, with policies or simple responses.
struct ApiGateway<'a> {
    asked: &'a Asked,
    /// Whether method and path are part of the cache key. The token always is.
    by_path: bool,
    kept: BTreeMap<String, Result<Value, Failure>>,
}

impl ApiGateway<'_> {
    /// Whether it allows a request.
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

/// IAM evaluation: some statement allows it and none denies it.
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

/// `*` matches any text, including slashes, and `?` matches one character.
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

/// The gate's decision for this request alone.
fn gate_allows(method: &str, path: &str, token: &str) -> bool {
    let headers = [("authorization", token.as_bytes())];
    let request = Request {
        method,
        target: path.as_bytes(),
        headers: &headers,
        ip: Some("203.0.113.7"),
        now: UnixSeconds(NOW),
        entropy: None,
    };
    gate().ask(&request, &mut Context::new()).kind == Kind::Allow
}

#[test]
fn a_cached_response_allows_no_other_path() {
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
    // Counts first requests that are allowed: without any, the test proves nothing.
    let ways: [(&str, &Asked, MakeEvent, bool); 5] = [
        ("TOKEN", &iam, by_token, false),
        ("REQUEST", &simple, by_request, false),
        ("REQUEST by path", &iam, by_request, true),
        ("2.0 policy", &iam, by_http, false),
        // As the operator declares with TOLLGATE_AUTHORIZER_CACHE=path.
        ("2.0 simple by path", &simple, by_http_and_path, true),
    ];
    for (way, asked, event, by_path) in ways {
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
                    let case = format!("{way}: {later} {second} after {method} {first}");
                    assert!(*may || !through, "{case}");
                    opened += usize::from(through);
                }
            }
        }
        assert!(opened > 0, "{way}");
    }
}

#[test]
fn no_event_causes_a_simple_response() {
    let path = "/courses/rust-101/preview/a";
    // Identity sources that look like a cache by method and path, but whose values a client can choose.
    let sources = [
        Value::Null,
        json!([]),
        json!(["Bearer x"]),
        json!(["Bearer x", "GET", path]),
        json!(["GET", path]),
        json!("GET"),
    ];
    let (iam, simple) = (authorizer(HttpFormat::Iam), authorizer(HttpFormat::Simple));
    for source in sources {
        let event = || http_request("GET", path, &[], source.clone());
        let policy = iam.answer(event()).expect("an answer");
        assert_eq!(policy.get("isAuthorized"), None, "{source}");
        assert!(allows(&policy, &format!("{API}/GET{path}")), "{source}");
        // The operator has declared how responses are cached, and nothing else matters.
        let simple = simple.answer(event()).expect("an answer");
        assert_eq!(simple["isAuthorized"], json!(true), "{source}");
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
