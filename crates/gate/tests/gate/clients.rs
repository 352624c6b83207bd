//! Client handles: they allow a request if the whole request is allowed, and never otherwise.

use tollgate_core::UnixSeconds;
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_gate::{ClientCache, Context, Gate, Request, TokenCache};

use super::site::{NOW, Provider, config, everything, gate, image, token};
use super::summary;

const OPEN: &str = "/courses/rust-101/a";

/// A gate with its caches.
struct Site {
    gate: Gate<Vec<u8>>,
    tokens: TokenCache,
    clients: ClientCache,
}

impl Site {
    fn new(config: &GateConfig, capacity: usize) -> Self {
        Self {
            gate: Gate::new(image(config), &Provider).expect("a valid image"),
            tokens: TokenCache::new(64),
            clients: ClientCache::new(capacity),
        }
    }

    /// Evaluates the whole request and returns the client's handle.
    fn handle(&mut self, method: &str, target: &str, headers: &[(&str, &[u8])]) -> Option<u32> {
        let request = request(method, target, headers, NOW);
        let mut context = Context::cached(&mut self.tokens).with_clients(&mut self.clients);
        let outcome = self.gate.ask(&request, &mut context);
        let handle = context.client_handle();
        assert_eq!(
            summary(&outcome),
            summary(&self.gate.ask(&request, &mut Context::new())),
            "{target}"
        );
        assert!(handle.is_none() || outcome.status == 200, "{target}");
        handle.map(|handle| handle.handle)
    }

    fn admits(&mut self, client: u32, method: &str, target: &str, now: i64) -> bool {
        let request = request(method, target, &[], now);
        let rule = self.gate.admit(&mut self.clients, client, &request);
        rule.is_some()
    }
}

fn request<'a>(
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a [u8])],
    now: i64,
) -> Request<'a> {
    Request {
        method,
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: UnixSeconds(now),
        entropy: None,
    }
}

fn bearer() -> Vec<u8> {
    let claims = r#""cognito:groups":["rust-101"]"#;
    format!("Bearer {}", token(claims)).into_bytes()
}

#[test]
fn a_handle_allows_exactly_what_the_whole_request_allows() {
    let mut site = Site::new(&config(), 8);
    let bearer = bearer();
    let headers: &[(&str, &[u8])] = &[("authorization", &bearer)];
    let client = site.handle("GET", OPEN, headers).expect("a number");
    let targets = [
        OPEN,
        "/courses/rust-101/b/c",
        "/courses/rust-101/preview/a",
        "/courses/rust-101/",
        "/courses/rust-101",
        "/courses/java-101/a",
        "/corp/a",
        "/contact",
        "/",
        "//",
        "",
        "/courses/rust-101/%2e%2e/a",
        "/courses/rust-101/a b",
        "/courses/rust-101/a#b",
    ];
    let mut admitted = 0;
    for target in targets {
        for method in ["GET", "HEAD", "POST", "PUT", "get", ""] {
            for now in [NOW - 1_000_000, NOW, NOW + 599, NOW + 600, NOW + 601] {
                let whole = site
                    .gate
                    .ask(&request(method, target, headers, now), &mut Context::new());
                let admits = site.admits(client, method, target, now);
                let is_valid = now < NOW + 600;
                assert_eq!(
                    admits,
                    is_valid && whole.status == 200,
                    "{method} {target} {now}"
                );
                admitted += usize::from(admits);
                let asked = request(method, target, &[], now);
                let rule = site.gate.admit(&mut site.clients, client, &asked);
                let record = rule.and_then(|admitted| site.gate.record(&asked, admitted.rule, 0));
                assert!(record.is_none_or(|record| record == whole.log), "{target}");
            }
        }
    }
    assert!(admitted > 20, "{admitted} were admitted");
}

#[test]
fn unknown_and_evicted_handles_decide_nothing() {
    let mut site = Site::new(&config(), 4);
    let bearer = bearer();
    let handle = |site: &mut Site| site.handle("GET", OPEN, &[("authorization", &bearer)]);
    let numbers: Vec<u32> = (0..6).filter_map(|_| handle(&mut site)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for number in [0, 1, 2, 7, 8, u32::MAX] {
        assert!(!site.admits(number, "GET", OPEN, NOW), "{number}");
    }
    for number in 3..=6 {
        assert!(site.admits(number, "GET", OPEN, NOW), "{number}");
    }
    let mut none = Site::new(&config(), 0);
    assert_eq!(handle(&mut none), None);
    assert!(!none.admits(1, "GET", OPEN, NOW));
    // The handles of another gate.
    let other = gate();
    let asked = request("GET", OPEN, &[], NOW);
    assert_eq!(other.admit(&mut site.clients, 6, &asked), None);
    assert!(site.admits(6, "GET", OPEN, NOW));
}

#[test]
fn only_an_allowed_request_with_its_token_in_a_header_gets_a_handle() {
    let mut site = Site::new(&config(), 8);
    let bearer = bearer();
    let text = String::from_utf8(bearer.clone()).expect("it is ASCII");
    let token = text.split(' ').nth(1).expect("a token");
    let in_query = format!("{OPEN}?token={token}");
    let cookie = format!("a=b; id_token={token}").into_bytes();
    type Headers<'a> = &'a [(&'a str, &'a [u8])];
    let table: &[(&str, Headers<'_>, bool)] = &[
        (OPEN, &[("authorization", &bearer)], true),
        (OPEN, &[("cookie", &cookie)], true),
        (OPEN, &[], false),
        (OPEN, &[("authorization", b"Bearer x")], false),
        ("/courses/rust-101/preview/a", &[], false),
        (
            "/courses/rust-101/preview/a",
            &[("authorization", b"Bearer x")],
            false,
        ),
        ("/courses/java-101/a", &[("authorization", &bearer)], false),
        (&in_query, &[], false),
        (&in_query, &[("authorization", &bearer)], false),
        (
            "/courses/rust-101/a?b",
            &[("authorization", &bearer)],
            false,
        ),
    ];
    for (target, headers, has_number) in table {
        assert_eq!(
            site.handle("GET", target, headers).is_some(),
            *has_number,
            "{target}"
        );
    }
    // Without a query source, a request with a query can get a handle.
    let mut config = config();
    config
        .sources
        .retain(|source| !matches!(source, TokenSource::Query(_)));
    let mut site = Site::new(&config, 8);
    let client = site.handle(
        "GET",
        "/courses/rust-101/a?b",
        &[("authorization", &bearer)],
    );
    let client = client.expect("a number");
    assert!(site.admits(client, "GET", "/courses/rust-101/c?d", NOW));
    assert!(!site.admits(client, "GET", "/courses/rust-101/c?d e", NOW));
}

#[test]
fn sign_in_tokens_of_a_site_with_sessions_get_no_handle() {
    let mut site = Site::new(&everything(), 8);
    let bearer = bearer();
    assert_eq!(
        site.handle("GET", OPEN, &[("authorization", &bearer)]),
        None
    );
}

#[test]
fn headers_that_can_change_an_outcome_are_watched() {
    let gate = gate();
    let watched = [
        "authorization",
        "Authorization",
        "cookie",
        "COOKIE",
        "x-tollgate-a",
        "X_Tollgate-",
        "X-Original-URL",
        "x_http.method-override",
    ];
    assert!(watched.iter().all(|name| gate.is_watched_header(name)));
    let others = [
        "host",
        "range",
        "authorization2",
        "x-tollgate",
        "x-original-uri",
        "",
        "cookie2",
        "über",
    ];
    assert!(!others.iter().any(|name| gate.is_watched_header(name)));
}
