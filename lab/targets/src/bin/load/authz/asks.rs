//! Questions to the service, their expected answers, and clients that ask them over and over.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use tollgate_lab_http::Connection;
use tollgate_targets::live::site::{HOSTILE, LESSON, NEW, OPEN, OTHER};

/// A timeout longer than any answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_BODY_BYTES: usize = 65_536;
/// The number of mistakes that are described.
const SHOWN: usize = 5;

/// A request, and the statuses that are right.
pub(crate) struct Ask {
    pub(crate) what: &'static str,
    bytes: Vec<u8>,
    right: &'static [u16],
}

impl Ask {
    /// A question as nginx asks it.
    fn question(
        what: &'static str,
        target: &str,
        token: Option<&str>,
        right: &'static [u16],
    ) -> Self {
        let field = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let head = format!(
            "GET /auth/nginx HTTP/1.1\r\nhost: localhost\r\nx-original-method: GET\r\nx-original-uri: {target}\r\n{}\r\n",
            field.unwrap_or_default()
        );
        let bytes = head.into_bytes();
        Self { what, bytes, right }
    }

    /// A request for a proxy.
    pub(crate) fn request(
        what: &'static str,
        target: &str,
        token: Option<&str>,
        right: &'static [u16],
    ) -> Self {
        let field = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let field = field.unwrap_or_default();
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{field}\r\n");
        let bytes = head.into_bytes();
        Self { what, bytes, right }
    }
}

/// Tokens of users with different rights.
pub(crate) struct Tokens {
    pub(crate) good: Vec<String>,
    pub(crate) expired: String,
    pub(crate) forged: String,
}

/// Questions whose answer depends on no key that is fetched.
pub(crate) fn usual(tokens: &Tokens) -> Vec<Ask> {
    let mut asks = Vec::new();
    for good in &tokens.good {
        let good = Some(good.as_str());
        asks.extend([
            Ask::question("open", OPEN, None, &[200]),
            Ask::question("lesson", LESSON, good, &[200]),
            Ask::question("nobody's lesson", LESSON, None, &[401]),
            Ask::question("other group", OTHER, good, &[403]),
            Ask::question("expired", LESSON, Some(&tokens.expired), &[401]),
            Ask::question("forged", LESSON, Some(&tokens.forged), &[401]),
            Ask::question("hostile", HOSTILE, good, &[403]),
        ]);
    }
    asks
}

/// A question that only the newer policy allows.
pub(crate) fn newer(token: &str, right: &'static [u16]) -> Ask {
    Ask::question("new", NEW, Some(token), right)
}

/// A question with a token whose key is unknown.
pub(crate) fn unknown(token: &str) -> Ask {
    Ask::question("unknown key", LESSON, Some(token), &[401])
}

/// What clients have seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) micros: Vec<u32>,
    pub(crate) wrong: Vec<String>,
    pub(crate) wrong_count: u64,
    /// Answers by status.
    pub(crate) statuses: Vec<(u16, u64)>,
}

impl Seen {
    pub(crate) fn answers(&self) -> usize {
        self.micros.len()
    }

    pub(crate) fn count(&self, status: u16) -> u64 {
        let found = self.statuses.iter().find(|(own, _)| *own == status);
        found.map_or(0, |(_, count)| *count)
    }

    /// The median and the 99th percentile.
    pub(crate) fn quantiles(&self) -> (u32, u32) {
        crate::figures::quantiles(&self.micros)
    }

    fn mistake(&mut self, words: String) {
        self.wrong_count += 1;
        if self.wrong.len() < SHOWN {
            self.wrong.push(words);
        }
    }

    fn status(&mut self, status: u16) {
        match self.statuses.iter_mut().find(|(own, _)| *own == status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((status, 1)),
        }
    }

    fn add(&mut self, other: Self) {
        let Self {
            micros,
            wrong,
            wrong_count,
            statuses,
        } = other;
        self.micros.extend(micros);
        self.wrong.extend(wrong);
        self.wrong_count += wrong_count;
        for (status, count) in statuses {
            match self.statuses.iter_mut().find(|(own, _)| *own == status) {
                Some((_, own)) => *own += count,
                None => self.statuses.push((status, count)),
            }
        }
    }
}

/// When clients end.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) now: AtomicBool,
    /// The number of requests that are left.
    pub(crate) left: Option<AtomicU64>,
}

impl End {
    /// After so many requests.
    pub(crate) fn after(requests: u64) -> Self {
        let left = Some(AtomicU64::new(requests));
        let now = AtomicBool::new(false);
        Self { now, left }
    }

    /// Whether another request is to be sent.
    fn takes(&self) -> bool {
        if self.now.load(Ordering::SeqCst) {
            return false;
        }
        let Some(left) = &self.left else { return true };
        let took = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
        took.is_ok()
    }
}

/// Asks over and over with several clients while `work` runs, or until the requests are used up.
pub(crate) fn while_asking<T>(
    address: SocketAddr,
    asks: &[Ask],
    clients: usize,
    end: &End,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Seen)> {
    thread::scope(|scope| {
        let start = |seed: usize| scope.spawn(move || client(address, asks, seed, end));
        let running: Vec<_> = (0..clients).map(start).collect();
        let done = work();
        if end.left.is_none() || done.is_err() {
            end.now.store(true, Ordering::SeqCst);
        }
        let mut seen = Seen::default();
        for client in running {
            seen.add(client.join().map_err(|_| anyhow!("a client panicked"))?);
        }
        Ok((done?, seen))
    })
}

fn client(address: SocketAddr, asks: &[Ask], seed: usize, end: &End) -> Seen {
    let mut seen = Seen::default();
    let mut open = None;
    for ask in asks.iter().cycle().skip(seed * asks.len() / 5) {
        if !end.takes() {
            break;
        }
        let began = Instant::now();
        match answer(&mut open, address, &ask.bytes) {
            Ok(status) => {
                let micros = began.elapsed().as_micros();
                seen.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
                seen.status(status);
                if !ask.right.contains(&status) {
                    seen.mistake(format!("{}: {status}", ask.what));
                }
            }
            Err(error) => {
                open = None;
                seen.mistake(format!("{}: {error:#}", ask.what));
            }
        }
    }
    seen
}

fn answer(open: &mut Option<Connection>, address: SocketAddr, request: &[u8]) -> Result<u16> {
    let mut connection = match open.take() {
        Some(connection) => connection,
        None => Connection::open(address, TIMEOUT)?,
    };
    connection.send_bytes(request)?;
    let reply = connection.reply(MAX_BODY_BYTES)?;
    if reply.goes_on() {
        *open = Some(connection);
    }
    Ok(reply.status)
}
