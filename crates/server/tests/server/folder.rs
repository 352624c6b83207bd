//! The server in front of a directory.

use tollgate_server::{BindError, LocalEdge, Options, Origin};

use crate::support::{Answer, NOW, Scratch, Server, token};

/// Replaces the gate's own response texts, which this server does not define.
const GATES_OWN: &str = "…";

fn site(name: &str) -> (Scratch, Server) {
    let scratch = Scratch::new(name);
    scratch.file("secret.txt", "secret");
    scratch.file("site/public/a.txt", "0123456789");
    scratch.file("site/public/page.html", "<p>hello</p>");
    scratch.file("site/courses/lesson 1.txt", "lesson");
    scratch.file("site/office/plan.txt", "plan");
    let site = scratch.path().join("site");
    #[cfg(unix)]
    std::os::unix::fs::symlink(scratch.path().join("secret.txt"), site.join("public/link"))
        .unwrap();
    let server = Server::start(Origin::folder(&site).unwrap(), Options::default());
    (scratch, server)
}

#[test]
fn each_request_gets_a_response_and_one_log_entry() {
    let (_scratch, server) = site("folder");
    let student = format!("authorization: Bearer {}\r\n", token("students", NOW + 60));
    let cookie = format!("cookie: a=b; id_token={}\r\n", token("students", NOW + 60));
    let foreign = format!("authorization: Bearer {}\r\n", token("others", NOW + 60));
    let expired = format!("authorization: Bearer {}\r\n", token("students", NOW));
    let table: &[(&str, &str, &str, &str, &str)] = &[
        (
            "GET",
            "/courses/lesson%201.txt",
            &student,
            "200 allow",
            "lesson",
        ),
        (
            "GET",
            "/courses/lesson%201.txt?page=2",
            &cookie,
            "200 allow",
            "lesson",
        ),
        ("HEAD", "/courses/lesson%201.txt", &student, "200 allow", ""),
        (
            "GET",
            "/courses/lesson%201.txt",
            "",
            "401 no_token",
            GATES_OWN,
        ),
        (
            "GET",
            "/courses/lesson%201.txt",
            &expired,
            "401 bad_token",
            GATES_OWN,
        ),
        (
            "GET",
            "/courses/lesson%201.txt",
            &foreign,
            "403 forbidden",
            GATES_OWN,
        ),
        ("HEAD", "/courses/lesson%201.txt", "", "401 no_token", ""),
        (
            "GET",
            "/courses/missing.txt",
            &student,
            "404 allow",
            "Not Found\n",
        ),
        ("GET", "/public/a.txt", "", "200 allow", "0123456789"),
        (
            "GET",
            "/public/a.txt",
            "range: bytes=2-4\r\n",
            "206 allow",
            "234",
        ),
        (
            "GET",
            "/public/a.txt",
            "range: bytes=90-\r\n",
            "416 allow",
            "",
        ),
        ("GET", "/public/link", "", "404 allow", "Not Found\n"),
        ("GET", "/public/", "", "404 allow", "Not Found\n"),
        ("POST", "/public/a.txt", "", "405 allow", ""),
        ("DELETE", "/public/a.txt", "", "405 bad_method", GATES_OWN),
        ("GET", "/elsewhere", "", "403 forbidden", GATES_OWN),
        ("GET", "/office/plan.txt", "", "403 forbidden", GATES_OWN),
        // Only a trusted proxy can specify the client's address.
        (
            "GET",
            "/office/plan.txt",
            "x-forwarded-for: 203.0.113.7\r\n",
            "403 forbidden",
            GATES_OWN,
        ),
        // The target is evaluated as it was sent.
        (
            "GET",
            "/public/../secret.txt",
            "",
            "400 bad_path",
            GATES_OWN,
        ),
        (
            "GET",
            "/public/%2e%2e/secret.txt",
            "",
            "400 bad_path",
            GATES_OWN,
        ),
        (
            "GET",
            "/public/..%2fsecret.txt",
            "",
            "400 bad_path",
            GATES_OWN,
        ),
        ("GET", "/public/a.txt#x", "", "400 bad_path", GATES_OWN),
        ("GET", "/public\\a.txt", "", "400 bad_path", GATES_OWN),
        ("GET", "//public/a.txt", "", "400 bad_path", GATES_OWN),
        (
            "GET",
            "http://x/public/a.txt",
            "",
            "400 bad_path",
            GATES_OWN,
        ),
        ("OPTIONS", "*", "", "400 bad_path", GATES_OWN),
    ];
    for (method, target, headers, expected, body) in table {
        let answer = server.get(method, target, headers);
        let log = server.take_log();
        assert_eq!(log, [*expected], "{method} {target}");
        assert_eq!(
            answer.status().to_string(),
            expected[..3],
            "{method} {target}"
        );
        if *body == GATES_OWN {
            assert!(
                !["secret", "lesson", "plan", "0123"]
                    .iter()
                    .any(|text| answer.body().contains(text))
            );
        } else {
            assert_eq!(answer.body(), *body, "{method} {target}");
        }
    }
}

#[test]
fn responses_contain_the_headers_that_clients_need() {
    let (_scratch, server) = site("headers");
    let page = server.get("GET", "/public/page.html", "");
    assert_eq!(page.header("content-type"), Some("text/html"));
    let head = server.get("HEAD", "/public/a.txt", "");
    assert_eq!(
        (head.header("content-length"), head.body()),
        (Some("10"), "")
    );
    let part = server.get("GET", "/public/a.txt", "range: bytes=-3\r\n");
    assert_eq!(
        (part.header("content-range"), part.body()),
        (Some("bytes 7-9/10"), "789")
    );
    let known = format!(
        "if-modified-since: {}\r\n",
        page.header("last-modified").unwrap()
    );
    assert_eq!(server.get("GET", "/public/page.html", &known).status(), 304);
    let challenge = server.get("GET", "/courses/x", "");
    assert!(
        challenge
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    let method = server.get("DELETE", "/public/a.txt", "");
    assert!(method.header("allow").unwrap().contains("GET"));
}

#[test]
fn one_connection_carries_many_requests() {
    let (_scratch, server) = site("keep-alive");
    let answers = server.send(
        "GET /public/a.txt HTTP/1.1\r\nhost: x\r\n\r\n\
         GET /courses/x HTTP/1.1\r\nhost: x\r\n\r\n\
         GET /public/../x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 3);
    assert_eq!(
        server.take_log(),
        ["200 allow", "401 no_token", "400 bad_path"]
    );
}

#[test]
fn the_end_of_a_body_is_never_misjudged() {
    const NEXT: &str = "GET /public/page.html HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let (_scratch, server) = site("body");
    let head = "GET /public/a.txt HTTP/1.1\r\nhost: x\r\n";
    for (body, log) in [
        (
            "content-length: 5\r\n\r\nhello",
            vec!["200 allow", "200 allow"],
        ),
        ("content-length: 0\r\n\r\n", vec!["200 allow", "200 allow"]),
        // Of these only hyper knows where they end, so each is the last of its connection.
        (
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            vec!["200 allow"],
        ),
        (
            "upgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            vec!["200 allow"],
        ),
        // hyper rejects it.
        (
            "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            vec![],
        ),
    ] {
        let answers = server.send(format!("{head}{body}{NEXT}"));
        assert_eq!(
            answers.matches("HTTP/1.1 ").count(),
            log.len().max(1),
            "{body}"
        );
        assert_eq!(server.take_log(), log, "{body}");
    }
}

#[test]
fn malformed_http_is_rejected_without_a_decision() {
    let (_scratch, server) = site("not-http");
    let long = format!(
        "GET /public/a.txt HTTP/1.1\r\nx: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    let many = format!(
        "GET /public/a.txt HTTP/1.1\r\n{}\r\n",
        "x: y\r\n".repeat(200)
    );
    let table: &[(&[u8], u16)] = &[
        (b"hello\r\n\r\n", 400),
        (b"GET /public/a.txt x HTTP/1.1\r\n\r\n", 400),
        (b"GET /public/\xff HTTP/1.1\r\n\r\n", 400),
        (
            b"GET /public/a.txt HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            400,
        ),
        (b"GET /public/a.txt HTTP/1.1\r\nbad header: x\r\n\r\n", 400),
        (long.as_bytes(), 431),
        (many.as_bytes(), 431),
    ];
    for (request, status) in table {
        let answer = Answer(server.send(request));
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert_eq!(answer.status(), *status, "{shown:?}");
        assert_eq!(server.take_log(), [""; 0], "{shown:?}");
    }
}

#[test]
fn a_trusted_proxy_specifies_the_client() {
    let scratch = Scratch::new("forwarded");
    scratch.file("office/plan.txt", "plan");
    let options = Options {
        trust_forwarded_for: true,
        ..Options::default()
    };
    let server = Server::start(Origin::folder(scratch.path()).unwrap(), options);
    let table: &[(&str, &str)] = &[
        ("x-forwarded-for: 203.0.113.7\r\n", "200 allow"),
        ("x-forwarded-for: 192.0.2.1, 203.0.113.7\r\n", "200 allow"),
        (
            "x-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 203.0.113.7\r\n",
            "200 allow",
        ),
        // The client sent everything before the last entry.
        (
            "x-forwarded-for: 203.0.113.7, 192.0.2.1\r\n",
            "403 forbidden",
        ),
        (
            "x-forwarded-for: 203.0.113.7\r\nx-forwarded-for: 192.0.2.1\r\n",
            "403 forbidden",
        ),
        ("x-forwarded-for: nonsense\r\n", "403 forbidden"),
        ("x-forwarded-for: \r\n", "403 forbidden"),
        ("", "403 forbidden"),
    ];
    for (headers, expected) in table {
        server.get("GET", "/office/plan.txt", headers);
        assert_eq!(server.take_log(), [*expected], "{headers:?}");
    }
}

#[test]
fn remote_addresses_are_rejected_by_default() {
    let scratch = Scratch::new("remote");
    for (listen, refused) in [
        ("0.0.0.0:0", true),
        ("[::]:0", true),
        ("127.0.0.2:0", false),
    ] {
        let origin = Origin::folder(scratch.path()).unwrap();
        let gate = crate::support::gate();
        let bound = LocalEdge::bind(listen.parse().unwrap(), gate, origin, Options::default());
        assert_eq!(
            matches!(bound, Err(BindError::NotLoopback(_))),
            refused,
            "{listen}"
        );
    }
}
