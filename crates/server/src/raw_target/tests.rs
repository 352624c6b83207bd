//! Input streams, and what hyper and the service receive.

use super::{MAX_HEAD_BYTES, Mode, TargetTap};

/// Feeds `received` in pieces of `step` bytes. Returns the bytes that hyper reads, the targets, and whether
/// heads are still parsed.
fn run(received: &[u8], step: usize) -> (String, Vec<(String, bool)>, bool) {
    let (mut tap, targets) = TargetTap::begun((), b"");
    let mut passed = Vec::new();
    for piece in received.chunks(step) {
        tap.receive(piece);
        passed.append(&mut tap.ready);
    }
    let targets = core::iter::from_fn(|| targets.take())
        .map(|target| (String::from_utf8(target.bytes).unwrap(), target.is_last))
        .collect();
    (
        String::from_utf8_lossy(&passed).into_owned(),
        targets,
        tap.mode == Mode::Heads,
    )
}

/// The input, the bytes that hyper reads, the targets and whether a body follows, and whether heads are still
/// parsed afterwards.
type Row = (
    &'static str,
    &'static str,
    &'static [(&'static str, bool)],
    bool,
);

#[test]
fn targets_are_extracted_whatever_the_chunks() {
    let table: &[Row] = &[
        (
            "GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            &[("/a?b", false)],
            true,
        ),
        // Targets that `http::Uri` would change or reject.
        (
            "GET /a#b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            &[("/a#b", false)],
            true,
        ),
        (
            "GET /a/../b\\ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            &[("/a/../b\\", false)],
            true,
        ),
        (
            "GET http://x/a HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            &[("http://x/a", false)],
            true,
        ),
        (
            "OPTIONS * HTTP/1.1\r\n\r\n",
            "OPTIONS / HTTP/1.1\r\n\r\n",
            &[("*", false)],
            true,
        ),
        (
            "GET /é HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            &[("/é", false)],
            true,
        ),
        // Two requests at once, with an empty line and bare line feeds, which the parser accepts.
        (
            "GET /1 HTTP/1.1\r\n\r\n\r\nHEAD /2 HTTP/1.1\n\n",
            "GET / HTTP/1.1\r\n\r\n\r\nHEAD / HTTP/1.1\n\n",
            &[("/1", false), ("/2", false)],
            true,
        ),
        // A body of a known length is skipped.
        (
            "POST /1 HTTP/1.1\r\ncontent-length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhiGET / HTTP/1.1\r\n\r\n",
            &[("/1", false), ("/2", false)],
            true,
        ),
        (
            "POST /1 HTTP/1.1\r\nContent-Length: 21\r\n\r\nGET /b HTTP/1.1\r\n\r\nxx",
            "POST / HTTP/1.1\r\nContent-Length: 21\r\n\r\nGET /b HTTP/1.1\r\n\r\nxx",
            &[("/1", false)],
            true,
        ),
        (
            "POST /1 HTTP/1.1\r\ncontent-length: 0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            &[("/1", false), ("/2", false)],
            true,
        ),
        // After any other body nothing is parsed: the second head is rejected later, because its target is missing.
        (
            "POST /1 HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\n\r\n",
            &[("/1", true)],
            false,
        ),
        (
            "POST /1 HTTP/1.1\r\ncontent-length: +2\r\n\r\nhi",
            "POST / HTTP/1.1\r\ncontent-length: +2\r\n\r\nhi",
            &[("/1", true)],
            false,
        ),
        (
            "POST /1 HTTP/1.1\r\ncontent-length: \r\n\r\nhi",
            "POST / HTTP/1.1\r\ncontent-length: \r\n\r\nhi",
            &[("/1", true)],
            false,
        ),
        (
            "POST /1 HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            &[("/1", true)],
            false,
        ),
        (
            "GET /1 HTTP/1.1\r\nupgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            &[("/1", true)],
            false,
        ),
        (
            "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &[("/1", true)],
            false,
        ),
        // Not HTTP: hyper reports it.
        ("hello there\r\n\r\n", "hello there\r\n\r\n", &[], false),
        (
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            &[],
            false,
        ),
        // Incomplete.
        ("GET /a HTTP/1.1\r\nhost: x\r\n", "", &[], true),
    ];
    for (received, passed, targets, heads) in table {
        for step in [1, 2, 7, 4096] {
            let got = run(received.as_bytes(), step);
            let targets = targets
                .iter()
                .map(|(text, body)| ((*text).to_owned(), *body))
                .collect();
            assert_eq!(
                got,
                ((*passed).to_owned(), targets, *heads),
                "{received:?} by {step}"
            );
        }
    }
}

#[test]
fn a_head_over_the_limit_is_handed_to_hyper_unread() {
    let mut received = b"GET /a HTTP/1.1\r\nx: ".to_vec();
    received.resize(MAX_HEAD_BYTES + 1, b'x');
    let (passed, targets, heads) = run(&received, 4096);
    assert_eq!(
        (passed.len(), targets.len(), heads),
        (MAX_HEAD_BYTES + 1, 0, false)
    );
}
