//! The server in front of another server, which records the requests that it receives.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use tollgate_server::{Caching, Options, Origin, UpstreamOptions};

use crate::support::{Answer, NOW, Server, token};

/// A server that sends `answer` to every request, closes the connection, and reports the request.
pub(crate) fn recorder(answer: &'static str) -> (Origin, Receiver<String>) {
    recorder_with(answer, false)
}

/// The same; it receives the client's `Host` if it `keeps_host`.
pub(crate) fn recorder_with(answer: &'static str, keeps_host: bool) -> (Origin, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = UpstreamOptions {
        keeps_host,
        ..UpstreamOptions::default()
    };
    let origin = Origin::upstream(&url, options).unwrap();
    let (got, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !is_whole(&request) {
                let count = stream.read(&mut chunk).unwrap();
                if count == 0 {
                    break;
                }
                request.extend_from_slice(&chunk[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            if got
                .send(String::from_utf8_lossy(&request).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    (origin, receiver)
}

/// Whether the bytes are a complete request: its head, and its body if its length is declared.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

#[test]
fn an_allowed_request_is_forwarded_and_its_response_returned() {
    let (origin, got) = recorder(
        "HTTP/1.1 203 Fine\r\ncontent-length: 5\r\nx-origin: yes\r\nkeep-alive: 1\r\nconnection: close\r\n\r\nhello",
    );
    let server = Server::start(origin, Options::default());
    let answer = server.get(
        "GET",
        "/public/%C3%A9/a%20b?x=%2F..&y",
        "x-a: 1\r\nte: trailers\r\nx-forwarded-for: 10.0.0.1\r\n",
    );
    assert_eq!((answer.status(), answer.body()), (203, "hello"));
    assert_eq!(answer.header("x-origin"), Some("yes"));
    assert_eq!(answer.header("keep-alive"), None);
    let request = got.recv().unwrap();
    assert!(
        request.starts_with("GET /public/%C3%A9/a%20b?x=%2F..&y HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("x-a: 1\r\n"), "{request}");
    assert!(!request.contains("te: "), "{request}");
    assert!(
        request.contains("x-forwarded-for: 127.0.0.1\r\n"),
        "{request}"
    );
    assert!(!request.contains("10.0.0.1"), "{request}");
    assert!(!request.contains("host: x\r\n"), "{request}");
    assert!(request.contains("host: 127.0.0.1:"), "{request}");
    assert_eq!(server.take_log(), ["203 allow"]);
}

#[test]
fn the_token_is_not_forwarded_if_configured() {
    let (origin, got) =
        recorder("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let server = Server::start(origin, Options::default());
    let token = token("students", NOW + 60);
    let target = format!("/courses/a?page=2&token={token}");
    assert_eq!(
        server
            .get("GET", "/courses/a?page=2", "cookie: a=b; id_token=x\r\n")
            .status(),
        401
    );
    // A second, invalid token changes nothing and is not forwarded either.
    let answer = server.get("GET", &target, "cookie: a=b; id_token=x\r\n");
    assert_eq!(answer.status(), 200);
    let request = got.recv().unwrap();
    assert!(
        request.starts_with("GET /courses/a?page=2 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("cookie: a=b\r\n"), "{request}");
    assert!(!request.contains(&token), "{request}");
}

#[test]
fn headers_that_override_a_request_are_not_forwarded() {
    let (origin, got) =
        recorder("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let (proxied, got_proxied) =
        recorder("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let never = "X-Original-URL: /courses/a\r\nx_rewrite_url: /courses/a\r\nX-HTTP-Method-Override: DELETE\r\n\
                 x.method-override: DELETE\r\nX-HTTP-Method: DELETE\r\nx-tollgate-subject: root\r\n\
                 X_Tollgate_Groups: staff\r\n";
    let of_proxies = "forwarded: for=10.0.0.1\r\nx-real-ip: 10.0.0.1\r\nx-forwarded-host: evil\r\n\
                      x-forwarded-prefix: /evil\r\nx-forwarded-proto: https\r\n";
    let headers = format!("{never}{of_proxies}x-a: 1\r\n");
    let names = |request: &str| {
        let lines = request
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let mut names: Vec<_> = lines.map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let server = Server::start(origin, Options::default());
    assert_eq!(server.get("GET", "/public/a", &headers).status(), 200);
    assert_eq!(names(&got.recv().unwrap()), "host x-a x-forwarded-for");
    // The headers of a trusted proxy are forwarded.
    let options = Options {
        trust_forwarded_for: true,
        ..Options::default()
    };
    let server = Server::start(proxied, options);
    assert_eq!(server.get("GET", "/public/a", &headers).status(), 200);
    assert_eq!(
        names(&got_proxied.recv().unwrap()),
        "forwarded host x-a x-forwarded-for x-forwarded-host x-forwarded-prefix x-forwarded-proto x-real-ip"
    );
}

#[test]
fn a_response_that_required_a_token_stays_out_of_shared_caches() {
    const PUBLIC: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncache-control: public\r\n\
                          cache-control: max-age=600\r\ncdn-cache-control: max-age=600\r\n\
                          connection: close\r\n\r\n";
    const SILENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let bearer = format!("authorization: Bearer {}\r\n", token("students", NOW + 60));
    let (kept, gone) = (Some("max-age=600"), None);
    let table = [
        (
            PUBLIC,
            Caching::Private,
            "/courses/a",
            Some("private, max-age=600"),
            gone,
        ),
        (
            SILENT,
            Caching::Private,
            "/courses/a",
            Some("private"),
            gone,
        ),
        (PUBLIC, Caching::Origin, "/courses/a", Some("public"), kept),
        (SILENT, Caching::Origin, "/courses/a", None, gone),
        // Any client may receive it, so it does not belong to a single user.
        (PUBLIC, Caching::Private, "/public/a", Some("public"), kept),
    ];
    for (response, caching, target, expect, cdn) in table {
        let (origin, _got) = recorder(response);
        let options = Options {
            caching,
            ..Options::default()
        };
        let answer = Server::start(origin, options).get("GET", target, &bearer);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("cache-control"), expect, "{target}");
        assert_eq!(answer.header("cdn-cache-control"), cdn, "{target}");
    }
}

#[test]
fn only_a_websocket_changes_the_protocol_of_a_connection() {
    for protocol in ["h2c", "TLS/1.0", "websocket, h2c"] {
        let (origin, got) =
            recorder("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let server = Server::start(origin, Options::default());
        let request = format!(
            "GET /public/a HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: {protocol}\r\n\r\n"
        );
        assert_eq!(Answer(server.send(request)).status(), 200);
        assert!(!got.recv().unwrap().to_ascii_lowercase().contains("upgrade"));
    }
}

const WEBSOCKET: &str = "connection: x-tollgate-rule, Upgrade\r\nupgrade: WebSocket\r\n\
                         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_websocket_is_joined_to_the_upstream() {
    // The last bytes are the first frame of the upstream.
    let (origin, got) = recorder(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframe",
    );
    let server = Server::start(origin, Options::default());
    let answer = Answer(server.send(format!("GET /public/a HTTP/1.1\r\nhost: x\r\n{WEBSOCKET}")));
    assert_eq!((answer.status(), answer.body()), (101, "frame"));
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    let sent = got.recv().unwrap().to_ascii_lowercase();
    assert!(sent.contains("connection: upgrade\r\n") && sent.contains("sec-websocket-key"));
    assert_eq!(server.take_log(), ["101 allow"]);
}

#[test]
fn a_denied_websocket_never_reaches_the_upstream() {
    let (origin, got) = recorder("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    let server = Server::start(origin, Options::default());
    let answer = Answer(server.send(format!("GET /courses/a HTTP/1.1\r\nhost: x\r\n{WEBSOCKET}")));
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.header("connection"), Some("close"));
    drop(server);
    assert!(got.try_recv().is_err());
}

#[test]
fn a_denied_request_never_reaches_it() {
    let (origin, got) =
        recorder("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let server = Server::start(origin, Options::default());
    assert_eq!(server.get("GET", "/courses/a", "").status(), 401);
    assert_eq!(server.get("GET", "/public/../courses/a", "").status(), 400);
    drop(server);
    assert!(got.try_recv().is_err());
}

#[test]
fn bodies_are_forwarded_within_limits() {
    let (origin, got) =
        recorder("HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let server = Server::start(origin, Options::default());
    let answer =
        server.send("POST /public/a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(Answer(answer).status(), 201);
    assert!(got.recv().unwrap().ends_with("\r\n\r\nhello"));
    let huge = "POST /public/a HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(Answer(server.send(huge)).status(), 413);
}

#[test]
fn an_unreachable_upstream_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::start(
        Origin::upstream(&url, UpstreamOptions::default()).unwrap(),
        Options::default(),
    );
    assert_eq!(server.get("GET", "/public/a", "").status(), 502);
    assert_eq!(server.take_log(), ["502 allow"]);
}
