//! `authz` as the proxy in front of an upstream.

use std::io::{Read, Write};

use tollgate_server::{Origin, UpstreamOptions};

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

#[test]
fn a_body_that_the_upstream_may_ignore_is_not_its_next_request() {
    for (method, connection) in [("GET", true), ("POST", false)] {
        let (mut options, lines) = options();
        let (origin, got) = recorder_with(OK, true);
        options.upstream = Some(origin);
        let side = Side::start_with("", options, lines);
        let request = format!(
            "{method} /public/a HTTP/1.1\r\nconnection: close\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello"
        );
        assert_eq!(side.send(&request).status(), 200, "{method}");
        let sent = got.recv().unwrap().to_ascii_lowercase();
        assert_eq!(sent.contains("connection: close\r\n"), connection, "{sent}");
    }
}

#[test]
fn headers_that_only_proxies_write_do_not_reach_it() {
    let (mut options, lines) = options();
    let (origin, got) = recorder_with(OK, true);
    options.upstream = Some(origin);
    let side = Side::start_with("", options, lines);
    let names = "x_forwarded_for x-forwarded-ssl x-original-uri x-replaced-path x-envoy-original-path true_client_ip";
    let forged: String = names
        .split(' ')
        .map(|name| format!("{name}: forged\r\n"))
        .collect();
    assert_eq!(
        side.ask(
            "/public/a",
            &format!("host: a\r\n{forged}connection: host\r\n")
        )
        .status(),
        200
    );
    let sent = got.recv().unwrap().to_ascii_lowercase();
    assert!(
        !sent.contains("forged") && sent.contains("\r\nhost: a\r\n"),
        "{sent}"
    );
}

#[test]
fn a_client_that_leaves_is_recorded() {
    let (mut options, lines) = options();
    // Accepts connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    options.upstream = Some(Origin::upstream(&url, UpstreamOptions::default()).unwrap());
    let side = Side::start_with("", options, lines);
    let mut stream = std::net::TcpStream::connect(side.running.addr()).unwrap();
    stream
        .write_all(b"GET /public/a HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let _connection = silent.accept().unwrap();
    drop(stream);
    let began = std::time::Instant::now();
    while side.lines.lock().unwrap().is_empty() {
        assert!(began.elapsed() < core::time::Duration::from_secs(20));
        std::thread::sleep(core::time::Duration::from_millis(2));
    }
    assert_eq!(side.take_lines(), ["http 499 allow"]);
}

#[test]
fn a_request_over_http_2_has_the_host_that_its_client_named() {
    use http_body_util::Empty;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    let (mut options, lines) = options();
    let (origin, got) = recorder_with(OK, true);
    options.upstream = Some(origin);
    let side = Side::start_with("", options, lines);
    let addr = side.running.addr();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let status = runtime.block_on(async {
        let client: Client<_, Empty<hyper::body::Bytes>> = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let uri = format!("http://{addr}/public/a?b").parse().unwrap();
        client.get(uri).await.unwrap().status()
    });
    assert_eq!(status, 200);
    let sent = got.recv().unwrap().to_ascii_lowercase();
    assert!(sent.starts_with("get /public/a?b http/1.1\r\n"), "{sent}");
    for line in ["host", "x-forwarded-host"] {
        let line = format!("\r\n{line}: {addr}\r\n");
        assert_eq!(sent.matches(&line).count(), 1, "{line}: {sent}");
    }
}

#[test]
fn an_upload_may_take_longer_than_the_upstream_may_wait() {
    let (mut options, lines) = options();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = UpstreamOptions {
        answer_timeout: core::time::Duration::from_millis(50),
        ..UpstreamOptions::default()
    };
    options.upstream = Some(Origin::upstream(&url, limits).unwrap());
    let side = Side::start_with("", options, lines);
    let origin = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        let mut chunk = [0; 1_024];
        while !got.ends_with(b"second") {
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the upload was cut");
            got.extend_from_slice(&chunk[..count]);
        }
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let mut stream = std::net::TcpStream::connect(side.running.addr()).unwrap();
    stream
        .write_all(
            b"POST /public/a HTTP/1.1\r\nconnection: close\r\ncontent-length: 11\r\n\r\nfirst",
        )
        .unwrap();
    std::thread::sleep(core::time::Duration::from_millis(400));
    stream.write_all(b"second").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    origin.join().unwrap();
}
