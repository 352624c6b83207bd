//! An origin that records every request exactly as it arrives.
//!
//! Not here: what must have arrived, which `check` knows.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// A header of every response, by which a client recognises the origin's.
pub(super) const MARK: (&str, &str) = ("x-origin", "reached");
/// The body of every response.
pub(super) const BODY: &str = "origin\n";
/// The caching of every response: everything is allowed, so that the gate's change can be seen.
pub(super) const CACHING: [(&str, &str); 2] = [
    ("cache-control", "public, max-age=60"),
    ("surrogate-control", "max-age=60"),
];

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The target, byte for byte.
    pub target: Vec<u8>,
    /// The header lines: names in lower case, values byte for byte.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Seen {
    /// The values of the header lines with this name.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let lines = self.headers.iter().filter(|(known, _)| known == name);
        lines.map(|(_, value)| value.as_slice()).collect()
    }
}

impl core::fmt::Display for Seen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.method, self.target.escape_ascii())?;
        for (name, value) in &self.headers {
            let value = value.get(..60).unwrap_or(value);
            write!(f, ", {name}: {}", value.escape_ascii())?;
        }
        Ok(())
    }
}

/// The running origin, stopped on drop.
pub(super) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    is_over: AtomicBool,
}

impl Origin {
    /// Starts it on a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.is_over.load(Ordering::Relaxed) {
                    break;
                }
                let own = Arc::clone(&own);
                // A proxy may disconnect at any time.
                thread::spawn(move || answer(&stream, &own));
            }
        });
        Ok(Self { address, shared })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the requests that arrived since the last call.
    pub(super) fn take(&self) -> Vec<Seen> {
        let seen = self.shared.seen.lock();
        core::mem::take(&mut *seen.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Its thread ends with the next connection.
        _ = TcpStream::connect(self.address);
    }
}

fn answer(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(seen) = head(&mut reader)? {
        let is_head = seen.method == "HEAD";
        let is_websocket = seen.values("upgrade") == [b"websocket"];
        // Recorded before the response, so that a client that has the response finds the record.
        let records = shared.seen.lock();
        let mut records = records.unwrap_or_else(PoisonError::into_inner);
        records.push(seen.clone());
        drop(records);
        skip_body(&mut reader, &seen)?;
        let mut out = stream;
        if is_websocket {
            let switched = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
            return out.write_all(switched.as_bytes());
        }
        let mut text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", BODY.len());
        for (name, value) in CACHING.iter().chain([&MARK]) {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        if !is_head {
            text += BODY;
        }
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Reads a request line and header lines; `None` at the end of the connection.
fn head(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let Some(first) = line(reader)? else {
        return Ok(None);
    };
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default();
    let target = rest.strip_suffix(b" HTTP/1.1");
    let target = target.or_else(|| rest.strip_suffix(b" HTTP/1.0"));
    let mut seen = Seen {
        method: String::from_utf8_lossy(method).into_owned(),
        target: target.unwrap_or(rest).to_vec(),
        headers: Vec::new(),
    };
    while let Some(line) = line(reader)?.filter(|line| !line.is_empty()) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        seen.headers.push((name, value.trim_ascii().to_vec()));
    }
    Ok(Some(seen))
}

fn line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}

fn skip_body(reader: &mut impl BufRead, seen: &Seen) -> std::io::Result<()> {
    if !seen.values("transfer-encoding").is_empty() {
        // The last chunk is the only one without bytes; trailers are not expected.
        while let Some(size) = line(reader)? {
            let text = String::from_utf8_lossy(&size).into_owned();
            let size = u64::from_str_radix(text.trim(), 16).unwrap_or(0);
            skip(reader, size)?;
            _ = line(reader)?;
            if size == 0 {
                break;
            }
        }
        return Ok(());
    }
    let length = seen.values("content-length");
    let length = length.first().copied().unwrap_or_default();
    let length = core::str::from_utf8(length).unwrap_or_default();
    skip(reader, length.parse().unwrap_or(0))
}

fn skip(reader: &mut impl BufRead, bytes: u64) -> std::io::Result<()> {
    std::io::copy(&mut reader.take(bytes), &mut std::io::sink()).map(|_| ())
}
