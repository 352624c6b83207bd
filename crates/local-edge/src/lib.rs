//! The gate in a real HTTP/1.1 server, in front of a directory or of another server.
//!
//! For trying policies, for demonstrations and for tests with real sockets. It is not a CDN: it has neither
//! cache nor TLS, and by default it listens only on loopback. Not here: decisions about access
//! ([`tollgate_gate`]).
//!
//! Limits: a request head of 64 KiB and 100 headers that arrives within 15 seconds, 1,024 connections, a
//! request body of 16 MiB to an upstream, and 30 seconds until the upstream's response begins.
//!
//! Key sets are refreshed from the URLs in the policy.

mod body;
mod clock;
mod keys;
mod origin;
mod raw_target;
mod service;

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot};
use tollgate_gate::Gate;

pub use clock::Clock;
pub use keys::{KeysFetched, KeysSink};
pub use origin::{BadUpstream, Origin};
pub use service::{Caching, LogSink, Served};

/// The time limit for receiving a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The time limit for responses in flight after the server is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after a failed accept, for instance for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const MAX_CONNECTIONS: usize = 1024;

/// The options of a server.
pub struct Options {
    /// Permits an address that other machines can reach.
    pub allow_remote: bool,
    /// Uses the last entry of `x-forwarded-for`, if present, as the client's address. Enable it only directly
    /// after a proxy that sets this header, because any other client could claim any address.
    pub trust_forwarded_for: bool,
    /// The handling of `Cache-Control` in responses that required a token.
    pub caching: Caching,
    /// The time of decisions.
    pub clock: Clock,
    /// Called once per response.
    pub log: LogSink,
    /// Called once per key fetch.
    pub keys_log: KeysSink,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            allow_remote: false,
            trust_forwarded_for: false,
            caching: Caching::default(),
            clock: Clock::System,
            log: Box::new(|_| {}),
            keys_log: Box::new(|_| {}),
        }
    }
}

/// A server that is bound but does not serve yet. It starts its own threads, so callers need no async
/// runtime.
pub struct LocalEdge {
    runtime: Runtime,
    listener: TcpListener,
    addr: SocketAddr,
    service: Arc<service::Service>,
}

impl LocalEdge {
    /// Binds `listen`; port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if the address cannot be bound, or is not loopback and [`Options::allow_remote`] is
    /// off.
    pub fn bind(
        listen: SocketAddr,
        gate: Gate<Vec<u8>>,
        origin: Origin,
        options: Options,
    ) -> Result<LocalEdge, BindError> {
        if !listen.ip().to_canonical().is_loopback() && !options.allow_remote {
            return Err(BindError::NotLoopback(listen));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(BindError::Io)?;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .map_err(BindError::Io)?;
        let addr = listener.local_addr().map_err(BindError::Io)?;
        let Options {
            // Read above.
            allow_remote: _,
            trust_forwarded_for,
            caching,
            clock,
            log,
            keys_log,
        } = options;
        let service = Arc::new(service::Service {
            gate: keys::keyed_gate(gate, clock, keys_log),
            origin,
            clock,
            trust_forwarded_for,
            caching,
            log,
        });
        Ok(LocalEdge {
            runtime,
            listener,
            addr,
            service,
        })
    }

    /// The address it is bound to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until an interrupt or SIGTERM, then waits for the responses in flight.
    pub fn run_until_interrupted(self) {
        self.runtime
            .block_on(serve(self.listener, self.service, interrupted()));
    }

    /// Serves on its own thread until the handle is dropped.
    pub fn run_in_background(self) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let addr = self.addr;
        let thread = std::thread::spawn(move || {
            let stopped = async {
                // A dropped sender has the same effect as a message.
                let _ = stopped.await;
            };
            self.runtime
                .block_on(serve(self.listener, self.service, stopped));
        });
        Running {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// A running server. Dropping it stops the server and waits until it has stopped.
pub struct Running {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The address it serves.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The reason why a server could not be bound.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Other machines could reach the address, and [`Options::allow_remote`] is off.
    NotLoopback(SocketAddr),
    /// The operating system reported an error.
    Io(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::NotLoopback(addr) => {
                write!(f, "`{addr}` can be reached from other machines")
            }
            BindError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl Error for BindError {}

async fn serve(
    listener: TcpListener,
    service: Arc<service::Service>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed, so waiting for a permit cannot fail.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        tokio::select! {
            () = &mut stop => break,
            (accepted, permit) = next => match accepted {
                Ok((stream, peer)) => {
                    let connection =
                        connection(stream, peer, Arc::clone(&service), graceful.watcher());
                    tokio::spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<service::Service>,
    watcher: Watcher,
) {
    // Small responses should not be delayed. A failure only costs time.
    let _ = stream.set_nodelay(true);
    let (tap, targets) = raw_target::TargetTap::new(stream);
    let handler = service_fn(move |request| {
        let service = Arc::clone(&service);
        let target = targets.take();
        async move { Ok::<_, Infallible>(service.answer(peer.ip(), target, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(raw_target::MAX_HEAD_BYTES)
        .max_headers(raw_target::MAX_HEADERS)
        .serve_connection(TokioIo::new(tap), handler);
    // An aborted connection is not an error of the server.
    let _ = watcher.watch(connection).await;
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}
