//! The issuer over its socket, used like a browser, an edge or a test would.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tollgate_local_issuer::{BindError, Client, LocalIssuer, Options, People, Running};

const POOL: &str = "eu-west-1_TestPool1";
const BACK: &str = "http://127.0.0.1:9/callback/";

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn location(&self) -> &str {
        let field = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        field.expect("a location")
    }
}

fn options() -> Options {
    Options {
        pool: POOL.to_owned(),
        issuer: None,
        clients: vec![Client {
            id: "client-abc123".to_owned(),
            redirect_uris: vec![BACK.to_owned()],
        }],
        people: People::sample().unwrap(),
        seed: "test".to_owned(),
        life_secs: 3600,
    }
}

fn start() -> Running {
    let issuer = LocalIssuer::bind("127.0.0.1:0".parse().unwrap(), options()).unwrap();
    issuer.run_in_background()
}

fn ask(issuer: &Running, method: &str, target: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(issuer.addr()).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Answer {
        status: head[9..12].parse().unwrap(),
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

fn jwks(issuer: &Running) -> Answer {
    ask(issuer, "GET", &format!("/{POOL}/.well-known/jwks.json"), "")
}

fn kids(set: &Value) -> Vec<&str> {
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap()).collect()
}

/// Returns the header and claims of a token.
fn read(token: &str) -> [Value; 2] {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let mut parts = token.split('.').map(|part| {
        let bytes = Base64UrlUnpadded::decode_vec(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    [parts.next().unwrap(), parts.next().unwrap()]
}

fn parameters(location: &str, separator: char) -> Vec<(String, String)> {
    let (address, answer) = location.split_once(separator).unwrap();
    assert_eq!(address, BACK);
    form_urlencoded::parse(answer.as_bytes())
        .into_owned()
        .collect()
}

fn parameter<'a>(all: &'a [(String, String)], name: &str) -> &'a str {
    &all.iter().find(|(own, _)| own == name).expect(name).1
}

#[test]
fn keys_have_the_shape_of_a_user_pool_and_rotate() {
    let issuer = start();
    let set = jwks(&issuer).json();
    assert_eq!(kids(&set).len(), 2);
    for key in set["keys"].as_array().unwrap() {
        for (name, value) in [
            ("kty", "RSA"),
            ("alg", "RS256"),
            ("use", "sig"),
            ("e", "AQAB"),
        ] {
            assert_eq!(key[name], value, "{key}");
        }
        assert!(key.get("d").is_none());
    }
    let old = ask(&issuer, "POST", "/admin/token", r#"{"user":"alice"}"#).json();
    assert!(kids(&set).contains(&old["kid"].as_str().unwrap()));

    ask(&issuer, "POST", "/admin/rotate", "");
    let after = jwks(&issuer).json();
    assert_eq!(kids(&after).len(), 4);
    assert_eq!(kids(&after)[..2], kids(&set));
    let new = ask(&issuer, "POST", "/admin/token", r#"{"user":"alice"}"#).json();
    assert_ne!(new["kid"], old["kid"]);

    ask(&issuer, "POST", "/admin/withdraw", r#"{"kids":"old"}"#);
    let left = jwks(&issuer).json();
    assert_eq!(kids(&left), kids(&after)[2..]);
    // A token signed by an old key can still be minted.
    let held = json!({ "user": "alice", "kid": old["kid"] }).to_string();
    let held = ask(&issuer, "POST", "/admin/token", &held).json();
    assert_eq!(read(held["token"].as_str().unwrap())[0]["kid"], old["kid"]);
    assert_eq!(
        ask(&issuer, "POST", "/admin/withdraw", r#"{"kid":"none"}"#).status,
        400
    );
    let fetches = ask(&issuer, "GET", "/admin/fetches", "").json();
    assert_eq!(fetches["jwks"], 3);
}

#[test]
fn tokens_have_the_claims_of_a_user_pool() {
    let issuer = start();
    let token = |wanted: Value| {
        let made = ask(&issuer, "POST", "/admin/token", &wanted.to_string()).json();
        read(made["token"].as_str().unwrap())
    };
    let [header, id] = token(json!({ "user": "alice" }));
    assert_eq!(header["alg"], "RS256");
    let pool = format!("http://{}/{POOL}", issuer.addr());
    for (name, value) in [
        ("iss", json!(pool)),
        ("aud", json!("client-abc123")),
        ("token_use", json!("id")),
        ("cognito:groups", json!(["rust-101", "course-knots"])),
        ("custom:cohort", json!("2027-spring")),
    ] {
        assert_eq!(id[name], value, "{name}");
    }
    let life = id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap();
    assert_eq!(life, 3600);

    let [_, access] = token(json!({ "user": "ruth", "use": "access", "life_secs": -10 }));
    assert_eq!(access["client_id"], "client-abc123");
    assert_eq!(access["scope"], "openid library/read");
    assert!(access.get("aud").is_none() && access.get("cognito:groups").is_none());
    let ends = |claims: &Value| claims["exp"].as_i64().unwrap();
    assert!(ends(&access) < ends(&id) - 3600 && access["iat"].as_i64() < Some(ends(&access)));

    let [header, odd] = token(json!({
        "user": "alice", "claims": { "exp": null, "level": 3 }, "header": { "kid": "unheard-of" }
    }));
    assert_eq!(header["kid"], "unheard-of");
    assert_eq!(odd["level"], 3);
    assert!(odd.get("exp").is_none());
}

#[test]
fn both_sign_in_flows_work() {
    let issuer = start();
    let back = "client_id=client-abc123&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback%2F";
    let state = "a.%3Cscript%3E";

    let target = format!("/login?{back}&response_type=token&state={state}&nonce=n-1");
    let page = ask(&issuer, "GET", &target, "");
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert_eq!(page.status, 200);
    assert!(text.contains("value=\"a.&lt;script&gt;\"") && !text.contains("<script"));
    let signed_in = ask(&issuer, "POST", &target, "username=alice");
    assert_eq!(signed_in.status, 302);
    let answer = parameters(signed_in.location(), '#');
    assert_eq!(parameter(&answer, "state"), "a.<script>");
    let [_, id] = read(parameter(&answer, "id_token"));
    assert_eq!((&id["sub"], &id["nonce"]), (&json!("alice"), &json!("n-1")));

    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let target = format!(
        "/oauth2/authorize?{back}&response_type=code&code_challenge_method=S256&code_challenge={challenge}"
    );
    let signed_in = ask(&issuer, "POST", &target, "username=sam");
    let answer = parameters(signed_in.location(), '?');
    let form = format!(
        "grant_type=authorization_code&{back}&code={}&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        parameter(&answer, "code")
    );
    let tokens = ask(&issuer, "POST", "/oauth2/token", &form);
    assert!(tokens.head.contains("access-control-allow-origin: *"));
    assert_eq!(
        read(tokens.json()["id_token"].as_str().unwrap())[1]["sub"],
        "sam"
    );
    let again = ask(&issuer, "POST", "/oauth2/token", &form);
    assert_eq!(
        (again.status, &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
}

#[test]
fn unregistered_redirect_uris_are_rejected() {
    let issuer = start();
    let good = "/login?client_id=client-abc123&response_type=token&redirect_uri=";
    for uri in [
        "https%3A%2F%2Fevil.example%2F",
        "http%3A%2F%2F127.0.0.1%3A9%2Fcallback%2F%2Fevil",
        "http%3A%2F%2F127.0.0.1%3A9%2Fcallback",
        "",
    ] {
        for method in ["GET", "POST"] {
            let refused = ask(&issuer, method, &format!("{good}{uri}"), "username=alice");
            assert_eq!(refused.status, 400, "{method} {uri}");
            assert!(!refused.head.contains("location"), "{method} {uri}");
        }
    }
    let uri = "https%3A%2F%2Fnew.example%2F";
    let body = r#"{"client_id":"client-abc123","redirect_uris":["https://new.example/"]}"#;
    assert_eq!(ask(&issuer, "POST", "/admin/clients", body).status, 200);
    let nobody = ask(&issuer, "POST", &format!("{good}{uri}"), "username=mallory");
    assert_eq!(nobody.status, 401);
    let sent = ask(&issuer, "POST", &format!("{good}{uri}"), "username=alice");
    assert_eq!(sent.status, 302);
}

#[test]
fn the_key_set_fails_as_requested() {
    let issuer = start();
    let cases: [(&str, u16, &[u8]); 7] = [
        (r#"{"kind":"status","status":500}"#, 500, b"Internal"),
        (r#"{"kind":"html"}"#, 200, b"<!doctype html>"),
        (r#"{"kind":"garbage"}"#, 200, b"\x01"),
        (r#"{"kind":"empty"}"#, 200, b"{\"keys\":[]}"),
        (r#"{"kind":"huge"}"#, 200, b"{"),
        (
            r#"{"kind":"redirect","to":"http://127.0.0.2:1/"}"#,
            302,
            b"elsewhere",
        ),
        (r#"{"kind":"slow","ms":1}"#, 200, b"{"),
    ];
    for (fault, status, body) in cases {
        assert_eq!(ask(&issuer, "POST", "/admin/fault", fault).status, 200);
        let answer = jwks(&issuer);
        assert_eq!(answer.status, status, "{fault}");
        assert!(answer.body.starts_with(body), "{fault}");
        assert_eq!(
            answer.body.len() > 10_000_000,
            fault.contains("huge"),
            "{fault}"
        );
    }
    assert_eq!(
        ask(&issuer, "POST", "/admin/fault", r#"{"kind":"x"}"#).status,
        400
    );
    ask(&issuer, "POST", "/admin/fault", r#"{"kind":"none"}"#);
    assert_eq!(kids(&jwks(&issuer).json()).len(), 2);
}

#[test]
fn only_loopback_addresses_are_accepted() {
    let bound = LocalIssuer::bind("0.0.0.0:0".parse().unwrap(), options());
    assert!(matches!(bound, Err(BindError::NotLoopback(_))));
}
