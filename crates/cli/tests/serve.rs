//! `tollgate serve` as a process: it prints its address, serves and logs requests, and stops on SIGTERM.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn serves_requests_until_sigterm() {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/site");
    let mut server = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args([
            "serve",
            "--policy",
            site,
            "--root",
            site,
            "--listen",
            "127.0.0.1:0",
        ])
        .args(["--now", "1800000000", "--log", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut first_line).unwrap();
    let addr = first_line
        .strip_prefix("serving http://")
        .unwrap()
        .split(' ')
        .next()
        .unwrap();

    let mut stream = TcpStream::connect(addr).unwrap();
    let request =
        "GET /courses/rust-101/a?token=secret HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");

    let pid = server.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    server
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(log.trim_end()).unwrap();
    assert_eq!(line["time"], 1_800_000_000);
    assert_eq!(line["reason"], "no_token");
    assert_eq!(line["sent_status"], 401);
    assert!(line["decide_ns"].as_u64().unwrap() > 0);
    assert!(!log.contains("secret"), "{log}");
}
