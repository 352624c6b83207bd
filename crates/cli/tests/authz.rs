//! `tollgate authz` as a process: what it writes to its log.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Starts a server with these options, sends this request, stops it, and returns the response and the log.
fn served(options: &[&str], request: &str) -> (String, Vec<Value>) {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/site");
    let mut server = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["authz", "--policy", site, "--listen", "127.0.0.1:0"])
        .args(["--now", "1800000000"])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut first_line).unwrap();
    let addr = first_line.strip_prefix("serving ").unwrap();
    let mut stream = TcpStream::connect(addr.split(' ').next().unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let pid = server.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.unwrap().success());
    assert!(server.wait().unwrap().success());
    let mut log = String::new();
    let mut stderr = server.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    (response, lines.collect())
}

const QUESTION: &str = "GET /auth/nginx HTTP/1.1\r\nconnection: close\r\nhost: learn.example.com\r\n\
    x-original-uri: /courses/rust-101/a?token=secret\r\nx-original-method: GET\r\nx-real-ip: 203.0.113.77\r\n\r\n";

#[test]
fn records_contain_the_host_and_as_much_of_the_address_as_the_operator_wants() {
    for (form, address) in [
        (&[][..], Some("203.0.113.0/24")),
        (&["--log-address", "complete"], Some("203.0.113.77")),
        (&["--log-address", "none"], None),
    ] {
        let (response, log) = served(&[&["--peers", "127.0.0.1"], form].concat(), QUESTION);
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        let record = &log[0];
        assert_eq!(record["reason"], "no_token", "{record}");
        assert_eq!(record["host"], "learn.example.com", "{record}");
        let found = record
            .get("address")
            .map(|address| address.as_str().unwrap());
        assert_eq!(found, address, "{record}");
        assert!(!record.to_string().contains("secret"), "{record}");
    }
}

#[test]
fn a_peer_that_is_not_listed_is_in_the_log() {
    let (response, log) = served(&["--peers", "10.0.0.0/8"], QUESTION);
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    let event = &log[0];
    assert_eq!(event["event"], "stranger", "{event}");
    assert_eq!(event["peer"], "127.0.0.1", "{event}");
    assert!(
        !response.contains("127.0.0.1") && !response.contains("10.0.0"),
        "{response}"
    );
}
