//! Key refresh over real sockets: rotation, failures, and responses that never arrive.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};
use tollgate_server::{Options, Origin};

use super::support::{NOW, Scratch, Server};

/// An issuer that sends the same response to every request, and counts requests. With `None` it never
/// responds.
pub(crate) struct Issuer {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) fn start(answer: Option<String>) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        // It runs until the test process ends, and holds only one socket.
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 4096]);
                if let Some(answer) = &answer {
                    let _ = stream.write_all(answer.as_bytes());
                } else {
                    open.push(stream);
                }
            }
        });
        Issuer { url, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

pub(crate) fn ok(body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

fn key(kid: &str) -> PrivateKey {
    PrivateKey::generate("local-edge-tests", kid, Algorithm::ES256, 0).unwrap()
}

pub(crate) fn set(kids: &[&str]) -> String {
    let keys = kids.iter().filter_map(|kid| key(kid).to_public_jwk());
    JwkSet {
        keys: keys.collect(),
    }
    .to_text()
}

pub(crate) fn bearer(kid: &str) -> String {
    bearer_until(kid, NOW + 600)
}

pub(crate) fn bearer_until(kid: &str, exp: i64) -> String {
    let claims = format!(
        r#"{{"iss":"https://id.example.com","aud":"web","cognito:groups":["students"],"exp":{exp}}}"#
    );
    let token = Minter::new(key(kid)).token(&claims).unwrap();
    format!("authorization: Bearer {token}\r\n")
}

/// The image of a policy that was built when the issuer had the key `old`.
pub(crate) fn image(issuer: &Issuer) -> Vec<u8> {
    image_with(issuer, "")
}

/// The same with additional lines in `site.toml`.
fn image_with(issuer: &Issuer, more: &str) -> Vec<u8> {
    let site = format!(
        r#"
schema = 1
[site]
name = "keys"
[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web"]
algorithms = ["ES256"]
groups_claim = "cognito:groups"
jwks = "keys.json"
refresh = "{}"
[token]
from = ["header:authorization"]
[[rule]]
id = "students"
allow = ["/courses/**"]
groups = ["students"]
{more}"#,
        issuer.url
    );
    let mut sources = SourceTree::new();
    sources.insert("site.toml", site);
    sources.insert("keys.json", set(&["old"]));
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(compiled.image.is_some(), "{:?}", compiled.diagnostics);
    compiled.image.unwrap()
}

/// A server with that policy, and its log of key fetches.
fn server(scratch: &Scratch, issuer: &Issuer) -> (Server, Arc<Mutex<Vec<String>>>) {
    server_of(scratch, image(issuer))
}

fn server_of(scratch: &Scratch, image: Vec<u8>) -> (Server, Arc<Mutex<Vec<String>>>) {
    scratch.file("site/courses/a", "lesson");
    let gate = Gate::new(image, &Native).unwrap();
    let key_log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&key_log);
    let options = Options {
        keys_log: Box::new(move |fetched| {
            let line = match &fetched.result {
                Ok(accepted) if accepted.skipped.is_empty() => "refreshed".to_owned(),
                Ok(accepted) => format!("refreshed, skipped {:?}", accepted.skipped),
                Err(error) => error.to_string(),
            };
            sink.lock().unwrap().push(line);
        }),
        ..Options::default()
    };
    let origin = Origin::folder(&scratch.path().join("site")).unwrap();
    (Server::start_with(gate, origin, options), key_log)
}

#[test]
fn keys_that_are_skipped_are_reported() {
    let scratch = Scratch::new("keys-skipped");
    let mixed = set(&["old", "new"]).replacen('[', r#"[{"kid":"odd-1","kty":"odd"},"#, 1);
    let issuer = Issuer::start(ok(&mixed));
    let (server, key_log) = server(&scratch, &issuer);
    let answer = server.get("GET", "/courses/a", &bearer("new"));
    assert_eq!(answer.status(), 200);
    drop(server);
    let key_log = key_log.lock().unwrap();
    assert!(
        key_log[0].starts_with("refreshed, skipped") && key_log[0].contains("odd-1"),
        "{key_log:?}"
    );
}

#[test]
fn a_request_waits_for_the_key_it_needs() {
    let scratch = Scratch::new("keys-rotate");
    let issuer = Issuer::start(ok(&set(&["old", "new"])));
    let (server, key_log) = server(&scratch, &issuer);
    for kid in ["new", "old", "new"] {
        let answer = server.get("GET", "/courses/a", &bearer(kid));
        assert_eq!(answer.status(), 200, "{kid}");
    }
    for number in 0..50 {
        let answer = server.get("GET", "/courses/a", &bearer(&format!("invented-{number}")));
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(*key_log.lock().unwrap(), ["refreshed"]);
}

#[test]
fn a_set_without_the_old_key_revokes_it() {
    let scratch = Scratch::new("keys-end");
    let issuer = Issuer::start(ok(&set(&["new"])));
    let (server, _) = server(&scratch, &issuer);
    assert_eq!(
        server.get("GET", "/courses/a", &bearer("new")).status(),
        200
    );
    assert_eq!(
        server.get("GET", "/courses/a", &bearer("old")).status(),
        401
    );
}

#[test]
fn a_failing_issuer_changes_nothing() {
    let elsewhere =
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let table = [
        (
            "error",
            Some("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned()),
            "status 500",
        ),
        ("moved", Some(elsewhere.to_owned()), "status 302"),
        ("html", ok("<!doctype html>"), "rejected"),
        ("empty", ok(r#"{"keys":[]}"#), "rejected"),
        ("huge", ok(&" ".repeat(300_000)), "length limit exceeded"),
        (
            "cut",
            Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_owned()),
            "",
        ),
        ("noise", Some("\u{0}\u{1}".to_owned()), ""),
    ];
    for (name, answer, expect) in table {
        let scratch = Scratch::new(&format!("keys-{name}"));
        let issuer = Issuer::start(answer);
        let (server, key_log) = server(&scratch, &issuer);
        assert_eq!(
            server.get("GET", "/courses/a", &bearer("new")).status(),
            401,
            "{name}"
        );
        assert_eq!(
            server.get("GET", "/courses/a", &bearer("old")).status(),
            200,
            "{name}"
        );
        let key_log = key_log.lock().unwrap();
        assert_eq!(key_log.len(), 1, "{name}");
        assert!(key_log[0].contains(expect), "{name}: {key_log:?}");
    }
}

#[test]
fn a_hanging_key_fetch_delays_no_request() {
    let scratch = Scratch::new("keys-never");
    let issuer = Issuer::start(None);
    let (server, key_log) = server(&scratch, &issuer);
    // Both responses arrive while the fetch is still in flight, so neither waited for its end.
    assert_eq!(
        server.get("GET", "/courses/a", &bearer("old")).status(),
        200
    );
    assert_eq!(
        server.get("GET", "/courses/a", &bearer("new")).status(),
        401
    );
    assert!(key_log.lock().unwrap().is_empty());
    for _ in 0..100 {
        if issuer.asked() == 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("asked {} times", issuer.asked());
}

#[test]
fn a_hanging_issuer_does_not_block_the_keys_of_others() {
    let scratch = Scratch::new("keys-hang");
    let (hanging, issuer) = (Issuer::start(None), Issuer::start(ok(&set(&["new"]))));
    let more = format!(
        r#"
[[issuer]]
name = "hanging"
issuer = "https://hanging.example.com"
clients = ["web"]
algorithms = ["ES256"]
groups_claim = "cognito:groups"
jwks = "keys.json"
refresh = "{}"
"#,
        hanging.url
    );
    let (server, _) = server_of(&scratch, image_with(&issuer, &more));
    // It waits for the maximum time, and is then evaluated with the keys that have arrived.
    let answer = server.get("GET", "/courses/a", &bearer("new"));
    assert_eq!((answer.status(), hanging.asked()), (200, 1));
}
