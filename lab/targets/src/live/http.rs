//! HTTP/1.1 over plain TCP in a few lines, for loopback: requests with their targets as they are given, and a
//! server that answers with a function. Not here: TLS, redirects, chunked bodies.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// Long enough for an answer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What came back.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Sends one request on a connection of its own and reads the whole answer.
///
/// # Errors
///
/// If nobody listens, or what comes back is no answer.
pub fn send(
    server: SocketAddr,
    method: &str,
    target: &[u8],
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut head = format!("{method} ").into_bytes();
    head.extend_from_slice(target);
    head.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    head.extend_from_slice(body);
    stream.write_all(&head)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    reply(&answer)
}

/// Fetches what stands at `http://ADDRESS:PORT/…`, as the host of a module would: a redirect is an answer like
/// any other, and there is an end to waiting and to reading.
///
/// # Errors
///
/// If there is no answer with status 200 within `limit`, or it has more than `most` bytes.
pub fn fetch(url: &str, limit: Duration, most: usize) -> Result<Vec<u8>> {
    let began = Instant::now();
    let rest = url.strip_prefix("http://").context("only http")?;
    let (host, target) = rest.split_once('/').context("an address without a path")?;
    let mut stream = TcpStream::connect_timeout(&host.parse()?, limit)?;
    write!(
        stream,
        "GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    let mut piece = [0; 65_536];
    loop {
        let left = limit.checked_sub(began.elapsed()).context("too late")?;
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let read = stream.read(&mut piece).context("no answer")?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(piece.get(..read).unwrap_or_default());
        ensure!(answer.len() <= most, "more than {most} bytes");
    }
    let reply = reply(&answer)?;
    ensure!(reply.status == 200, "status {}", reply.status);
    Ok(reply.body)
}

fn reply(answer: &[u8]) -> Result<Reply> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|found| found == END);
    let end = end.context("an answer without an end of its head")?;
    let head = answer.get(..end).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let Some(status) = status else {
        bail!("no answer but: {}", head.lines().next().unwrap_or_default());
    };
    Ok(Reply {
        status,
        body: answer.get(end + END.len()..).unwrap_or_default().to_vec(),
    })
}

/// What a server says to the target of a request: status and body; nothing to hang up.
pub type Answering = dyn Fn(&str) -> Option<(u16, Vec<u8>)> + Send + Sync;

/// A server that lives as long as this process; where it is.
///
/// # Errors
///
/// If no port is free.
pub fn serve(answering: Arc<Answering>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    let place = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answering = Arc::clone(&answering);
            // A client that goes is its own business.
            std::thread::spawn(move || answer(&stream, &*answering));
        }
    });
    Ok(place)
}

fn answer(stream: &TcpStream, answering: &Answering) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default();
    let Some((status, body)) = answering(target) else {
        return Ok(());
    };
    let mut out = stream;
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    out.write_all(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_read_back() {
        let served = serve(Arc::new(|target| match target {
            "/a" => Some((200, b"bytes".to_vec())),
            "/moved" => Some((302, Vec::new())),
            "/gone" => None,
            _ => Some((404, Vec::new())),
        }))
        .unwrap();
        let reply = send(served, "GET", b"/a", &[("x", b"y")], b"").unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"bytes"[..]));
        assert!(send(served, "GET", b"/gone", &[], b"").is_err());
        let fetch = |path, most| fetch(&format!("http://{served}/{path}"), TIMEOUT, most);
        assert_eq!(fetch("a", 1_000).unwrap(), b"bytes");
        for (path, most) in [("a", 4), ("moved", 1_000), ("gone", 1_000), ("b", 1_000)] {
            assert!(fetch(path, most).is_err(), "{path} {most}");
        }
    }
}
