//! The local edge: the gate in front of a directory or of another server, for trying policies, for
//! demonstrations and for tests with real sockets. It is not a CDN: it has neither cache nor TLS, and by default
//! it listens only on loopback.
//!
//! Limits: a request head of 64 KiB and 100 headers that arrives within 15 seconds, 1,024 connections, a
//! request body of 16 MiB to an upstream, and 30 seconds until the upstream's response begins.
//!
//! Key sets are refreshed from the URLs in the policy.

use core::error::Error;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tollgate_gate::Gate;

use crate::authz::{Event, PolicySource};
use crate::clock::Clock;
use crate::keys::{self, Assumed, KeyedGate, KeysFetched, KeysSink};
use crate::origin::Origin;
use crate::service::{self, Caching, LogSink};
use crate::shell::{self, Limits, Listener, interrupted};

/// The time limit for receiving a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The time limit for responses in flight after the server is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

const MAX_CONNECTIONS: usize = 1024;

/// A log of fetches that several gates use, one after the other.
type KeysLog = Arc<dyn Fn(&KeysFetched<'_>) + Send + Sync>;

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
    /// The claims that a request without a token counts with, as if they had been verified. Only requests to a
    /// loopback name are affected, so that no page of another site can use them through a name of its own.
    pub assume: Option<Assumed>,
    /// Where the policy is loaded again while requests are answered.
    pub reload: Option<Reload>,
}

/// A policy that changes, and the log of its changes.
pub struct Reload {
    /// Where it is loaded from.
    pub source: Arc<dyn PolicySource>,
    /// Called for every change, and for every new policy that is rejected.
    pub log: Box<dyn Fn(&Event<'_>) + Send + Sync>,
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
            assume: None,
            reload: None,
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
            assume,
            reload,
        } = options;
        let keys_log: KeysLog = Arc::from(keys_log);
        let gate = ArcSwap::new(keyed(gate, clock, &keys_log, assume.clone()));
        let service = Arc::new(service::Service {
            gate: Arc::new(gate),
            origin,
            clock,
            trust_forwarded_for,
            caching,
            log,
            key: None,
        });
        if let Some(reload) = reload {
            let gate = Arc::clone(&service.gate);
            let keyed = move |new| keyed(new, clock, &keys_log, assume.clone());
            runtime.spawn(watch(gate, reload, keyed));
        }
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
    pub(crate) fn new(addr: SocketAddr, stop: oneshot::Sender<()>, thread: JoinHandle<()>) -> Self {
        Running {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

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

fn keyed(
    gate: Gate<Vec<u8>>,
    clock: Clock,
    log: &KeysLog,
    assume: Option<Assumed>,
) -> Arc<KeyedGate> {
    let log = Arc::clone(log);
    let sink = Box::new(move |ended: &KeysFetched<'_>| log(ended));
    keys::assuming_gate(gate, clock, sink, assume)
}

/// Replaces the policy whenever another one is loaded. Runs until it is dropped.
async fn watch(
    gate: Arc<ArcSwap<KeyedGate>>,
    reload: Reload,
    keyed: impl Fn(Gate<Vec<u8>>) -> Arc<KeyedGate>,
) {
    let Reload { source, log } = reload;
    loop {
        tokio::time::sleep(source.interval()).await;
        let worker = Arc::clone(&source);
        let loaded = tokio::task::spawn_blocking(move || worker.load(false)).await;
        match loaded {
            Ok(Ok(Some(new))) => {
                let id = new.policy_id();
                // The same policy with fetched keys is better than with those of the files only.
                if gate.load().machine().0.read().policy_id() != id {
                    gate.store(keyed(new));
                    log(&Event::Loaded(&id.to_string()));
                }
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => log(&Event::NotLoaded(&error)),
            Err(_) => log(&Event::NotLoaded("internal error")),
        }
    }
}

async fn serve(
    listener: TcpListener,
    service: Arc<service::Service>,
    stop: impl Future<Output = ()>,
) {
    let limits = Limits {
        head: HEAD_TIMEOUT,
        stop: STOP_TIMEOUT,
        connections: MAX_CONNECTIONS,
        http2: false,
        tls: None,
        admits: None,
    };
    shell::serve(Listener::Tcp(listener), service, limits, stop).await;
}
