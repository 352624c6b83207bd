//! An HTTP/1.1 client of a few lines, over plain TCP: it sends a target exactly as it is given, which
//! no library does. One request a connection; for loopback only.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

/// Long enough for a local answer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_HEADERS: usize = 64;

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The first field of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body is not JSON")
    }
}

/// Sends one request without a body and reads the whole answer.
pub(super) fn ask(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
) -> Result<Answer> {
    send(server, method, target, headers, b"")
}

/// Sends one request and reads the whole answer.
pub(super) fn send(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)
        .with_context(|| format!("nobody listens on {server}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .with_context(|| format!("{server} does not answer"))?;
    parse(&bytes)
}

/// Host and target of an `http` address; the host must be an address and a port.
pub(super) fn split(url: &str) -> Option<(SocketAddr, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(end)?;
    let target = if target.is_empty() { "/" } else { target };
    Some((host.parse().ok()?, target))
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = head.parse(bytes).context("the answer is not HTTP")?
    else {
        bail!("the answer is cut");
    };
    let headers = head.headers.iter().map(|field| {
        (
            field.name.to_ascii_lowercase(),
            String::from_utf8_lossy(field.value).into_owned(),
        )
    });
    let mut answer = Answer {
        status: head.code.context("an answer without a status")?,
        headers: headers.collect(),
        body: bytes.get(length..).unwrap_or_default().to_vec(),
    };
    match answer.header("transfer-encoding") {
        None => (),
        Some("chunked") => {
            answer.body = unchunked(&answer.body).context("the answer's chunks are cut")?;
        }
        Some(other) => bail!("an answer in `{other}`, which this client does not read"),
    }
    Ok(answer)
}

/// The body in these chunks; nothing unless the last one is there.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((at, size)) = httparse::parse_chunk_size(rest).ok()? else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(at..at + size)?);
        rest = rest.get(at + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer =
            parse(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\n\r\nab").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (206, &b"ab"[..]));
        assert_eq!(answer.header("content-range"), Some("bytes 0-1/9"));
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
        assert!(parse(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = |chunks: &str| parse(format!("{head}{chunks}").as_bytes()).map(|a| a.body);
        assert_eq!(
            body("3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n").unwrap(),
            b"abc0123456789"
        );
        assert!(body("3\r\nabc\r\n").is_err());
        assert!(body("5\r\nabc\r\n0\r\n\r\n").is_err());
    }

    #[test]
    fn addresses_are_split() {
        let here = "127.0.0.1:80".parse().unwrap();
        assert_eq!(split("http://127.0.0.1:80/a?b"), Some((here, "/a?b")));
        assert_eq!(split("http://127.0.0.1:80"), Some((here, "/")));
        assert_eq!(split("https://127.0.0.1:80/"), None);
        assert_eq!(split("http://example/"), None);
    }
}
