//! Links: to the store, to CloudFront, and with cookies.

use serde_json::{Value, json};
use tollgate_lambda::content::{CloudFront, ContentSettings, Delivery, From};
use tollgate_lambda::store::StoreError;
use tollgate_signed_urls::{Signer, SigningHash, SigningKey};

use crate::events::{function_url, rest};
use crate::kit::{Memory, content, settings};
use crate::site::NOW;

const OPEN: &str = "/courses/rust-101/preview/a*b.mp4";
const CLOSED: &str = "/courses/rust-101/b.pdf";
const PEM: &str = include_str!("../../../crates/signed-urls/tests/keys/p256-pkcs8.pem");

fn store() -> Memory {
    Memory::of(&[("courses/rust-101/preview/a*b.mp4", b"0123456789")])
}

fn front(binds_address: bool) -> CloudFront {
    let key = SigningKey::from_pem(PEM, SigningHash::Sha256).expect("a key");
    CloudFront {
        host: "media.example".to_owned(),
        signer: Signer::new(key, "K2JCJMDEHXQW5F").expect("an id"),
        binds_address,
        cookie_domain: Some("example".to_owned()),
    }
}

fn deliver(delivery: Delivery, checks_object: bool, store: Memory, event: Value) -> Value {
    let settings = ContentSettings {
        delivery,
        checks_object,
        from: From::Path,
        ..settings()
    };
    content(settings, store).answer(event).expect("an answer")
}

fn location(answer: &Value) -> &str {
    assert_eq!(answer["statusCode"], 302, "{answer}");
    assert_eq!(answer["headers"]["cache-control"], "no-store");
    answer["headers"]["location"].as_str().expect("a location")
}

#[test]
fn a_link_requires_an_existing_object() {
    let get = || function_url("GET", OPEN, &[]);
    let link = "https://store.example/courses/rust-101/preview/a*b.mp4?GET&300";
    assert_eq!(
        location(&deliver(Delivery::Presigned, true, store(), get())),
        link
    );
    // Without a check the function does not know; the store will respond 404.
    let empty = || Memory::of(&[]);
    assert_eq!(
        location(&deliver(Delivery::Presigned, false, empty(), get())),
        link
    );
    for delivery in [
        Delivery::Presigned,
        Delivery::SignedUrl(front(false)),
        Delivery::SignedCookies(front(false)),
    ] {
        assert_eq!(deliver(delivery, true, empty(), get())["statusCode"], 404);
    }
    let down = Memory(Err(StoreError::Unavailable));
    assert_eq!(
        deliver(Delivery::Presigned, true, down, get())["statusCode"],
        503
    );
    let head = function_url("HEAD", OPEN, &[]);
    let without_look = deliver(Delivery::Presigned, false, store(), head.clone());
    assert!(location(&without_look).contains("?HEAD&"));
    let described = deliver(Delivery::Presigned, true, store(), head);
    assert_eq!(described["statusCode"], 200);
    assert_eq!(described["headers"]["content-length"], "10");
}

#[test]
fn json_is_sent_only_on_request() {
    for (accept, status) in [
        ("application/json", 200),
        ("application/json, */*", 200),
        ("application/jsonx", 302),
        ("application/json;q=0", 302),
        ("*/*", 302),
    ] {
        let event = function_url("GET", OPEN, &[("accept", accept)]);
        let answer = deliver(Delivery::Presigned, true, store(), event);
        assert_eq!(answer["statusCode"], status, "{accept}");
    }
}

#[test]
fn scripts_get_the_link_as_json() {
    let event = function_url("GET", OPEN, &[("accept", "application/json")]);
    let answer = deliver(Delivery::Presigned, true, store(), event);
    assert_eq!(answer["statusCode"], 200);
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(body["expires_in"], 300);
    assert!(
        body["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://store.example/"))
    );
}

#[test]
fn denied_requests_get_no_link() {
    for delivery in [
        Delivery::Presigned,
        Delivery::SignedUrl(front(false)),
        Delivery::SignedCookies(front(false)),
    ] {
        let answer = deliver(delivery, false, store(), function_url("GET", CLOSED, &[]));
        assert_eq!(answer["statusCode"], 401);
        assert!(answer["headers"].get("location").is_none() && answer.get("cookies").is_none());
    }
}

#[test]
fn a_cloudfront_link_is_for_one_file() {
    let get = || function_url("GET", OPEN, &[]);
    let answer = deliver(Delivery::SignedUrl(front(false)), true, store(), get());
    let (url, query) = location(&answer).split_once('?').expect("a query");
    // A `*` in a name is not a wildcard.
    assert_eq!(
        url,
        "https://media.example/courses/rust-101/preview/a%2Ab.mp4"
    );
    assert!(
        query.starts_with(&format!("Expires={}&Signature=", NOW + 300)),
        "{query}"
    );
    assert!(
        query.ends_with("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"),
        "{query}"
    );

    let bound = deliver(Delivery::SignedUrl(front(true)), true, store(), get());
    assert!(location(&bound).contains("?Policy="));
    for ip in [json!("2001:db8::7"), Value::Null] {
        let mut event = get();
        event["requestContext"]["http"]["sourceIp"] = ip;
        let refused = deliver(Delivery::SignedUrl(front(true)), true, store(), event);
        assert_eq!(refused["statusCode"], 403);
    }
}

#[test]
fn cookies_grant_one_file() {
    let events = [function_url("GET", OPEN, &[]), rest("GET", OPEN, &[])];
    let lists = ["/cookies", "/multiValueHeaders/set-cookie"];
    for (event, list) in events.into_iter().zip(lists) {
        let answer = deliver(Delivery::SignedCookies(front(false)), true, store(), event);
        let url = "https://media.example/courses/rust-101/preview/a%2Ab.mp4";
        assert_eq!(location(&answer), url);
        let cookies = answer
            .pointer(list)
            .and_then(Value::as_array)
            .expect("cookies");
        assert_eq!(cookies.len(), 4);
        let names = ["Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"];
        let rest = "; Path=/courses/rust-101/preview/a%2Ab.mp4; Domain=example; Max-Age=300; \
                    Secure; HttpOnly; SameSite=Lax";
        for (cookie, name) in cookies.iter().zip(names) {
            let cookie = cookie.as_str().expect("text");
            assert!(
                cookie.starts_with(&format!("CloudFront-{name}=")),
                "{cookie}"
            );
            assert!(cookie.ends_with(rest), "{cookie}");
        }
    }
}
