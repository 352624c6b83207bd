//! Known ways to get past a proxy with forward authentication, each tried through every proxy: `attempts.txt`. And a gate
//! that is away, or answers nonsense, lets nobody in.
//!
//! `TOLLGATE_NGINX` and `TOLLGATE_HAPROXY` name the programs, `TOLLGATE_PROXIES` the directory of the others. A proxy whose
//! program is not named is not tested, which the test reports. `cargo xtask test` sets all of them.

#![cfg(test)]

mod attempts;

use core::time::Duration;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attempts::{Attempt, Must};
use tollgate_compiler::SourceTree;
use tollgate_core::UnixSeconds;
use tollgate_targets::beside::{self, Beside, Proxy, Relay, Said, Tried};
use tollgate_targets::{Places, Policy};
use tollgate_testkit::read_cases;

/// A case with a valid token in `x-access-token`.
const CASE: &str = "sources/sources/own-header";

/// Headers that `authz` as the proxy leaves to origins that know no other proxy.
const LEFT: [&str; 2] = ["x-envoy-original-path", "x-replaced-path"];

/// A gate that is away, slow, or replaced by something that is not HTTP.
const AWAY: [Said; 3] = [
    Said::Closed,
    Said::Silent,
    Said::Bytes(b"\x15\x03\x01\x00\x02\x02\x46"),
];

/// What another program could say in place of the gate. A proxy may pass it on to the client.
const OTHERS: [Said; 6] = [
    Said::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    Said::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    Said::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n"),
    Said::Bytes(b"HTTP/1.1 200 OK\r\nx-tollgate-target: members\r\ncontent-length: 0\r\n\r\n"),
    Said::Bytes(b"HTTP/1.1 302 Found\r\nlocation: /public\r\ncontent-length: 0\r\n\r\n"),
    Said::Bytes(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn policy() -> Result<Policy> {
    let folder = root().join("policies/sources");
    let text = std::fs::read_to_string(folder.join("site.toml"))?;
    // Traefik cannot remove a token from the query.
    let plain = text.replace(", \"query:t\"", "");
    ensure!(plain != text, "the policy reads no token from the query");
    let mut sources = SourceTree::read(&folder);
    sources.insert("site.toml", plain);
    Policy::from_sources(&sources)
}

/// A valid token, and the time at which it is.
fn token() -> Result<(String, UnixSeconds)> {
    let cases = read_cases(&std::fs::read(root().join("cases/sources/sources.jsonl"))?)?;
    let case = cases.iter().find(|case| case.id == CASE).context(CASE)?;
    let header = |(name, _): &&(String, String)| name == "x-access-token";
    let (_, token) = case.headers.iter().find(header).context("no token")?;
    Ok((token.clone(), UnixSeconds(case.now)))
}

/// The locations of the programs, if the proxy's is named.
fn places(variable: &str) -> Option<Places> {
    let file = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .unwrap_or_default()
    };
    if std::env::var_os(variable).is_none() {
        println!("{variable} is not set: not tested");
        return None;
    }
    Some(Places {
        nginx: file("TOLLGATE_NGINX"),
        haproxy: file("TOLLGATE_HAPROXY"),
        proxies: file("TOLLGATE_PROXIES"),
        ..Places::default()
    })
}

/// Tries everything; returns what was possible.
fn failures(beside: &mut Beside, left: &[&str]) -> Result<Vec<String>> {
    let (token, now) = token()?;
    let mut failures = Vec::new();
    for Attempt { name, bytes, must } in attempts::all(&token) {
        let Tried {
            reply,
            seen,
            faults,
        } = beside.attempt(now, &bytes)?;
        let mut found: Vec<String> = faults;
        let is_left =
            |must: &&Must| matches!(must, Must::No(name) if left.contains(&name.as_str()));
        let must = must.iter().filter(|must| !is_left(must));
        found.extend(must.filter_map(|must| must.fault(&seen)));
        if !found.is_empty() {
            let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
            let reply = String::from_utf8_lossy(&reply)
                .chars()
                .take(200)
                .collect::<String>();
            failures.push(format!(
                "{name}: {}\n  origin: {seen:?}\n  client: {reply:?}",
                found.join("; ")
            ));
        }
    }
    Ok(failures)
}

/// Tests a proxy; `unavailable` is its status while the gate is away.
fn through(proxy: &'static Proxy, variable: &str, unavailable: &str) {
    let Some(places) = places(variable) else {
        return;
    };
    let policy = policy().unwrap();
    let (mut beside, relay) = Beside::start_behind(proxy, &places, &policy).unwrap();
    let mut failures = failures(&mut beside, &[]).unwrap();
    failures.extend(away(&mut beside, &relay, unavailable).unwrap());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Nobody gets in while the gate is away, and everybody afterwards.
fn away(beside: &mut Beside, relay: &Relay, unavailable: &str) -> Result<Vec<String>> {
    let (token, now) = token()?;
    let request =
        format!("GET /members HTTP/1.1\r\nhost: site.example\r\nx-access-token: {token}\r\n\r\n");
    let mut failures = Vec::new();
    for said in AWAY.into_iter().chain(OTHERS) {
        relay.say(said);
        let tried = beside.attempt(now, request.as_bytes())?;
        let status = tried.reply.get(9..12).unwrap_or_default();
        let is_right = status == unavailable.as_bytes() || OTHERS.contains(&said);
        if !is_right || !tried.seen.is_empty() {
            let (status, reached) = (status.escape_ascii(), tried.seen.len());
            failures.push(format!(
                "{said:?}: status {status}, {reached} reached the origin"
            ));
        }
    }
    relay.say(Said::Gate);
    for _ in 0..100 {
        if !beside.attempt(now, request.as_bytes())?.seen.is_empty() {
            return Ok(failures);
        }
        // Some proxies wait before they connect again.
        std::thread::sleep(Duration::from_millis(50));
    }
    failures.push("the gate is back, but nothing reaches the origin".to_owned());
    Ok(failures)
}

#[test]
fn authz() {
    let mut beside = Beside::in_front(&policy().unwrap(), false).unwrap();
    let failures = failures(&mut beside, &LEFT).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn nginx() {
    through(&beside::NGINX, "TOLLGATE_NGINX", "503");
}

#[test]
fn envoy() {
    through(&beside::ENVOY, "TOLLGATE_PROXIES", "503");
}

#[test]
fn traefik() {
    // It has no status of its own for this.
    through(&beside::TRAEFIK, "TOLLGATE_PROXIES", "500");
}

#[test]
fn caddy() {
    through(&beside::CADDY, "TOLLGATE_PROXIES", "503");
}

#[test]
fn haproxy() {
    through(&beside::HAPROXY, "TOLLGATE_HAPROXY", "503");
}

#[test]
fn every_attempt_says_what_must_be_true() {
    let all = attempts::all("token");
    assert!(all.len() > 90, "{}", all.len());
    for attempt in &all {
        assert!(!attempt.must.is_empty(), "{}", attempt.name);
        assert!(!attempt.bytes.is_empty(), "{}", attempt.name);
    }
    assert!(Must::Nothing.fault(&[]).is_none());
}
