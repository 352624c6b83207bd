//! Starting and stopping a server.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tollgate_gate::Gate;

use super::beside::Beside;
use super::grpc::Checks;
use super::metrics::Metrics;
use super::reload::{Events, FetchSink, Hangups, Reload, serving};
use super::server::{Door, Health, Role, Server};
#[cfg(unix)]
use super::socket;
use super::{AuthzError, AuthzOptions, Event, Listen, PolicySource};
use crate::local::Running;
use crate::service::Service;
use crate::shell::{self, Limits, Listener, TlsSource, interrupted};

/// The time limit for responses in flight after the server is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that is bound but does not serve yet. It starts its own threads, so callers need no async runtime.
pub struct Authz {
    runtime: Runtime,
    listener: Listener,
    addr: Option<SocketAddr>,
    status: Option<(TcpListener, SocketAddr)>,
    server: Arc<Server>,
    reload: Reload,
    hangups: Hangups,
    limits: Limits,
    drain: Duration,
    events: Events,
    /// The Unix socket, which is removed at the end.
    socket: Option<PathBuf>,
}

impl Authz {
    /// Binds `listen` and prepares to serve the policy `gate`, which is loaded again from `source`.
    ///
    /// # Errors
    ///
    /// Returns an error if an address cannot be bound, a certificate is rejected, or no peer is listed for an
    /// address.
    pub fn bind(
        listen: &Listen,
        gate: Gate<Vec<u8>>,
        source: Arc<dyn PolicySource>,
        options: AuthzOptions,
    ) -> Result<Self, AuthzError> {
        let AuthzOptions {
            peers,
            status,
            upstream,
            trust_forwarded_for,
            caching,
            tls,
            key,
            clock,
            drain,
            idle,
            max_connections,
            log,
            fetched,
            events,
        } = options;
        if peers.is_empty() && matches!(listen, Listen::Tcp(_)) {
            return Err(AuthzError::NoPeers);
        }
        raise_file_limit();
        let tls = match tls {
            None => None,
            Some(tls) => {
                let acceptor = tls.acceptor().map_err(AuthzError::Tls)?;
                Some((tls, Arc::new(ArcSwap::from_pointee(acceptor))))
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(AuthzError::Runtime)?;
        let (listener, addr) = runtime
            .block_on(bound(listen))
            .map_err(AuthzError::Listen)?;
        let status = match status {
            None => None,
            Some(status) => Some(
                runtime
                    .block_on(bound_tcp(status))
                    .map_err(AuthzError::Status)?,
            ),
        };
        // From now on a SIGHUP does not end the process.
        let hangups = {
            let _context = runtime.enter();
            Hangups::new()
        };
        let events: Events = Arc::from(events);
        let fetched: FetchSink = Arc::from(fetched);
        let metrics = Arc::new(Metrics::new());
        let id = gate.policy_id().to_string();
        metrics.loaded(None, &id, &gate.config().site, clock.now().0);
        let gate = serving(gate, clock, &metrics, &fetched);
        let gate = Arc::new(ArcSwap::new(gate));
        let (key, log) = (Arc::new(key), Arc::new(log));
        let role = match upstream {
            None => {
                let beside = Arc::new(Beside {
                    gate: Arc::clone(&gate),
                    clock,
                    key,
                    log,
                    metrics: Arc::clone(&metrics),
                    events: Arc::clone(&events),
                    reported: Mutex::default(),
                });
                let checks = AuthorizationServer::new(Checks(Arc::clone(&beside)));
                Role::Beside(beside, checks)
            }
            Some(origin) => Role::Proxy(Arc::new(Service {
                gate: Arc::clone(&gate),
                origin,
                clock,
                trust_forwarded_for,
                caching,
                log: counted(log, Arc::clone(&metrics)),
                key: Some(key),
            })),
        };
        let health = Arc::new(Health {
            draining: AtomicBool::new(false),
            metrics: Arc::clone(&metrics),
            elsewhere: status.is_some(),
        });
        let server = Arc::new(Server { role, health });
        let door = Door {
            peers,
            metrics: Arc::clone(&metrics),
            events: Arc::clone(&events),
            strangers: Mutex::default(),
        };
        let encryption = tls.as_ref().map(|(_, acceptor)| {
            let acceptor = Arc::clone(acceptor);
            Arc::new(move || (**acceptor.load()).clone()) as TlsSource
        });
        Ok(Self {
            runtime,
            listener,
            addr,
            status,
            server,
            reload: Reload {
                gate,
                source,
                tls,
                clock,
                metrics,
                events: Arc::clone(&events),
                fetched,
            },
            hangups,
            limits: Limits {
                head: idle,
                stop: STOP_TIMEOUT,
                connections: max_connections,
                http2: true,
                tls: encryption,
                admits: Some(Arc::new(move |peer| door.admits(peer))),
            },
            drain,
            events,
            socket: match listen {
                Listen::Unix { path, .. } => Some(path.clone()),
                Listen::Tcp(_) => None,
            },
        })
    }

    /// The address that it is bound to; `None` for a Unix socket.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The address of health and metrics.
    pub fn status_addr(&self) -> Option<SocketAddr> {
        self.status.as_ref().map(|(_, addr)| *addr)
    }

    /// Serves until an interrupt or SIGTERM, reports that it is not ready, and then waits for the responses in
    /// flight.
    pub fn run_until_interrupted(self) {
        self.run(interrupted());
    }

    /// Serves on its own thread until the handle is dropped. Not for Unix sockets.
    ///
    /// # Panics
    ///
    /// Never: without an address, the handle has the unspecified one.
    pub fn run_in_background(self) -> Running {
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        let addr = self.addr.unwrap_or(unspecified);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            self.run(async {
                // A dropped sender has the same effect as a message.
                let _ = stopped.await;
            });
        });
        Running::new(addr, stop, thread)
    }

    fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            runtime,
            listener,
            addr: _,
            status,
            server,
            reload,
            hangups,
            limits,
            drain,
            events,
            socket,
        } = self;
        let health = Arc::clone(&server.health);
        let stop = async {
            stop.await;
            health.draining.store(true, Ordering::Relaxed);
            events(&Event::Draining);
            tokio::time::sleep(drain).await;
        };
        runtime.block_on(async {
            tokio::spawn(reload.run(hangups));
            if let Some((listener, _)) = status {
                let status = Arc::new(Server {
                    role: Role::Status,
                    health: Arc::clone(&server.health),
                });
                let limits = Limits {
                    tls: None,
                    admits: None,
                    ..limits.clone()
                };
                let forever = core::future::pending();
                tokio::spawn(shell::serve(
                    Listener::Tcp(listener),
                    status,
                    limits,
                    forever,
                ));
            }
            shell::serve(listener, server, limits, stop).await;
        });
        runtime.shutdown_background();
        if let Some(path) = socket {
            // If it is left, the next start removes it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A log that also counts.
fn counted(log: Arc<crate::service::LogSink>, metrics: Arc<Metrics>) -> crate::service::LogSink {
    Box::new(move |served| {
        metrics.decided(served.via, served.record, served.status, served.decided_in);
        log(served);
    })
}

/// Permits this process as many files as the system does: each connection is one, and the usual limit is 1,024. A failure
/// leaves the limit as it is.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

#[cfg(not(unix))]
fn raise_file_limit() {}

async fn bound_tcp(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

async fn bound(listen: &Listen) -> io::Result<(Listener, Option<SocketAddr>)> {
    match listen {
        Listen::Tcp(addr) => {
            let (listener, addr) = bound_tcp(*addr).await?;
            Ok((Listener::Tcp(listener), Some(addr)))
        }
        #[cfg(unix)]
        Listen::Unix { path, mode } => {
            Ok((Listener::Unix(socket::bound(path, *mode).await?), None))
        }
        #[cfg(not(unix))]
        Listen::Unix { .. } => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}
