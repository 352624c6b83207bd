//! What every proxy over HTTP gets.

use core::time::Duration;

use tollgate_crypto::Native;
use tollgate_token::{Jwk, jws};

use super::support::{Side, options};
use crate::support::{Answer, NOW, token, try_send_to};

/// The request lines of each dialect for a method and a target.
fn question(dialect: &str, method: &str, target: &str) -> (String, String) {
    match dialect {
        "nginx" | "haproxy" => (
            format!("GET /auth/{dialect}"),
            format!(
                "host: a.example\r\nx-original-uri: {target}\r\nx-original-method: {method}\r\n"
            ),
        ),
        "ingress-nginx" => (
            format!("GET /auth/{dialect}"),
            format!(
                "host: authz\r\nx-original-url: http://a.example{target}\r\nx-original-method: {method}\r\n"
            ),
        ),
        "forward" => (
            format!("GET /auth/{dialect}"),
            format!(
                "host: authz\r\nx-forwarded-method: {method}\r\nx-forwarded-proto: https\r\nx-forwarded-host: a.example\r\n\
                 x-forwarded-uri: {target}\r\nx-forwarded-for: 203.0.113.7\r\n"
            ),
        ),
        _ => (
            format!("{method} /auth/envoy{target}"),
            "host: a.example\r\n".to_owned(),
        ),
    }
}

const DIALECTS: [&str; 5] = ["nginx", "haproxy", "ingress-nginx", "forward", "envoy"];

impl Side {
    fn decide(&self, dialect: &str, method: &str, target: &str, headers: &str) -> Answer {
        let (line, own) = question(dialect, method, target);
        self.send(&format!(
            "{line} HTTP/1.1\r\nconnection: close\r\n{own}{headers}\r\n"
        ))
    }
}

#[test]
fn an_allowed_request_is_answered_with_everything_that_the_origin_gets() {
    let side = Side::start("");
    let token = token("students", NOW + 60);
    let cookie = format!("cookie: a=1; id_token={token}; b=2\r\n");
    for dialect in DIALECTS {
        let answer = side.decide(dialect, "GET", "/courses/a%20b?token=x&c=1", &cookie);
        assert_eq!((answer.status(), answer.body()), (200, ""), "{dialect}");
        for (name, value) in [
            ("cookie", Some("a=1; b=2")),
            ("authorization", None),
            ("x-tollgate-target", Some("/courses/a%20b?c=1")),
            ("x-tollgate-cache", Some("private")),
            ("x-tollgate-subject", Some("")),
            ("x-tollgate-groups", Some("students")),
            ("x-tollgate-issuer", Some("learners")),
            ("x-tollgate-rule", Some("site/students")),
        ] {
            assert_eq!(answer.header(name), value, "{dialect} {name}");
        }
        let assertion = answer.header("x-tollgate-assertion").unwrap();
        let keys = side.ask("/assertion-keys", "");
        let keys: serde_json::Value = serde_json::from_str(keys.body()).unwrap();
        let key = Jwk::parse(keys["keys"][0].to_string().as_bytes()).unwrap();
        let payload = jws::verify(assertion.as_bytes(), &key, None, 4_096, &Native).unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let expected = serde_json::json!({
            "iss": "tollgate:local-edge-tests", "iat": NOW, "exp": NOW + 30, "method": "GET",
            "target": "/courses/a%20b?c=1", "sub": "", "groups": ["students"], "issuer": "learners",
            "rule": "site/students",
        });
        assert_eq!(payload, expected, "{dialect}");
    }
}

#[test]
fn an_anonymous_client_has_an_empty_identity() {
    let side = Side::start("");
    for dialect in DIALECTS {
        let forged = "x-tollgate-subject: admin\r\nx-tollgate-assertion: e30\r\n";
        let answer = side.decide(dialect, "GET", "/public/a", forged);
        assert_eq!(answer.status(), 200, "{dialect}");
        for name in ["subject", "groups", "issuer"] {
            let name = format!("x-tollgate-{name}");
            assert_eq!(answer.header(&name), Some(""), "{dialect} {name}");
            assert_eq!(answer.0.matches(&*name).count(), 1, "{dialect} {name}");
        }
        assert_eq!(answer.header("x-tollgate-cache"), Some("keep"));
    }
}

/// Method, target, and the statuses: for nginx, and for the other dialects.
const DENIALS: [(&str, &str, u16, u16); 4] = [
    ("GET", "/courses/a", 401, 401),
    ("GET", "/public/../courses/a", 403, 400),
    ("DELETE", "/public/a", 403, 405),
    ("GET", "/nothing", 403, 403),
];

#[test]
fn a_denied_request_gets_the_response_of_the_gate() {
    let side = Side::start("");
    for dialect in DIALECTS {
        let of_nginx = dialect.ends_with("nginx");
        for (method, target, nginx, gate) in DENIALS {
            let expected = if of_nginx { nginx } else { gate };
            let answer = side.decide(dialect, method, target, "");
            assert_eq!(answer.status(), expected, "{dialect} {method} {target}");
            let challenge = answer.header("www-authenticate").is_some();
            assert_eq!(challenge, expected == 401, "{dialect} {method} {target}");
        }
    }
    let lines = side.take_lines();
    assert_eq!(lines.len(), DIALECTS.len() * DENIALS.len());
    assert_eq!(lines.last().unwrap(), "envoy 403 forbidden");
}

#[test]
fn behind_nginx_the_complete_response_follows() {
    let side = Side::start("[deny.pages]\n");
    for (method, target, _, gate) in DENIALS {
        let (_, own) = question("nginx", method, target);
        let denied = side.ask("/auth/nginx/denied", &own);
        assert_eq!(denied.status(), gate, "{target}");
        assert_eq!(denied.header("cache-control"), Some("no-store"));
        // nginx adds that of the decision.
        assert_eq!(denied.header("www-authenticate"), None);
        assert!(side.take_lines().is_empty(), "it is not recorded twice");
        let answer = side.ask("/auth/nginx/answer", &own);
        assert_eq!(answer.status(), gate, "{target}");
        assert_eq!(side.take_lines().len(), 1);
    }
    let (_, own) = question("nginx", "GET", "/public/a");
    for endpoint in ["denied", "answer"] {
        let answer = side.ask(&format!("/auth/nginx/{endpoint}"), &own);
        assert_eq!(answer.status(), 503, "{endpoint}");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[test]
fn a_question_that_no_configured_proxy_sends_is_rejected() {
    let side = Side::start("");
    let good = "x-original-uri: /public/a\r\nx-original-method: GET\r\n";
    for (endpoint, lines, code) in [
        ("nginx", String::new(), "missing_header"),
        (
            "nginx",
            format!("{good}x-original-uri: /courses/a\r\n"),
            "header_twice",
        ),
        (
            "nginx",
            format!("{good}X-Forwarded-Uri: /courses/a\r\n"),
            "other_dialect",
        ),
        (
            "nginx",
            format!("{good}X_Original_URI: /courses/a\r\n"),
            "header_alias",
        ),
        (
            "haproxy",
            format!("{good}X.Tollgate.Subject: root\r\n"),
            "header_alias",
        ),
        ("forward", good.to_owned(), "other_dialect"),
    ] {
        let answer = side.ask(&format!("/auth/{endpoint}"), &lines);
        assert_eq!(answer.status(), 400, "{lines}");
        assert!(
            answer.body().contains(&format!("\"error\":\"{code}\"")),
            "{}",
            answer.0
        );
    }
    for target in [
        "/auth/nginx2",
        "/auth/envoy",
        "/auth/",
        "/auth/forward/denied",
        "/",
    ] {
        assert_eq!(side.ask(target, good).status(), 404, "{target}");
    }
    // The query of an endpoint says nothing, unless the target follows the name.
    assert_eq!(side.ask("/auth/nginx?", good).status(), 200);
    assert_eq!(side.ask("/auth/nginx/answer?a=/b", good).status(), 503);
    let envoy = side.ask("/auth/envoy/public/a?", "");
    assert_eq!(envoy.header("x-tollgate-target"), Some("/public/a?"));
    side.take_lines();
    let metrics = side.ask("/metrics", "");
    assert!(
        metrics.body().contains("code=\"header_alias\"} 1"),
        "{}",
        metrics.0
    );
    // One line for each kind.
    assert!(side.take_lines().is_empty());
}

#[test]
fn networks_match_the_address_that_the_proxy_names() {
    let side = Side::start("");
    let nginx = "x-original-uri: /office/a\r\nx-original-method: GET\r\n";
    let forward = "x-forwarded-uri: /office/a\r\nx-forwarded-method: GET\r\n";
    for (dialect, own, status) in [
        ("nginx", format!("{nginx}x-real-ip: 203.0.113.9\r\n"), 200),
        ("nginx", format!("{nginx}x-real-ip: 192.0.2.9\r\n"), 403),
        ("nginx", nginx.to_owned(), 403),
        (
            "forward",
            format!("{forward}x-forwarded-for: 203.0.113.9\r\n"),
            200,
        ),
        // The client wrote the first entry.
        (
            "forward",
            format!("{forward}x-forwarded-for: 203.0.113.9, 192.0.2.9\r\n"),
            403,
        ),
        (
            "forward",
            format!("{forward}x-forwarded-for: unknown\r\n"),
            403,
        ),
    ] {
        let answer = side.ask(&format!("/auth/{dialect}"), &own);
        assert_eq!(answer.status(), status, "{own}");
    }
}

#[test]
fn strangers_are_refused() {
    let (mut options, lines) = options();
    options.peers = "10.0.0.0/8 ::1"
        .split(' ')
        .map(|peer| peer.parse().unwrap())
        .fold(
            tollgate_server::PeerNetworks::default(),
            |list, peer: tollgate_server::PeerNetworks| [list, peer].into_iter().collect(),
        );
    let side = Side::start_with("", options, lines);
    for target in ["/auth/nginx", "/healthz", "/metrics", "/assertion-keys"] {
        let answer = side.ask(target, "");
        // The code of the log, and nothing about the list.
        let code = "{\"error\":\"stranger\"}\n";
        assert_eq!((answer.status(), answer.body()), (403, code), "{target}");
    }
    assert_eq!(side.take_lines(), ["Stranger(127.0.0.1)"]);
    // Those that only connect and wait are cut off; once they leave, others are told again.
    let held: Vec<_> = (0..200)
        .map(|_| std::net::TcpStream::connect(side.running.addr()).unwrap())
        .collect();
    drop(held);
    let is_told = || {
        std::thread::sleep(Duration::from_millis(10));
        let answer = try_send_to(
            side.running.addr(),
            "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        );
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 403 "))
    };
    assert!((0..1_000).any(|_| is_told()));
}

#[test]
fn a_response_of_the_gate_with_status_2xx_is_not_taken_for_an_allowed_request() {
    // A preflight that the gate answers itself.
    let side = Side::start("[deny]\ncors = [\"https://app.example\"]\n");
    let preflight = "origin: https://app.example\r\naccess-control-request-method: GET\r\n";
    for (dialect, status) in [
        ("nginx", 403),
        ("ingress-nginx", 403),
        ("haproxy", 403),
        ("forward", 403),
        ("envoy", 403),
    ] {
        let answer = side.decide(dialect, "OPTIONS", "/courses/a", preflight);
        assert_eq!(answer.status(), status, "{dialect}");
        assert_eq!(answer.header("x-tollgate-target"), None);
    }
    for (endpoint, dialect) in [
        ("haproxy/checked", "haproxy"),
        ("forward/checked", "forward"),
        ("nginx/answer", "nginx"),
        ("nginx/denied", "nginx"),
        ("ingress-nginx/denied", "ingress-nginx"),
    ] {
        let (_, own) = question(dialect, "OPTIONS", "/courses/a");
        let answer = side.ask(&format!("/auth/{endpoint}"), &format!("{own}{preflight}"));
        assert_eq!(answer.status(), 204, "{endpoint}");
        assert!(answer.header("access-control-allow-origin").is_some());
        assert_eq!(answer.header("x-tollgate-target"), None);
    }
    let answer = side.send(&format!(
        "OPTIONS /auth/answer/courses/a HTTP/1.1\r\nconnection: close\r\nhost: a.example\r\n{preflight}\r\n"
    ));
    assert_eq!(answer.status(), 204);
    assert_eq!(
        side.ask("/auth/answer/public/a", "").status(),
        503,
        "it is allowed now"
    );
    assert_eq!(side.ask("/auth/nginx/checked", "").status(), 404);
    assert_eq!(side.ask("/auth/forward/denied", "").status(), 404);
}
