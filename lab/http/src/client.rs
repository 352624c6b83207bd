//! The client: one connection, any number of requests.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// A timeout that is sufficient on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 65_536;
/// The default limit for a body.
const MAX_BODY_BYTES: usize = 64 * 1_024 * 1_024;

/// The response.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Field names in lower case.
    pub headers: Vec<(String, String)>,
    /// The complete body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns the first field with this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let (_, value) = fields.find(|(own, _)| own == name)?;
        Some(value)
    }

    /// Whether the connection stays open.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        !connection.eq_ignore_ascii_case("close")
    }
}

/// Sends one request on a new connection and reads the complete response.
///
/// # Errors
///
/// Returns an error if nothing listens, or the response is not valid HTTP.
pub fn send(
    server: SocketAddr,
    method: &str,
    target: &[u8],
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Reply> {
    let mut connection = Connection::open(server, TIMEOUT)?;
    let close: (&str, &[u8]) = ("connection", b"close");
    let headers: Vec<(&str, &[u8])> = headers.iter().copied().chain([close]).collect();
    connection.send(method, target, &headers, body)?;
    connection.reply(MAX_BODY_BYTES)
}

/// The same with strings.
///
/// # Errors
///
/// As [`send`].
pub fn ask(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Reply> {
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    send(server, method, target.as_bytes(), &headers, body)
}

/// Fetches `http://ADDRESS:PORT/…` as the host of a module would: a redirect is an ordinary response, and
/// time and size are limited.
///
/// # Errors
///
/// Returns an error if there is no response with status 200 within `limit`, or it has more than `most` bytes.
pub fn fetch(url: &str, limit: Duration, most: usize) -> Result<Vec<u8>> {
    let (server, target) = split(url).with_context(|| format!("`{url}` is not an address"))?;
    let deadline = Instant::now() + limit;
    let mut connection = Connection::open(server, limit)?;
    connection.deadline = Some(deadline);
    connection.send("GET", target.as_bytes(), &[("connection", b"close")], b"")?;
    let reply = connection.reply(most)?;
    ensure!(reply.status == 200, "status {}", reply.status);
    Ok(reply.body)
}

/// Splits an `http` URL into host and target; the host must be an IP address and a port.
#[must_use]
pub fn split(url: &str) -> Option<(SocketAddr, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(end)?;
    let target = if target.is_empty() { "/" } else { target };
    Some((host.parse().ok()?, target))
}

/// An open connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    server: SocketAddr,
    /// The deadline for reading.
    deadline: Option<Instant>,
    /// Whether the next response has no body, whatever its fields contain.
    is_head: bool,
}

impl Connection {
    /// Opens a connection; every read may take as long as `patience`.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing listens.
    pub fn open(server: SocketAddr, patience: Duration) -> Result<Connection> {
        let stream = TcpStream::connect_timeout(&server, patience)
            .with_context(|| format!("nothing listens on {server}"))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(stream),
            server,
            deadline: None,
            is_head: false,
        })
    }

    /// Sends a request. The `host` field is the address, unless the fields contain another.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not read it.
    pub fn send(
        &mut self,
        method: &str,
        target: &[u8],
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<()> {
        let mut bytes = format!("{method} ").into_bytes();
        bytes.extend_from_slice(target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            bytes.extend_from_slice(format!("host: {}\r\n", self.server).as_bytes());
        }
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !body.is_empty() || method == "POST" {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        // In a single write: the system would delay the second of two small ones.
        self.send_bytes(&bytes)
    }

    /// Sends the bytes of a request.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not read them.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.is_head = bytes.starts_with(b"HEAD ");
        let sent = self.stream.get_mut().write_all(bytes);
        sent.with_context(|| format!("{} does not read", self.server))
    }

    /// Reads the next response, with a limit on the size of its body.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, or it is truncated.
    pub fn reply(&mut self, most: usize) -> Result<Reply> {
        let mut bytes = Vec::new();
        let (mut reply, start) = loop {
            if let Some(parsed) = head(&bytes)? {
                break parsed;
            }
            ensure!(bytes.len() < MAX_HEAD_BYTES, "the response head has no end");
            self.more(&mut bytes)?;
        };
        let mut body = bytes.split_off(start);
        let has_none = matches!(reply.status, 100..=199 | 204 | 304);
        if core::mem::take(&mut self.is_head) || has_none {
            return Ok(reply);
        }
        if let Some(coding) = reply.header("transfer-encoding") {
            ensure!(
                coding.eq_ignore_ascii_case("chunked"),
                "the response uses `{coding}`, which this client does not support"
            );
            reply.body = self.chunks(body, most)?;
            return Ok(reply);
        }
        let length = reply.header("content-length");
        let length: Option<usize> = length.map(str::parse).transpose()?;
        let is_whole = |body: &[u8]| length.is_some_and(|length| body.len() >= length);
        ensure!(length.unwrap_or(0) <= most, "more than {most} bytes");
        while !is_whole(&body) {
            match self.more(&mut body) {
                Ok(()) => ensure!(body.len() <= most, "more than {most} bytes"),
                // Without a length, the body ends with the connection.
                Err(End::Closed) if length.is_none() => break,
                Err(end) => return Err(end.into()),
            }
        }
        body.truncate(length.unwrap_or(body.len()));
        reply.body = body;
        Ok(reply)
    }

    /// Reads a chunked body whose first bytes have arrived.
    fn chunks(&mut self, mut bytes: Vec<u8>, most: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut from = 0;
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete((at, size))) => {
                    let start = from + at;
                    let end = start + usize::try_from(size)?;
                    ensure!(end <= most + MAX_HEAD_BYTES, "more than {most} bytes");
                    while bytes.len() < end + 2 {
                        self.more(&mut bytes)?;
                    }
                    if size == 0 {
                        return Ok(body);
                    }
                    body.extend_from_slice(bytes.get(start..end).unwrap_or_default());
                    ensure!(body.len() <= most, "more than {most} bytes");
                    from = end + 2;
                }
                Ok(httparse::Status::Partial) => self.more(&mut bytes)?,
                Err(_) => bail!("the response has invalid chunks"),
            }
        }
    }

    /// Reads some more bytes.
    fn more(&mut self, bytes: &mut Vec<u8>) -> Result<(), End> {
        if let Some(deadline) = self.deadline {
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.ok_or(End::Late)?.max(Duration::from_millis(1));
            let stream = self.stream.get_ref();
            stream.set_read_timeout(Some(left)).map_err(End::Broken)?;
        }
        let mut piece = [0; 16_384];
        let read = self.stream.read(&mut piece).map_err(End::Broken)?;
        if read == 0 {
            return Err(End::Closed);
        }
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(())
    }
}

/// The reason why no more bytes arrive.
#[derive(Debug)]
enum End {
    Closed,
    Late,
    Broken(std::io::Error),
}

impl core::fmt::Display for End {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            End::Closed => f.write_str("the connection was closed before the end of the response"),
            End::Late => f.write_str("timed out"),
            End::Broken(error) => write!(f, "no response: {error}"),
        }
    }
}

impl core::error::Error for End {}

/// Parses status, fields, and the offset of the body; `None` while the head is incomplete.
fn head(bytes: &[u8]) -> Result<Option<(Reply, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut fields);
    let parsed = head.parse(bytes).with_context(|| {
        let text = String::from_utf8_lossy(bytes);
        format!(
            "not an HTTP response: `{}`",
            text.lines().next().unwrap_or_default()
        )
    })?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let headers = head.headers.iter().map(|field| {
        (
            field.name.to_ascii_lowercase(),
            String::from_utf8_lossy(field.value).into_owned(),
        )
    });
    let reply = Reply {
        status: head.code.context("the response has no status")?,
        headers: headers.collect(),
        body: Vec::new(),
    };
    Ok(Some((reply, length)))
}

#[cfg(test)]
mod tests;
