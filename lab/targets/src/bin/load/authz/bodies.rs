//! Long bodies through `--upstream`, up and down: complete, and not kept in memory.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use tollgate_compiler::SourceTree;
use tollgate_targets::Policy;

use super::origin::{LONG, LONG_BYTES, Sum, piece};
use super::service::Service;
use super::{Setup, Verdict};

/// The memory that the service may need for all bodies together.
const MOST_KIB: u64 = 32 * 1_024;
const TIMEOUT: Duration = Duration::from_secs(60);
const TARGET: &str = "/open/a";
/// Rules that name no methods allow no uploads.
const SITE: &str = r#"
schema = 1
[site]
name = "bodies"
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
methods = ["GET", "POST"]
"#;

/// How a body is sent.
#[derive(Clone, Copy)]
enum Way {
    Length,
    Chunked,
    Down,
}

pub(super) fn run(setup: &Setup<'_>) -> Result<Verdict> {
    let upstream = format!("http://{}", setup.origin);
    let more = ["--upstream", upstream.as_str()];
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SITE);
    let policy = Policy::from_sources(&sources)?;
    let mut service = Service::start(setup.tollgate, policy.image(), &more, None)?;
    let before = service.resident_kib();
    let address = service.address;
    let sum = Sum::of_long();
    let ways = [Way::Length, Way::Chunked, Way::Down];
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let running = ways.map(|way| scope.spawn(move || send(address, way, sum)));
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a client panicked"))?)
            .collect()
    });
    let more_kib = service.peak_kib().saturating_sub(before);
    let mut verdict = Verdict::new(format!(
        "{} bodies of {} MB at once; {more_kib} KiB more memory at most",
        ways.len(),
        LONG_BYTES / 1_000_000
    ));
    for result in results {
        verdict.expect(
            result.is_ok(),
            &result
                .err()
                .map_or(String::new(), |error| format!("{error:#}")),
        );
    }
    verdict.expect(more_kib < MOST_KIB, "bodies are kept in memory");
    service.check_alive()?;
    Ok(verdict)
}

fn send(address: SocketAddr, way: Way, sum: Sum) -> Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut out = &stream;
    match way {
        Way::Down => write!(out, "GET {LONG} HTTP/1.1\r\nhost: localhost\r\n\r\n")?,
        Way::Length => write!(
            out,
            "POST {TARGET} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {LONG_BYTES}\r\n\r\n"
        )?,
        Way::Chunked => write!(
            out,
            "POST {TARGET} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
        )?,
    }
    let mut position = 0;
    while position < LONG_BYTES && !matches!(way, Way::Down) {
        let bytes = piece(position);
        position += bytes.len();
        if let Way::Chunked = way {
            write!(out, "{:x}\r\n", bytes.len())?;
        }
        out.write_all(&bytes).context("the body is not read")?;
        if let Way::Chunked = way {
            out.write_all(b"\r\n")?;
        }
    }
    if let Way::Chunked = way {
        out.write_all(b"0\r\n\r\n")?;
    }
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    ensure!(first.starts_with("HTTP/1.1 200"), "the answer is {first}");
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    if let Way::Down = way {
        let mut found = Sum::default();
        let mut buffer = vec![0; 65_536];
        while found.bytes < length {
            let read = reader.read(&mut buffer)?;
            ensure!(read > 0, "the body ended after {} bytes", found.bytes);
            found.add(buffer.get(..read).unwrap_or_default());
        }
        ensure!(found == sum, "the body arrived changed");
        return Ok(());
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    ensure!(text == sum.text(), "the origin received {text}");
    Ok(())
}
