//! Faults of the provider at the token endpoint, over real sockets: each ends in a page with its code and without
//! a session, and the next attempt works.

#![cfg(test)]
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_lab_http::{self as http, Reply};
use tollgate_local_issuer::{Client, LocalIssuer, Options, People};
use tollgate_server::{LocalEdge, Options as EdgeOptions, Origin};

const SITE: &str = r#"
schema = 1
[site]
name = "example"
[[issuer]]
name = "learners"
issuer = "ISSUER"
clients = ["web"]
jwks = "keys.json"
groups_claim = "cognito:groups"
[[issuer]]
name = "sessions"
issuer = "https://example.com/sessions"
clients = ["example"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "session.key" }]
[token]
from = ["cookie:__Host-tollgate"]
[session]
issuer = "sessions"
[sign_in]
issuer = "learners"
endpoints = "openid.json"
origins = ["http://EDGE"]
client = "web"
secrets = [{ kid = "s1", file = "seal.key" }]
[[rule]]
id = "members"
allow = ["/**"]
signed_in = true
"#;

/// The fault, the expected status of the callback, and the code.
fn faults() -> Vec<(Value, u16, &'static str)> {
    vec![
        (
            json!({"kind": "status", "status": 500}),
            502,
            "provider_unreachable",
        ),
        (
            json!({"kind": "status", "status": 404}),
            502,
            "token_response_invalid",
        ),
        (json!({"kind": "garbage"}), 502, "token_response_invalid"),
        (json!({"kind": "html"}), 502, "token_response_invalid"),
        (json!({"kind": "empty"}), 502, "token_response_invalid"),
        (json!({"kind": "huge"}), 502, "provider_unreachable"),
        (
            json!({"kind": "redirect", "to": "http://127.0.0.1:9/"}),
            502,
            "provider_unreachable",
        ),
        (json!({"kind": "slow", "ms": 5_000}), 503, "provider_slow"),
    ]
}

/// A browser that navigates, without a rendering engine.
struct Browser {
    site: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn get(&mut self, target: &str) -> Reply {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers: Vec<(String, String)> = [
            ("sec-fetch-mode", "navigate".to_owned()),
            ("sec-fetch-dest", "document".to_owned()),
            ("cookie", pairs.join("; ")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let reply = http::ask(self.site, "GET", target, &headers, b"").unwrap();
        for (_, set) in reply
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// Begins a flow and signs in at the issuer. Returns the target of the callback.
    fn sign_in(&mut self, issuer: SocketAddr) -> String {
        let reply = self.get("/.tollgate/sign-in?to=/lesson.html&again=1");
        let location = reply.header("location").expect("a redirect to the issuer");
        let (_, query) = location.split_once('?').unwrap();
        let target = format!("/login?{query}&username=alice");
        let reply = http::ask(issuer, "POST", &target, &[], b"").unwrap();
        let location = reply.header("location").expect("a redirect to the site");
        location
            .strip_prefix(&format!("http://{}", self.site))
            .expect("this site")
            .to_owned()
    }

    fn has_session(&self) -> bool {
        self.cookies.contains_key("__Host-tollgate")
    }
}

#[test]
fn a_fault_of_the_provider_costs_one_attempt() {
    let listen = http::free_address().unwrap();
    let issuer = LocalIssuer::bind(
        "127.0.0.1:0".parse().unwrap(),
        Options {
            pool: "pool".to_owned(),
            issuer: None,
            clients: vec![Client {
                id: "web".to_owned(),
                redirect_uris: vec![format!("http://{listen}/.tollgate/callback")],
            }],
            people: People::sample().unwrap(),
            seed: "provider".to_owned(),
            life_secs: 3_600,
        },
    )
    .unwrap();
    let name = issuer.issuer().to_owned();
    let issuer = issuer.run_in_background();
    let read = |what: &str| {
        let target = format!("/pool/.well-known/{what}");
        let reply = http::ask(issuer.addr(), "GET", &target, &[], b"").unwrap();
        String::from_utf8(reply.body).unwrap()
    };
    let mut tree = SourceTree::new();
    let site = SITE
        .replace("ISSUER", &name)
        .replace("EDGE", &listen.to_string());
    tree.insert("site.toml", site);
    tree.insert("keys.json", read("jwks.json"));
    tree.insert("openid.json", read("openid-configuration"));
    tree.insert("session.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    tree.insert("seal.key", "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE");
    let compiled = compile(&tree, &CompileOptions::default());
    let policy = compiled
        .policy
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let image = tollgate_policy::encode::encode(&policy).unwrap().image;
    let gate = Gate::load(image, None, &Native).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lesson.html"), "a lesson").unwrap();
    let records = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&records);
    let edge = LocalEdge::bind(
        listen,
        gate,
        Origin::folder(folder.path()).unwrap(),
        EdgeOptions {
            log: Box::new(move |served| {
                let mut line = String::new();
                _ = served.record.write_json(&mut line);
                kept.lock().unwrap().push(line);
            }),
            ..EdgeOptions::default()
        },
    )
    .unwrap()
    .run_in_background();

    let fault = |fault: &Value| {
        let body = fault.to_string();
        let reply = http::ask(
            issuer.addr(),
            "POST",
            "/admin/token-fault",
            &[],
            body.as_bytes(),
        );
        assert_eq!(reply.unwrap().status, 200, "{fault}");
    };
    let mut codes = Vec::new();
    for (wanted, status, code) in faults() {
        let mut browser = Browser {
            site: edge.addr(),
            cookies: BTreeMap::new(),
        };
        fault(&wanted);
        let callback = browser.sign_in(issuer.addr());
        codes.push(callback.clone());
        let reply = browser.get(&callback);
        let page = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, status, "{wanted}: {page}");
        assert!(page.contains(&format!("Code: {code}")), "{wanted}: {page}");
        assert!(!browser.has_session(), "{wanted}");

        fault(&json!({"kind": "none"}));
        let callback = browser.sign_in(issuer.addr());
        let reply = browser.get(&callback);
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/lesson.html"))
        );
        assert!(browser.has_session(), "{wanted}");
        assert_eq!(browser.get("/lesson.html").body, b"a lesson", "{wanted}");
    }
    // The code of a callback is in its query, which no record contains.
    let records = records.lock().unwrap().join("\n");
    for callback in codes {
        let (_, code) = callback.split_once("code=").unwrap();
        let code = code.split('&').next().unwrap();
        assert!(!records.contains(code));
    }
    assert!(records.contains("\"detail\":\"signed_in\""));
}
