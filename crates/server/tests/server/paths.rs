//! Path readers and the index document: the served file is the one whose path was evaluated.

use tollgate_server::{Options, Origin};

use crate::support::{Scratch, Server, gate_with};
use crate::upstream::recorder;

/// Files with hostile names; the content of each is its path.
fn folder(name: &str) -> (Scratch, Origin) {
    let scratch = Scratch::new(name);
    for file in [
        "a+b.txt",
        "a b.txt",
        "c#.txt",
        "50%.txt",
        "%2e%2e.txt",
        "a;b.txt",
        "Inc./a.txt",
        "a\u{2026}.txt",
        "~a.txt",
        "[a].txt",
        "docs/index.html",
    ] {
        scratch.file(&format!("site/public/{file}"), file);
    }
    scratch.file("site/secret.txt", "secret");
    let origin = Origin::folder(&scratch.path().join("site")).unwrap();
    (scratch, origin)
}

/// Raw path below `/public`, and the content served with `strict`, `s3` and `files`; `None` for 400.
type Row = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
);

const ROWS: &[Row] = &[
    ("a+b.txt", None, Some("a b.txt"), Some("a+b.txt")),
    (
        "a%2Bb.txt",
        Some("a+b.txt"),
        Some("a+b.txt"),
        Some("a+b.txt"),
    ),
    (
        "a%20b.txt",
        Some("a b.txt"),
        Some("a b.txt"),
        Some("a b.txt"),
    ),
    ("c%23.txt", None, Some("c#.txt"), Some("c#.txt")),
    ("50%25.txt", None, Some("50%.txt"), Some("50%.txt")),
    (
        "%252e%252e.txt",
        None,
        Some("%2e%2e.txt"),
        Some("%2e%2e.txt"),
    ),
    ("a%3Bb.txt", None, Some("a;b.txt"), Some("a;b.txt")),
    ("Inc./a.txt", None, Some("Inc./a.txt"), Some("Inc./a.txt")),
    (
        "a%E2%80%A6.txt",
        None,
        Some("a\u{2026}.txt"),
        Some("a\u{2026}.txt"),
    ),
    ("%7Ea.txt", Some("~a.txt"), Some("~a.txt"), Some("~a.txt")),
    ("[a].txt", Some("[a].txt"), Some("[a].txt"), Some("[a].txt")),
    (
        "%5Ba%5D.txt",
        Some("[a].txt"),
        Some("[a].txt"),
        Some("[a].txt"),
    ),
    ("../secret.txt", None, None, None),
    ("%2E%2E/secret.txt", None, None, None),
    ("..%2Fsecret.txt", None, None, None),
    ("a;b.txt", None, None, None),
];

#[test]
fn each_reader_serves_the_file_of_the_evaluated_path() {
    for (reader, column) in [("strict", 0), ("s3", 1), ("files", 2)] {
        let (_scratch, origin) = folder(&format!("paths-{reader}"));
        let gate = gate_with(&format!("[paths]\norigin = \"{reader}\"\n"));
        let server = Server::start_with(gate, origin, Options::default());
        for (raw, strict, s3, files) in ROWS {
            let expected = [strict, s3, files][column];
            let answer = server.get("GET", &format!("/public/{raw}"), "");
            match expected {
                Some(file) => assert_eq!(
                    (answer.status(), answer.body()),
                    (200, *file),
                    "{reader} {raw}"
                ),
                None => assert_eq!(answer.status(), 400, "{reader} {raw}"),
            }
        }
    }
}

#[test]
fn a_folder_serves_the_index_document() {
    let (_scratch, origin) = folder("paths-index");
    let gate = gate_with("[paths]\nindex = \"index.html\"\n");
    let server = Server::start_with(gate, origin, Options::default());
    for (target, status, body) in [
        ("/public/docs/", 200, "docs/index.html"),
        ("/public/docs/?a=b/", 200, "docs/index.html"),
        ("/public/docs/index.html", 200, "docs/index.html"),
        ("/public/", 404, "Not Found\n"),
    ] {
        let answer = server.get("GET", target, "");
        assert_eq!((answer.status(), answer.body()), (status, body), "{target}");
    }
}

#[test]
fn a_server_receives_the_index_document() {
    let gate = || gate_with("[paths]\norigin = \"files\"\nindex = \"index.html\"\n");
    for (target, forwarded) in [
        ("/public/", "/public/index.html"),
        ("/public/a+b/%7E/", "/public/a+b/%7E/index.html"),
        ("/public/?x=/%2F", "/public/index.html?x=/%2F"),
        ("/public/?", "/public/index.html?"),
        ("/public/?token=t&b=1", "/public/index.html?b=1"),
        ("/public/a", "/public/a"),
    ] {
        let (origin, got) = recorder("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        let server = Server::start_with(gate(), origin, Options::default());
        assert_eq!(server.get("GET", target, "").status(), 204, "{target}");
        let request = got.recv().unwrap();
        assert!(
            request.starts_with(&format!("GET {forwarded} HTTP/1.1\r\n")),
            "{target}: {request}"
        );
    }
}
