//! A client that sends one request after another over one connection and compares each response with the
//! expected one.

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

use anyhow::{Result, ensure};
use tollgate_lab_http::Connection;
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site::{HOSTILE, LESSON, NEW, OPEN, OTHER};

use crate::figures::Tally;
use crate::plan::{Fresh, State};
use crate::server::FILE;

/// Tokens of several allowed users, so that the token cache has more than one entry.
const TOKENS: usize = 48;
/// A timeout longer than any response may take.
const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_BODY_BYTES: usize = 65_536;

/// One request and its expected response.
pub(crate) struct Asked {
    bytes: Vec<u8>,
    what: &'static str,
    want: Want,
}

/// The expected response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// This status, and the file if it is 200.
    Status(u16),
    /// The current expectation for the key that is published and withdrawn.
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

/// Requests that need only the keys that the policy pins.
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

/// Requests that name keys that are published and withdrawn, or unknown keys.
pub(crate) fn missing(issuer: &Issuer, stranger: &Issuer) -> Result<Vec<Asked>> {
    let mut asks = Vec::new();
    for _ in 0..TOKENS {
        let fresh = issuer.token("alice", Signed::Newer)?;
        let evil = stranger.token("alice", Signed::Older)?;
        asks.push(asked("intermittent key", LESSON, Some(&fresh), Want::Fresh));
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

/// Sends requests until the test is over, with an optional pause after each response.
pub(crate) fn run(
    server: SocketAddr,
    asks: &[Asked],
    seed: usize,
    pause: Option<Duration>,
    state: &State,
) -> Tally {
    let mut tally = Tally::default();
    let mut stream = None;
    // Clients start at different positions, so that they do not run in step.
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

/// Sends one request, reads the complete response and returns its status. An unexpected body is an error, as
/// is the file with a status other than 200.
/// status than 200, is an error.
fn answer(connection: &mut Option<Connection>, server: SocketAddr, request: &[u8]) -> Result<u16> {
    let mut connected = match connection.take() {
        Some(connected) => connected,
        None => Connection::open(server, TIMEOUT)?,
    };
    connected.send_bytes(request)?;
    let reply = connected.reply(MAX_BODY_BYTES)?;
    ensure!(
        (reply.status == 200) == (reply.body == FILE),
        "status {} with another body",
        reply.status
    );
    if reply.goes_on() {
        *connection = Some(connected);
    }
    Ok(reply.status)
}
