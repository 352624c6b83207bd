//! `authz` as the proxy in front of an upstream.

use super::support::{Side, options};
use crate::support::{NOW, token};
use crate::upstream::recorder_with;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

#[test]
fn the_upstream_receives_the_identity_and_the_clients_host() {
    let (mut options, lines) = options();
    let (origin, got) = recorder_with(OK, true);
    options.upstream = Some(origin);
    let side = Side::start_with("", options, lines);
    let authorization = format!("authorization: Bearer {}\r\n", token("students", NOW + 60));
    let forged = "host: a.example\r\nx-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: gopher\r\n\
                  connection: x-tollgate-groups\r\nx-tollgate-subject: root\r\nx-tollgate-assertion: e30\r\n";
    let answer = side.ask("/courses/a%20b", &format!("{forged}{authorization}"));
    assert_eq!((answer.status(), answer.body()), (200, "ok"));
    assert_eq!(answer.header("cache-control"), Some("private"));
    let sent = got.recv().unwrap().to_ascii_lowercase();
    assert!(
        sent.starts_with("get /courses/a%20b http/1.1\r\n"),
        "{sent}"
    );
    for line in [
        "host: a.example",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: a.example",
        "x-forwarded-proto: http",
        "x-tollgate-groups: students",
        "x-tollgate-subject: ",
    ] {
        assert_eq!(
            sent.matches(&format!("\r\n{line}\r\n")).count(),
            1,
            "{line}: {sent}"
        );
    }
    assert_eq!(
        sent.matches("x-tollgate-assertion: eyj").count(),
        1,
        "{sent}"
    );
    assert!(
        !sent.contains("authorization") && !sent.contains("root"),
        "{sent}"
    );
    assert_eq!(side.take_lines(), ["http 200 allow"]);
}

#[test]
fn denied_requests_and_questions_of_proxies_never_reach_it() {
    let (mut options, lines) = options();
    let (origin, got) = recorder_with(OK, true);
    options.upstream = Some(origin);
    let side = Side::start_with("", options, lines);
    assert_eq!(side.ask("/courses/a", "").status(), 401);
    let own = "x-original-uri: /public/a\r\nx-original-method: GET\r\n";
    assert_eq!(side.ask("/auth/nginx", own).status(), 403);
    assert_eq!(side.ask("/metrics", "").status(), 403);
    assert_eq!(side.ask("/healthz", "").status(), 200);
    drop(side);
    assert!(got.try_recv().is_err());
}
