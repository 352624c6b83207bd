//! A running `authz` with the tests' policy.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use tollgate_core::UnixSeconds;
use tollgate_gate::Gate;
use tollgate_server::{
    AssertionKey, Authz, AuthzError, AuthzOptions, Caching, Clock, Listen, PolicySource, Running,
};

use crate::support::{Answer, NOW, gate_with, send_to};

/// A policy that tests replace: the next one, or why it cannot be loaded.
#[derive(Clone, Default)]
pub(crate) struct Next(pub(crate) Arc<Mutex<Option<Load>>>);

type Load = Result<Gate<Vec<u8>>, String>;

impl PolicySource for Next {
    fn load(&self, _: bool) -> Result<Option<Gate<Vec<u8>>>, String> {
        self.0.lock().unwrap().take().transpose()
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(5)
    }
}

/// The lines that a server has written: records as `via status reason`, and events.
pub(crate) type Lines = Arc<Mutex<Vec<String>>>;

pub(crate) struct Side {
    pub(crate) running: Running,
    pub(crate) next: Next,
    pub(crate) lines: Lines,
}

/// Options for tests, and where their lines go.
pub(crate) fn options() -> (AuthzOptions, Lines) {
    let lines = Lines::default();
    let (records, events) = (Arc::clone(&lines), Arc::clone(&lines));
    let options = AuthzOptions {
        peers: "127.0.0.1".parse().unwrap(),
        status: None,
        upstream: None,
        trust_forwarded_for: false,
        caching: Caching::Private,
        tls: None,
        key: AssertionKey::generate().unwrap(),
        clock: Clock::Fixed(UnixSeconds(NOW)),
        drain: Duration::ZERO,
        idle: Duration::from_secs(75),
        max_connections: 100,
        log: Box::new(move |served| {
            let reason = served.record.reason.code();
            let line = format!("{} {} {reason}", served.via, served.status);
            records.lock().unwrap().push(line);
        }),
        fetched: Box::new(|_| {}),
        events: Box::new(move |event| events.lock().unwrap().push(format!("{event:?}"))),
    };
    (options, lines)
}

pub(crate) fn loopback() -> Listen {
    Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// Binds a server with the tests' policy and these additional lines.
pub(crate) fn bind(more: &str, options: AuthzOptions) -> Result<(Authz, Next), AuthzError> {
    let next = Next::default();
    let source = Arc::new(next.clone());
    Authz::bind(&loopback(), gate_with(more), source, options).map(|authz| (authz, next))
}

impl Side {
    pub(crate) fn start(more: &str) -> Side {
        let (options, lines) = options();
        Side::start_with(more, options, lines)
    }

    pub(crate) fn start_with(more: &str, options: AuthzOptions, lines: Lines) -> Side {
        let (authz, next) = bind(more, options).unwrap();
        Side {
            running: authz.run_in_background(),
            next,
            lines,
        }
    }

    /// Sends a request with these header lines, each ending in a line break, and reads the whole response.
    pub(crate) fn ask(&self, target: &str, headers: &str) -> Answer {
        self.send(&format!(
            "GET {target} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n"
        ))
    }

    pub(crate) fn send(&self, request: &str) -> Answer {
        Answer(send_to(self.running.addr(), request))
    }

    pub(crate) fn take_lines(&self) -> Vec<String> {
        core::mem::take(&mut self.lines.lock().unwrap())
    }
}
