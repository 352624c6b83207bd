use super::*;
use std::net::TcpListener;

/// Returns what the client reads from a server that sends these bytes and hangs up.
fn answered(bytes: &'static [u8], most: usize) -> Result<Reply> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1_024];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(bytes).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let mut connection = Connection::open(server, TIMEOUT).unwrap();
    connection.send("GET", b"/a\\b", &[], b"").unwrap();
    let reply = connection.reply(most);
    assert!(
        thread
            .join()
            .unwrap()
            .starts_with("GET /a\\b HTTP/1.1\r\nhost: 127.0.0.1:")
    );
    reply
}

/// Status and body; `None` if the response is rejected.
type Expected = Option<(u16, &'static [u8])>;

#[test]
fn responses_are_complete_or_rejected() {
    let table: [(&[u8], Expected); 11] = [
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nabc", Some((206, b"ab"))),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", Some((200, b"to the end"))),
        (b"HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n", Some((204, b""))),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"SSH-2.0\r\n\r\n", None),
        (b"", None),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
            Some((200, b"abc0123456789")),
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc", None),
    ];
    for (bytes, expected) in table {
        let reply = answered(bytes, 50).ok();
        let found = reply
            .as_ref()
            .map(|reply| (reply.status, reply.body.as_slice()));
        assert_eq!(found, expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn fields_are_parsed_and_decide_keep_alive() {
    let reply = answered(b"HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: Close\r\n\r\n", 9).unwrap();
    assert_eq!(reply.header("x-a"), Some("b"));
    assert_eq!(reply.header("x-b"), None);
    assert!(!reply.goes_on());
}

#[test]
fn the_response_to_head_has_no_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1_024];
        _ = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
            .unwrap();
    });
    let reply = send(server, "HEAD", b"/", &[], b"").unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    thread.join().unwrap();
}

#[test]
fn addresses_are_split() {
    let here = "127.0.0.1:80".parse().unwrap();
    assert_eq!(split("http://127.0.0.1:80/a?b"), Some((here, "/a?b")));
    assert_eq!(split("http://127.0.0.1:80"), Some((here, "/")));
    assert_eq!(split("https://127.0.0.1:80/"), None);
    assert_eq!(split("http://example/"), None);
}
