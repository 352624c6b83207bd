//! Viewers with a number: let in where the whole request would be, and never otherwise.

use tollgate_core::UnixSeconds;
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_gate::{Context, Gate, Request, TokenCache, Viewers};

use super::site::{NOW, Provider, config, everything, gate, image, token};
use super::told;

const OPEN: &str = "/courses/rust-101/a";

/// A gate with what it remembers.
struct Site {
    gate: Gate<Vec<u8>>,
    tokens: TokenCache,
    viewers: Viewers,
}

impl Site {
    fn new(config: &GateConfig, seats: usize) -> Self {
        Self {
            gate: Gate::new(image(config), &Provider).expect("a good image"),
            tokens: TokenCache::new(64),
            viewers: Viewers::new(seats),
        }
    }

    /// Asks in full; the viewer's number.
    fn seat(&mut self, method: &str, target: &str, headers: &[(&str, &[u8])]) -> Option<u32> {
        let request = request(method, target, headers, NOW);
        let mut context = Context::cached(&mut self.tokens).with_viewers(&mut self.viewers);
        let outcome = self.gate.ask(&request, &mut context);
        let seat = context.seat();
        assert_eq!(
            told(&outcome),
            told(&self.gate.ask(&request, &mut Context::new())),
            "{target}"
        );
        assert!(seat.is_none() || outcome.status == 200, "{target}");
        seat.map(|seat| seat.viewer)
    }

    fn admits(&mut self, viewer: u32, method: &str, target: &str, now: i64) -> bool {
        let request = request(method, target, &[], now);
        let rule = self.gate.admit(&mut self.viewers, viewer, &request);
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
    }
}

fn bearer() -> Vec<u8> {
    let claims = r#""cognito:groups":["rust-101"]"#;
    format!("Bearer {}", token(claims)).into_bytes()
}

#[test]
fn a_number_lets_in_where_the_whole_request_is_let_in() {
    let mut site = Site::new(&config(), 8);
    let bearer = bearer();
    let headers: &[(&str, &[u8])] = &[("authorization", &bearer)];
    let viewer = site.seat("GET", OPEN, headers).expect("a number");
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
                let admits = site.admits(viewer, method, target, now);
                let is_good = now < NOW + 600;
                assert_eq!(
                    admits,
                    is_good && whole.status == 200,
                    "{method} {target} {now}"
                );
                admitted += usize::from(admits);
                let asked = request(method, target, &[], now);
                let rule = site.gate.admit(&mut site.viewers, viewer, &asked);
                let record = rule.and_then(|admitted| site.gate.record(&asked, admitted.rule, 0));
                assert!(record.is_none_or(|record| record == whole.log), "{target}");
            }
        }
    }
    assert!(admitted > 20, "{admitted} were admitted");
}

#[test]
fn numbers_that_were_never_given_or_are_old_are_no_answer() {
    let mut site = Site::new(&config(), 4);
    let bearer = bearer();
    let seat = |site: &mut Site| site.seat("GET", OPEN, &[("authorization", &bearer)]);
    let numbers: Vec<u32> = (0..6).filter_map(|_| seat(&mut site)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for number in [0, 1, 2, 7, 8, u32::MAX] {
        assert!(!site.admits(number, "GET", OPEN, NOW), "{number}");
    }
    for number in 3..=6 {
        assert!(site.admits(number, "GET", OPEN, NOW), "{number}");
    }
    let mut none = Site::new(&config(), 0);
    assert_eq!(seat(&mut none), None);
    assert!(!none.admits(1, "GET", OPEN, NOW));
    // Another gate's numbers.
    let other = gate();
    let asked = request("GET", OPEN, &[], NOW);
    assert_eq!(other.admit(&mut site.viewers, 6, &asked), None);
    assert!(site.admits(6, "GET", OPEN, NOW));
}

#[test]
fn only_a_token_that_let_in_and_stands_in_a_header_gets_a_number() {
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
            site.seat("GET", target, headers).is_some(),
            *has_number,
            "{target}"
        );
    }
    // Whose query cannot hold a token may have one.
    let mut config = config();
    config
        .sources
        .retain(|source| !matches!(source, TokenSource::Query(_)));
    let mut site = Site::new(&config, 8);
    let viewer = site.seat(
        "GET",
        "/courses/rust-101/a?b",
        &[("authorization", &bearer)],
    );
    let viewer = viewer.expect("a number");
    assert!(site.admits(viewer, "GET", "/courses/rust-101/c?d", NOW));
    assert!(!site.admits(viewer, "GET", "/courses/rust-101/c?d e", NOW));
}

#[test]
fn sign_in_tokens_of_a_site_with_sessions_are_asked_in_full() {
    let mut site = Site::new(&everything(), 8);
    let bearer = bearer();
    assert_eq!(site.seat("GET", OPEN, &[("authorization", &bearer)]), None);
}

#[test]
fn what_changes_an_answer_is_watched() {
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
    assert!(watched.iter().all(|name| gate.watches(name)));
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
    assert!(!others.iter().any(|name| gate.watches(name)));
}
