//! `tollgate serve` as a process: it prints its address, serves and logs requests, and stops on SIGTERM.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

use core::net::SocketAddr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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

/// A port that another process uses: what, where, and what to write instead.
#[test]
fn a_port_in_use_is_reported_with_another_one() {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/site");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let other = SocketAddr::new(addr.ip(), addr.port().wrapping_add(1).max(1));
    let addr = addr.to_string();
    let listen = ["--listen", &addr];
    let authz = ["authz", "--policy", site, "--peers", "127.0.0.1"];
    for (arguments, option) in [
        (
            [["serve", site, "--root", site].as_slice(), &listen].concat(),
            "--listen",
        ),
        ([authz.as_slice(), &listen].concat(), "--listen"),
        (
            [
                authz.as_slice(),
                &["--listen", "127.0.0.1:0", "--status", &addr],
            ]
            .concat(),
            "--status",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(&arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {text}");
        let message = format!("cannot listen on `{addr}` (`{option}`): another process uses it");
        assert!(text.contains(&message), "{arguments:?} {text}");
        if addr != "127.0.0.1:65535" {
            let help = format!("another port, such as `{option} {other}`");
            assert!(text.contains(&help), "{arguments:?} {text}");
        }
    }
}
