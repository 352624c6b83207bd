//! Sign-in at restricted edges: which requests are redirected to it, what the others receive, and when a session is
//! refreshed. The expected responses are those of the gate.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tollgate_compiler::SourceTree;
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, MAX_RETURN_BYTES, SealSecret, SignInConfig, SignOut,
};
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_mint::{Algorithm, Minter, PrivateKey};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;
use tollgate_targets::Policy;
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::njs::{Nginx, ask_cli};
use tollgate_token::Algorithm as Verified;

const ID: &str = "0123456789abcdef0123456789abcdef";
const LEARNERS: &str = include_str!("../../../../policy/keys/learners.jwks.json");
/// The time at which sessions are minted, and their lifetime.
const MINTED: i64 = 1_800_000_000;
const LIFETIME: i64 = 1_000;
/// The first second at which less than a fifth of a session's life is left.
const LATE: i64 = MINTED + LIFETIME * 4 / 5 + 1;

/// Headers that engines report in other members, or not at all.
const ELSEWHERE: [&str; 2] = ["allow", "set-cookie"];
/// The longest line that the program of the older engine prints, in bytes.
const MAX_PRINTED: usize = 2_048;

type Headers<'h> = &'h [(&'h str, &'h str)];

/// A browser that navigates.
const NAVIGATES: Headers<'_> = &[
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// Requests without a token to `/a`, and whether they are navigations.
const READERS: &[(&str, Headers<'_>, bool)] = &[
    ("GET", NAVIGATES, true),
    ("HEAD", NAVIGATES, true),
    ("POST", NAVIGATES, false),
    ("OPTIONS", NAVIGATES, false),
    ("GET", &[], false),
    // Without the headers of Fetch.
    ("GET", &[HTML], true),
    ("HEAD", &[HTML], true),
    ("PUT", &[HTML], false),
    ("GET", &[("Accept", "*/*")], false),
    ("GET", &[("accept", "image/avif"), HTML], true),
    ("GET", &[HTML, ("accept", "image/avif")], true),
    ("GET", &[("accept", "text/h"), ("accept", "tml")], false),
    (
        "GET",
        &[HTML, ("x-requested-with", "XMLHttpRequest")],
        false,
    ),
    ("GET", &[HTML, ("X-Requested-With", "")], false),
    // With one of them, or with other values.
    ("GET", &[("sec-fetch-mode", "navigate"), HTML], false),
    ("GET", &[("sec-fetch-dest", "document"), HTML], false),
    (
        "GET",
        &[("sec-fetch-mode", ""), ("sec-fetch-dest", ""), HTML],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
            HTML,
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "Navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document2"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "x-navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "x:\"navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            HTML,
        ],
        false,
    ),
    (
        "GET",
        &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "websocket"),
            ("sec-fetch-dest", "websocket"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    // A browser that navigates with a script's header is still a browser that navigates.
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("x-requested-with", "com.example.app"),
            ("accept", "application/json"),
        ],
        true,
    ),
    // Prefetching.
    (
        "GET",
        &[
            ("sec-purpose", "prefetch"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("Sec-Purpose", "prefetch;prerender"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-purpose", "other"),
            ("sec-purpose", "x;prefetch"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-purpose", "other"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        true,
    ),
    ("GET", &[("sec-purpose", "prefetch"), HTML], false),
    (
        "GET",
        &[("sec-purpose", "text/html"), ("accept", "*/*")],
        false,
    ),
    (
        "GET",
        &[("sec-purpose", "\"}"), HTML, ("accept", "prefetch")],
        true,
    ),
];

/// Raw targets, and how they are in the location.
fn targets() -> Vec<(String, String)> {
    let mut targets: Vec<(String, String)> = [
        ("/", "/"),
        ("/a/b.html", "/a/b.html"),
        ("/a/?x=1&y=%20z", "/a/%3Fx%3D1%26y%3D%2520z"),
        ("/~u/-._ok", "/~u/-._ok"),
        (
            "/a!$&'()*,:=@[]^|",
            "/a%21%24%26%27%28%29%2A%2C%3A%3D%40%5B%5D%5E%7C",
        ),
        ("/caf%C3%A9", "/caf%25C3%25A9"),
        (
            "/a?to=https://evil.test/\"<>\\",
            "/a%3Fto%3Dhttps%3A//evil.test/%22%3C%3E%5C",
        ),
        ("/a?b?c", "/a%3Fb%3Fc"),
        // Bytes of UTF-8, one character each.
        ("/a?\u{c3}\u{a9}\u{ff}", "/a%3F%C3%A9%FF"),
    ]
    .map(|(target, encoded)| (target.to_owned(), encoded.to_owned()))
    .into();
    let long = format!("/a?{}", "x".repeat(MAX_RETURN_BYTES - 3));
    targets.push((long.clone(), long.replacen('?', "%3F", 1)));
    targets.push((format!("{long}x"), "/".to_owned()));
    targets
}

/// A site that shows what it does to all kinds of readers.
struct Site {
    name: &'static str,
    spec: ImageSpec,
    /// Session tokens by the time at which they were minted.
    mint: Gate<Vec<u8>>,
    token: String,
}

impl Site {
    /// The policy with these settings. `is_plain` if the edge also verifies sign-in tokens.
    fn new(name: &'static str, settings: &str, is_plain: bool) -> Result<Self> {
        let mut tree = SourceTree::new();
        tree.insert("k.key", "A".repeat(43));
        tree.insert("401.html", "<!doctype html><title>401</title>");
        let issuer = |name: &str, client: &str| {
            format!(
                "[[issuer]]\nname = \"{name}\"\nissuer = \"https://{name}.test\"\nclients = [\"{client}\"]\n\
                 algorithms = [\"HS256\"]\nsecrets = [{{ kid = \"{name}\", file = \"k.key\" }}]\n"
            )
        };
        tree.insert(
            "site.toml",
            format!(
                "schema = 1\n[site]\nname = \"site\"\n{}{}[session]\nissuer = \"sessions\"\nlifetime_secs = {LIFETIME}\n\
                 [token]\nfrom = [\"header:authorization\", \"cookie:__Host-tollgate\"]\n{settings}\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\nsigned_in = true\n\
                 methods = [\"GET\", \"HEAD\", \"POST\", \"PUT\", \"OPTIONS\"]\n",
                issuer("id", "client"),
                issuer("sessions", "site"),
            ),
        );
        let policy = Policy::from_sources(&tree)?;
        let mint = Gate::new(encode(policy.spec())?.image, &Native)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let key = PrivateKey::from_secret("id", Algorithm::HS256, &[0; 32]);
        let claims = json!({ "iss": "https://id.test", "aud": "client", "sub": "ada", "iat": MINTED, "exp": MINTED + 9_000 });
        let mut spec = policy.spec().clone();
        let mut config = GateConfig::decode(&spec.gate)?;
        if let (false, Some(issuer)) = (is_plain, config.issuers.first_mut()) {
            // As a provider has it: no restricted edge verifies it with a secret.
            issuer.secrets.clear();
            issuer.algorithms = vec![Verified::RS256];
            issuer.jwks = Some(LEARNERS.to_owned());
        }
        let sign_in = sign_in();
        let answer = DenyAnswer::SignIn(sign_in.endpoint("sign-in"));
        config.deny.no_token = answer.clone();
        if config.deny.bad_token == DenyAnswer::Status(401) {
            config.deny.bad_token = answer;
        }
        config.sign_in = Some(sign_in);
        spec.gate = config.encode()?;
        Ok(Self {
            name,
            spec,
            mint,
            token: Minter::new(key).token(&claims.to_string())?,
        })
    }

    /// The session that begins at this time.
    fn session(&self, now: i64) -> Result<String> {
        let bearer = format!("Bearer {}", self.token);
        let request = Request {
            method: "POST",
            target: b"/.tollgate/session",
            headers: &[("authorization", bearer.as_bytes())],
            ip: None,
            now: UnixSeconds(now),
            entropy: None,
        };
        let outcome = self.mint.ask(&request, &mut Context::new());
        let Action::Serve(response) = outcome.action else {
            anyhow::bail!("no session: {:?}", outcome.log);
        };
        let mut headers = response.headers.iter();
        let cookie = headers.find(|(name, _)| name == "set-cookie");
        let cookie = cookie.and_then(|(_, value)| value.split(';').next());
        Ok(cookie.context("no cookie")?.to_owned())
    }

    /// What the gate responds to requests, as engines report it.
    fn expected(&self, asked: &[Value]) -> Result<Vec<Value>> {
        let gate = Gate::new(encode(&self.spec)?.image, &Native)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let one = |asked: &Value| {
            let text = |value: Option<&Value>| {
                value.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let bytes = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
            let headers = asked.get("headers").and_then(Value::as_array);
            let headers: Vec<(String, Vec<u8>)> = headers
                .into_iter()
                .flatten()
                .map(|pair| (text(pair.get(0)), bytes(&text(pair.get(1)))))
                .collect();
            let headers: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .collect();
            let outcome = gate.ask(
                &Request {
                    method: &text(asked.get("method")),
                    target: &bytes(&text(asked.get("target"))),
                    headers: &headers,
                    ip: None,
                    now: UnixSeconds(asked.get("now").and_then(Value::as_i64).unwrap_or_default()),
                    entropy: None,
                },
                &mut Context::new(),
            );
            let response = match &outcome.action {
                Action::Forward(_) => None,
                Action::Serve(response) | Action::Refuse(response) => Some(response),
            };
            let response = response.map(|response| {
                let headers = response.headers.iter();
                let headers = headers.filter(|(name, _)| !ELSEWHERE.contains(&&**name));
                let headers: Map<String, Value> = headers
                    .map(|(name, value)| (name.to_string(), json!(value)))
                    .collect();
                json!({ "headers": headers, "body": response.body })
            });
            compared(&json!({
                "outcome": outcome.kind.code(),
                "status": outcome.status,
                "reason": outcome.reason.code(),
                "detail": outcome.detail,
                "response": response,
            }))
        };
        Ok(asked.iter().map(one).collect())
    }

    /// Evaluates requests in every engine. `check` receives the results, which are the gate's too.
    fn each_like_the_gate(
        &self,
        node: &mut Node,
        asked: &[Value],
        check: &dyn Fn(&str, &[Value]),
    ) -> Result<()> {
        let expected = self.expected(asked)?;
        self.each(node, asked, &|what, said| {
            for ((asked, expected), said) in asked.iter().zip(&expected).zip(said) {
                let target = asked.get("target").and_then(Value::as_str);
                let path = target.and_then(|target| target.split('?').next());
                // The gate returns to the index document instead of the path that the client requested.
                if self.name == "index" && path.is_some_and(|path| path.ends_with('/')) {
                    continue;
                }
                assert_eq!(compared(said), *expected, "{what}: {asked}");
            }
            check(what, said);
        })
    }

    /// Evaluates requests in every engine.
    fn each(&self, node: &mut Node, asked: &[Value], check: &dyn Fn(&str, &[Value])) -> Result<()> {
        let function = Script::cloudfront_of_any_size(&self.spec, ID)?;
        let bundle = Script::new(Engine::EdgeWorkers, &self.spec, ID)?;
        for (edge, script) in [("cloudfront", &function), ("edgeworkers", &bundle)] {
            node.load(script)?;
            check(&format!("{}, {edge}", self.name), &node.ask(asked)?);
        }
        let program = |name: &str| std::env::var_os(name).map(PathBuf::from);
        if let Some(program) = program("TOLLGATE_NGINX") {
            let said = Nginx::start(&program, &function)?.ask(asked)?;
            check(&format!("{}, nginx", self.name), &said);
        }
        if let Some(program) = program("TOLLGATE_NJS") {
            let short = asked
                .iter()
                .take_while(|asked| asked.to_string().len() < MAX_PRINTED / 2);
            let short: Vec<Value> = short.cloned().collect();
            let said = ask_cli(&program, &function, &short)?;
            check(&format!("{}, njs", self.name), &said);
        }
        Ok(())
    }
}

/// The members of a result that the gate and the engines have in common.
fn compared(said: &Value) -> Value {
    let mut members = Map::new();
    for name in ["outcome", "status", "reason", "detail", "response"] {
        let value = said.get(name).filter(|value| !value.is_null());
        members.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    let sent = members.get_mut("response");
    let headers = sent.and_then(|sent| sent.get_mut("headers"));
    if let Some(headers) = headers.and_then(Value::as_object_mut) {
        headers.retain(|name, _| !ELSEWHERE.contains(&name.as_str()));
    }
    Value::Object(members)
}

fn sign_in() -> SignInConfig {
    SignInConfig {
        issuer: 0,
        client: "client".to_owned(),
        client_auth: ClientAuth::None,
        scopes: vec!["openid".to_owned()],
        endpoints: Endpoints {
            authorization: "https://id.test/authorize".to_owned(),
            token: "https://id.test/token".to_owned(),
            sign_out: SignOut::Local,
            revocation: None,
            names_issuer: true,
        },
        origins: vec!["https://site.test".to_owned()],
        path: "/.tollgate".to_owned(),
        secrets: vec![SealSecret {
            kid: "s1".to_owned(),
            key: [7; 32],
        }],
        signed_out: None,
    }
}

/// Sites whose functions differ in what they contain next to sign-in.
fn sites() -> Result<Vec<Site>> {
    Ok(vec![
        Site::new("sessions", "", false)?,
        Site::new("tokens", "", true)?,
        Site::new(
            "readers",
            "[deny]\npages = { 401 = \"401.html\" }\ncors = [\"https://app.test\"]\nbad_token = { status = 401 }\n",
            false,
        )?,
        Site::new(
            "redirects",
            "[deny]\nbad_token = { redirect = \"/expired\" }\n",
            false,
        )?,
        Site::new("index", "[paths]\nindex = \"index.html\"\n", false)?,
    ])
}

fn request(method: &str, target: &str, headers: Headers<'_>, now: i64) -> Value {
    let headers: Vec<[&str; 2]> = headers
        .iter()
        .map(|(name, value)| [*name, *value])
        .collect();
    json!({ "method": method, "target": target, "headers": headers, "ip": null, "now": now })
}

/// A response as engines report it.
fn response(status: u16, kind: &str, extra: Headers<'_>, body: &str) -> Value {
    let mut headers = Map::new();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-type", kind),
        ("x-content-type-options", "nosniff"),
    ]
    .iter()
    .chain(extra)
    {
        headers.insert((*name).to_owned(), json!(value));
    }
    json!({ "status": status, "response": { "headers": headers, "body": body } })
}

fn redirect(method: &str, location: &str) -> Value {
    let body = if method == "HEAD" {
        ""
    } else {
        "Please sign in.\n"
    };
    let location = [("location", location)];
    response(302, "text/plain; charset=utf-8", &location, body)
}

fn unauthorized(method: &str) -> Value {
    let body = match method {
        "HEAD" => "",
        _ => "{\"status\":401,\"error\":\"Please sign in.\",\"sign_in\":\"/.tollgate/sign-in\"}\n",
    };
    let challenge = [("www-authenticate", "Bearer realm=\"site\"")];
    response(401, "application/json", &challenge, body)
}

fn assert_sent(said: &Value, expected: &Value, what: &str) {
    let found = json!({ "status": said.get("status"), "response": said.get("response") });
    assert_eq!(found, *expected, "{what}: {said}");
}

fn text<'v>(said: &'v Value, name: &str) -> &'v str {
    said.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn only_navigations_are_redirected_to_sign_in() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let asked: Vec<Value> = READERS
            .iter()
            .map(|(method, headers, _)| request(method, "/a", headers, MINTED))
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((method, headers, navigates), said) in READERS.iter().zip(said) {
                let expected = if *navigates {
                    redirect(method, "/.tollgate/sign-in?to=/a")
                } else {
                    unauthorized(method)
                };
                let what = format!("{what}: {method} {headers:?}");
                // Where there is a page for 401, some of these clients receive it.
                if *navigates || site.name != "readers" {
                    assert_sent(said, &expected, &what);
                }
                assert_eq!(said.get("status"), expected.get("status"), "{what}");
                assert_eq!(
                    (text(said, "outcome"), text(said, "reason")),
                    ("deny", "no_token")
                );
            }
        })?;
    }
    Ok(())
}

#[test]
fn the_location_has_the_encoded_target() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let targets = targets();
        let asked: Vec<Value> = targets
            .iter()
            .map(|(target, _)| request("GET", target, NAVIGATES, MINTED))
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((target, encoded), said) in targets.iter().zip(said) {
                let location = format!("/.tollgate/sign-in?to={encoded}");
                assert_sent(
                    said,
                    &redirect("GET", &location),
                    &format!("{what}: {target}"),
                );
            }
        })?;
    }
    Ok(())
}

#[test]
fn other_denials_stay_as_they_are() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let bad = [NAVIGATES, &[("cookie", "__Host-tollgate=x")]].concat();
        let signed_in = [NAVIGATES, &[("cookie", session.as_str())]].concat();
        let shared = [
            ("origin", "https://app.test"),
            ("accept", "application/json"),
        ];
        let asked = [
            request("GET", "/a", &bad, MINTED),
            request("GET", "/a//b", NAVIGATES, MINTED),
            request("DELETE", "/a", &signed_in, MINTED),
            request("GET", "/a", &shared, MINTED),
            request("GET", "/a", &signed_in, MINTED),
            // Nothing is left of the session.
            request("GET", "/a", &signed_in, MINTED + LIFETIME),
        ];
        let expired = if site.name == "redirects" {
            "/expired"
        } else {
            "/.tollgate/sign-in?to=/a"
        };
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            let [bad, path, method, shared, allowed, ended] = said else {
                panic!("{what}: {said:?}");
            };
            assert_sent(bad, &redirect("GET", expired), what);
            assert_eq!(text(bad, "reason"), "bad_token", "{what}");
            let location = |said: &Value| said.pointer("/response/headers/location").cloned();
            assert_eq!(
                (text(path, "reason"), location(path)),
                ("bad_path", None),
                "{what}"
            );
            assert_eq!(
                (text(method, "reason"), location(method)),
                ("bad_method", None),
                "{what}"
            );
            let reader = shared.pointer("/response/headers/access-control-allow-origin");
            let expected = (site.name == "readers").then(|| json!("https://app.test"));
            assert_eq!(reader, expected.as_ref(), "{what}");
            let body = shared.pointer("/response/body").and_then(Value::as_str);
            assert!(
                body.is_some_and(|body| body.contains("\"sign_in\":")),
                "{what}: {shared}"
            );
            assert_eq!(text(allowed, "outcome"), "allow", "{what}: {allowed}");
            assert_sent(ended, &redirect("GET", expired), what);
        })?;
    }
    Ok(())
}

#[test]
fn the_endpoints_are_another_edges() -> Result<()> {
    let table: &[(&str, &str, bool)] = &[
        ("GET", "/.tollgate", true),
        ("GET", "/.tollgate/", true),
        ("GET", "/.tollgate/sign-in?to=/a", true),
        ("GET", "/.tollgate/callback?code=x", true),
        ("POST", "/.tollgate/session", true),
        ("GET", "/.tollgate/a/b", true),
        ("GET", "/.tollgatex", false),
        ("GET", "/x/.tollgate/sign-in", false),
        ("GET", "/.tollgat", false),
        ("GET", "/.Tollgate/sign-in", false),
    ];
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let cookie: Headers<'_> = &[("cookie", &session)];
        let mut asked = Vec::new();
        for (method, target, _) in table {
            asked.push(request(method, target, cookie, MINTED));
            asked.push(request(method, target, &[], MINTED));
        }
        site.each(&mut node, &asked, &|what, said| {
            for ((method, target, is_endpoint), said) in table.iter().zip(said.chunks(2)) {
                let found: Vec<_> = said
                    .iter()
                    .map(|said| {
                        [
                            text(said, "outcome"),
                            text(said, "reason"),
                            text(said, "detail"),
                        ]
                    })
                    .collect();
                let expected = if *is_endpoint {
                    [["deny", "forbidden", "no_endpoint"]; 2]
                } else {
                    [["allow", "allow", ""], ["deny", "no_token", ""]]
                };
                assert_eq!(found, expected, "{what}: {method} {target}: {said:?}");
            }
        })?;
    }
    Ok(())
}

#[test]
fn a_session_that_ends_soon_is_refreshed() -> Result<()> {
    let renew = |time: i64| format!("__Host-tollgate-renew={time}");
    let none = String::new();
    // The time, the method, whether the browser navigates, the other cookie, and whether it is redirected.
    let table: &[(i64, &str, bool, String, bool)] = &[
        (LATE, "GET", true, renew(LATE), true),
        (LATE, "HEAD", true, renew(MINTED), true),
        (MINTED + LIFETIME - 1, "GET", true, renew(0), true),
        // Exactly a fifth is left.
        (LATE - 1, "GET", true, renew(MINTED), false),
        (MINTED, "GET", true, renew(MINTED), false),
        (LATE, "GET", false, renew(MINTED), false),
        (LATE, "POST", true, renew(MINTED), false),
        // Not yet, or not a time.
        (LATE, "GET", true, renew(LATE + 1), false),
        (LATE, "GET", true, none, false),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=x".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=-1".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=1e3".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=0x1".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=1.5".to_owned(),
            false,
        ),
        (LATE, "GET", true, "tollgate-renew=1".to_owned(), false),
    ];
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let asked: Vec<Value> = table
            .iter()
            .map(|(now, method, navigates, other, _)| {
                let cookie = format!("{session}; {other}");
                let mut headers = vec![("cookie", cookie.as_str())];
                headers.extend(NAVIGATES.iter().filter(|_| *navigates));
                request(method, "/a?b=c", &headers, *now)
            })
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((now, method, navigates, other, is_refreshed), said) in table.iter().zip(said) {
                let what = format!("{what}: {now} {method} {navigates} {other}");
                let found = [
                    text(said, "outcome"),
                    text(said, "reason"),
                    text(said, "detail"),
                ];
                if *is_refreshed {
                    assert_eq!(said.get("status"), Some(&json!(302)), "{what}: {said}");
                    let sent = json!({
                        "headers": {
                            "cache-control": "no-store",
                            "location": "/.tollgate/refresh?to=/a%3Fb%3Dc",
                            "referrer-policy": "no-referrer",
                            "x-content-type-options": "nosniff",
                        },
                        "body": "",
                    });
                    assert_eq!(said.get("response"), Some(&sent), "{what}: {said}");
                    assert_eq!(found, ["serve", "allow", "refresh_due"], "{what}: {said}");
                } else {
                    assert_eq!(found, ["allow", "allow", ""], "{what}: {said}");
                }
            }
        })?;
    }
    Ok(())
}

#[test]
fn the_first_of_two_sessions_decides_about_the_refresh() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let (old, new) = (site.session(MINTED)?, site.session(MINTED + 500)?);
        ensure!(old != new, "the sessions are equal");
        let ask = |first: &str, second: &str| {
            let cookie = format!("{first}; {second}; __Host-tollgate-renew=1");
            let headers = [NAVIGATES, &[("cookie", cookie.as_str())]].concat();
            request("GET", "/a", &headers, LATE)
        };
        let asked = [ask(&old, &new), ask(&new, &old)];
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            let found: Vec<_> = said.iter().map(|said| text(said, "outcome")).collect();
            assert_eq!(found, ["serve", "allow"], "{what}: {said:?}");
        })?;
    }
    Ok(())
}
