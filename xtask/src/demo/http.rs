//! An HTTP/1.1 client of a few lines, over plain TCP: it sends a target exactly as it is given, which
//! no library does. One request a connection; for loopback only.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

/// Long enough for a local answer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADERS: usize = 64;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
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
}

/// Sends one request and reads the whole answer.
pub(super) fn ask(
    edge: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
) -> Result<Answer> {
    let mut stream =
        TcpStream::connect_timeout(&edge, TIMEOUT).context("the edge does not listen")?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {edge}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .context("the edge does not answer")?;
    parse(&bytes)
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
    let answer = Answer {
        status: head.code.context("an answer without a status")?,
        headers: headers.collect(),
        body: bytes.get(length..).unwrap_or_default().to_vec(),
    };
    if answer.header("transfer-encoding").is_some() {
        bail!("the edge answers in chunks, which this client does not read");
    }
    Ok(answer)
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
}
