//! Connections without requests.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;

use tollgate_server::{Origin, UpstreamOptions};

use super::support::{Side, options};

// Types of frames (RFC 9113, section 6).
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const ACK: u8 = 1;
const END_OF_STREAM_AND_HEADERS: u8 = 5;

/// A client of HTTP/2 that acknowledges what it must, so that only the limit of time ends its connection.
struct Http2(TcpStream);

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// A frame with a GET request for this path, without compression.
fn get(path: &str) -> Vec<u8> {
    // RFC 7541, appendix A: 2 is `:method: GET`, 6 `:scheme: http`, 4 the name `:path`, 1 `:authority`.
    let mut fields = vec![0x82, 0x86];
    for (name, value) in [(4, path), (1, "a.example")] {
        fields.extend([name, u8::try_from(value.len()).unwrap()]);
        fields.extend_from_slice(value.as_bytes());
    }
    frame(HEADERS, END_OF_STREAM_AND_HEADERS, 1, &fields)
}

impl Http2 {
    /// Connects, and sends these frames at once.
    fn open(addr: SocketAddr, frames: &[u8]) -> Self {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let begin = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &frame(SETTINGS, 0, 0, &[])[..],
            frames,
        ];
        stream.write_all(&begin.concat()).unwrap();
        Self(stream)
    }

    /// The types of all frames until the server closes the connection.
    fn until_closed(mut self) -> Vec<u8> {
        let mut kinds = Vec::new();
        let mut head = [0; 9];
        while self.0.read_exact(&mut head).is_ok() {
            let [a, b, c, kind, flags, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.0.read_exact(&mut payload).unwrap();
            kinds.push(kind);
            let answer = match kind {
                SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => frame(PING, ACK, 0, &payload),
                _ => continue,
            };
            // The server may have closed the connection after what it sent.
            let _ = self.0.write_all(&answer);
        }
        kinds
    }
}

#[test]
fn an_http2_connection_is_closed_without_requests_and_kept_for_one_in_flight() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ((arrived, is_there), (release, released)) = (channel(), channel::<()>());
    let upstream = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = [0; 4_096];
        assert!(stream.read(&mut some).unwrap() > 0);
        arrived.send(()).unwrap();
        released.recv().unwrap();
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        stream.write_all(ok).unwrap();
    });
    let (mut options, lines) = options();
    options.upstream = Some(Origin::upstream(&url, UpstreamOptions::default()).unwrap());
    options.idle = Duration::from_millis(100);
    let side = Side::start_with("", options, lines);
    let busy = Http2::open(side.running.addr(), &get("/public/a"));
    is_there.recv().unwrap();
    // It begins after the other one, and ends before it.
    let idle = Http2::open(side.running.addr(), &[]).until_closed();
    assert!(
        idle.contains(&GOAWAY) && !idle.contains(&HEADERS),
        "{idle:?}"
    );
    release.send(()).unwrap();
    let busy = busy.until_closed();
    let at = |kind: u8| busy.iter().position(|found| *found == kind);
    assert!(
        at(HEADERS).is_some() && at(HEADERS) < at(GOAWAY),
        "{busy:?}"
    );
    upstream.join().unwrap();
}

#[test]
fn an_http1_connection_is_closed_between_two_requests() {
    let (mut options, lines) = options();
    options.idle = Duration::from_millis(100);
    let side = Side::start_with("", options, lines);
    let answer = side.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!((answer.status(), answer.body()), (200, "ok\n"));
    assert_eq!(answer.header("connection"), None, "{}", answer.0);
}

#[test]
fn a_request_head_that_never_ends_is_cut_off() {
    let (mut options, lines) = options();
    options.idle = Duration::from_millis(100);
    let side = Side::start_with("", options, lines);
    for begun in ["", "G", "P", "GET / HTTP/1.1\r\nx-slow: "] {
        let mut stream = TcpStream::connect(side.running.addr()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut slow = stream.try_clone().unwrap();
        let writer = std::thread::spawn(move || {
            // One more byte at a time does not extend the time.
            while slow.write_all(b"a").is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            // Bytes were on their way when the server closed the connection.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{begun}"),
        }
        writer.join().unwrap();
    }
}
