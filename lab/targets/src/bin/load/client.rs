//! A client that asks over one connection, one request after the other, and knows what must come back.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site::{HOSTILE, LESSON, NEW, OPEN, OTHER};

use crate::figures::Tally;
use crate::plan::{Fresh, State};
use crate::server::FILE;

/// Tokens of everybody who is let in: more than one, so that the memory of tokens is not one entry.
const TOKENS: usize = 48;
/// Longer than any answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_BODY_BYTES: usize = 65_536;

/// One request and its answer.
pub(crate) struct Asked {
    bytes: Vec<u8>,
    what: &'static str,
    want: Want,
}

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// This status, and the file if it is 200.
    Status(u16),
    /// Whatever the moment says of the key that comes and goes.
    Fresh,
}

fn asked(what: &'static str, target: &str, token: Option<&str>, want: Want) -> Asked {
    let field = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let field = field.unwrap_or_default();
    let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{field}\r\n");
    Asked {
        bytes: head.into_bytes(),
        what,
        want,
    }
}

/// Requests that need no key but those that the policy pins.
pub(crate) fn asks(issuer: &Issuer) -> Result<Vec<Asked>> {
    let mut asks = Vec::new();
    let expired = issuer.token("alice", Signed::LongAgo)?;
    let forged = issuer.token("alice", Signed::Falsely)?;
    for _ in 0..TOKENS {
        let good = issuer.token("alice", Signed::Older)?;
        let other = issuer.token("dave", Signed::Older)?;
        let good = good.as_str();
        asks.extend([
            asked("open", OPEN, None, Want::Status(200)),
            asked("open, signed in", OPEN, Some(good), Want::Status(200)),
            asked("lesson", LESSON, Some(good), Want::Status(200)),
            asked("lesson", LESSON, Some(good), Want::Status(200)),
            asked("nobody's lesson", LESSON, None, Want::Status(401)),
            asked("other group", OTHER, Some(good), Want::Status(403)),
            asked("other group", LESSON, Some(&other), Want::Status(403)),
            asked("other group", OTHER, Some(&other), Want::Status(200)),
            asked("expired", LESSON, Some(&expired), Want::Status(401)),
            asked("forged", LESSON, Some(&forged), Want::Status(401)),
            asked("no rule", NEW, Some(good), Want::Status(403)),
            asked("hostile", HOSTILE, Some(good), Want::Status(400)),
        ]);
    }
    Ok(asks)
}

/// Requests that name keys that come and go, or that nobody knows.
pub(crate) fn missing(issuer: &Issuer, stranger: &Issuer) -> Result<Vec<Asked>> {
    let mut asks = Vec::new();
    for _ in 0..TOKENS {
        let fresh = issuer.token("alice", Signed::Newer)?;
        let evil = stranger.token("alice", Signed::Older)?;
        asks.push(asked(
            "key that comes and goes",
            LESSON,
            Some(&fresh),
            Want::Fresh,
        ));
        asks.push(asked("unknown key", LESSON, Some(&evil), Want::Status(401)));
        asks.push(asked(
            "unknown key, open",
            OPEN,
            Some(&evil),
            Want::Status(200),
        ));
    }
    Ok(asks)
}

/// Asks until it is over, with a pause after each answer if there is one.
pub(crate) fn run(
    server: SocketAddr,
    asks: &[Asked],
    seed: usize,
    pause: Option<Duration>,
    state: &State,
) -> Tally {
    let mut tally = Tally::default();
    let mut stream = None;
    // Clients begin at different places, so that they do not ask in step.
    for ask in asks.iter().cycle().skip(seed * asks.len() / 5) {
        if state.is_over() {
            break;
        }
        let before = state.moment();
        let faulty = state.is_faulty();
        let began = Instant::now();
        let answered = answer(&mut stream, server, &ask.bytes);
        let took = began.elapsed();
        let is_same_moment = state.moment() == before;
        match answered {
            Ok(status) => {
                let wanted = match (ask.want, before.1) {
                    (Want::Status(status), _) => Some(status),
                    (Want::Fresh, Fresh::Allow) if is_same_moment => Some(200),
                    (Want::Fresh, Fresh::Deny) if is_same_moment => Some(401),
                    (Want::Fresh, _) => None,
                };
                tally.answered(took, faulty);
                if wanted.is_some_and(|wanted| wanted != status) {
                    let at = crate::now();
                    tally.wrong(status == 200, format!("{} at {at}: {status}", ask.what));
                }
            }
            Err(error) => {
                stream = None;
                tally.lost(format!("{}: {error:#}", ask.what));
            }
        }
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
    }
    tally
}

/// Sends one request and reads the whole answer: its status.
fn answer(
    stream: &mut Option<BufReader<TcpStream>>,
    server: SocketAddr,
    request: &[u8],
) -> Result<u16> {
    let mut connected = match stream.take() {
        Some(connected) => connected,
        None => {
            let connected = TcpStream::connect(server)?;
            connected.set_nodelay(true)?;
            connected.set_read_timeout(Some(TIMEOUT))?;
            BufReader::new(connected)
        }
    };
    connected.get_mut().write_all(request)?;
    let (status, goes_on) = read(&mut connected)?;
    if goes_on {
        *stream = Some(connected);
    }
    Ok(status)
}

/// Reads an answer: its status, and whether the connection goes on. A file that is not the file, or comes
/// with another status than 200, is an error.
fn read(answer: &mut impl BufRead) -> Result<(u16, bool)> {
    let mut line = String::new();
    answer.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.with_context(|| format!("no answer but `{}`", line.trim()))?;
    let (mut length, mut goes_on) = (None, true);
    loop {
        line.clear();
        answer.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        }
        if name.eq_ignore_ascii_case("connection") {
            goes_on = !value.trim().eq_ignore_ascii_case("close");
        }
    }
    let length = length.context("an answer without a length")?;
    ensure!(length <= MAX_BODY_BYTES, "an answer of {length} bytes");
    let mut body = vec![0; length];
    answer.read_exact(&mut body)?;
    ensure!(
        (status == 200) == (body == FILE),
        "status {status} with another body"
    );
    Ok((status, goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_refused() {
        let table = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na file",
                Some((200, true)),
            ),
            (
                "HTTP/1.1 401 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
                Some((401, false)),
            ),
            ("HTTP/1.1 401 No\r\ncontent-length: 6\r\n\r\na file", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\na fi", None),
            ("", None),
        ];
        for (text, expect) in table {
            assert_eq!(read(&mut text.as_bytes()).ok(), expect, "{text}");
        }
    }
}
