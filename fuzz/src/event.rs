//! Events of CloudFront and API Gateway, for the functions that handle them: a denied request is
//! never forwarded, whatever the event, and the forwarded request is the one that was decided.
//!
//! `TOKEN` in the input represents a valid token.

use std::cell::RefCell;

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::Gate;
use tollgate_lambda::authorizer::HttpFormat;
use tollgate_lambda::content::{ContentSettings, From};
use tollgate_lambda::{Event, EventKind, Role, answer};

use crate::kit::{self, Asked, Memory};
use crate::{change, cookies, json, site};

/// The content of objects that no client can access, with or without the token.
const SECRET: &str = "kept from all";
/// Their keys.
const SECRETS: [&str; 6] = [
    "private",
    "corp/a",
    "courses/go-201/a",
    "courses/rust-101",
    "Courses/rust-101/a",
    "courses/rust-101/../a",
];

struct Functions {
    cloudfront: Gate<Vec<u8>>,
    others: Vec<Asked>,
}

thread_local! {
    static FUNCTIONS: RefCell<Functions> = RefCell::new(Functions::new());
}

impl Functions {
    fn new() -> Self {
        let mut objects: Vec<(&str, &[u8])> = SECRETS.map(|key| (key, SECRET.as_bytes())).to_vec();
        objects.push(("courses/rust-101/a", b"for learners"));
        objects.push(("courses/rust-101/preview/a", b"for all"));
        let content = |from| {
            kit::content(
                ContentSettings {
                    from,
                    ..kit::settings()
                },
                Memory::of(&objects),
            )
        };
        let others = vec![
            kit::authorizer(HttpFormat::Simple),
            kit::authorizer(HttpFormat::Iam),
            content(From::Path),
            content(From::Parameter),
            kit::function(Role::CloudFront),
        ];
        Self {
            cloudfront: site::gate(),
            others,
        }
    }
}

/// Uses the bytes as an event.
pub fn check(data: &[u8]) {
    let token = site::token(r#""cognito:groups":["rust-101"]"#);
    let filled = cookies::replaced(data, b"TOKEN", token.as_bytes());
    let Ok(event) = serde_json::from_slice::<Value>(&filled) else {
        return;
    };
    let in_paths = places_of_paths(&event).any(|text| text.contains(&token));
    FUNCTIONS.with_borrow(|functions| {
        at_cloudfront(&functions.cloudfront, &event, &token);
        for function in &functions.others {
            if let Ok(result) = function.answer(event.clone()) {
                judged(&event, &result);
            }
            let lines = function.log();
            // A path is logged unchanged; a client that writes a token into one has published it.
            if in_paths {
                continue;
            }
            assert!(
                lines.iter().all(|line| !line.contains(&token)),
                "a token in the log"
            );
        }
    });
}

/// The strings in an event that contain the path or the method.
fn places_of_paths(event: &Value) -> impl Iterator<Item = &str> {
    const PLACES: [&str; 12] = [
        "/Records/0/cf/request/uri",
        "/Records/0/cf/request/method",
        "/path",
        "/rawPath",
        "/httpMethod",
        "/methodArn",
        "/routeArn",
        "/requestContext/path",
        "/requestContext/http/path",
        "/requestContext/http/method",
        "/queryStringParameters/fn",
        "/multiValueQueryStringParameters/fn/0",
    ];
    PLACES
        .into_iter()
        .filter_map(|place| event.pointer(place)?.as_str())
}

/// The forwarded request must be the one that was decided, without the gate's parts.
fn at_cloudfront(gate: &Gate<Vec<u8>>, event: &Value, token: &str) {
    let asked = &event["Records"][0]["cf"]["request"];
    let answered = answer(gate, event.clone(), UnixSeconds(site::NOW));
    let result = &answered.result;
    if let Some(status) = result.get("status").filter(|_| answered.log.status != 200) {
        let status: u16 = status
            .as_str()
            .and_then(|status| status.parse().ok())
            .expect("a status");
        assert!((300..600).contains(&status), "{result}");
        return;
    }
    assert_eq!(answered.log.status, 200);
    assert_eq!(
        (&result["uri"], &result["method"]),
        (&asked["uri"], &asked["method"])
    );
    let uri = result["uri"].as_str().expect("a path");
    let open = ["/courses/rust-101/", "/contact", "/corp/"];
    assert!(open.iter().any(|prefix| uri.starts_with(prefix)), "{uri}");
    // Headers that CloudFront makes read-only may contain anything, but are not token sources here.
    let kind = Event::read(event.clone()).map(|event| event.kind());
    if kind == Ok(EventKind::ViewerRequest) && !uri.contains(token) {
        let headers = result["headers"].as_object().expect("headers");
        let sent = headers
            .iter()
            .filter(|(_, lines)| lines != &&Value::Array(Vec::new()));
        for name in sent.map(|(name, _)| name.to_ascii_lowercase()) {
            assert!(
                name != "authorization" && !name.starts_with("x-tollgate-"),
                "{name}"
            );
        }
    }
}

/// A response that grants access must grant only what was requested.
fn judged(event: &Value, result: &Value) {
    let text = result.to_string();
    assert!(!text.contains(SECRET), "{text}");
    for key in SECRETS {
        assert!(!text.contains(&format!("store.example/{key}?")), "{text}");
    }
    let statement = &result["policyDocument"]["Statement"][0];
    if statement["Effect"] == "Allow" {
        let arn = event.get("methodArn").or(event.get("routeArn"));
        assert_eq!(Some(&statement["Resource"]), arn, "{text}");
        let arn = arn.and_then(Value::as_str).unwrap_or_default();
        let path = arn.splitn(4, '/').nth(3).unwrap_or_default();
        assert!(!path.contains(['*', '?', '$']), "{arn}");
    }
}

/// Mutates one value, or occasionally the plain bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let room = max_size.saturating_sub(size);
    let text = data.get(..size).unwrap_or_default();
    match json::changed(text, room, seed / 8).filter(|_| seed & 7 != 0) {
        Some(made) => change::put(&made, data, size, max_size),
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
}
