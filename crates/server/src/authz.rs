//! The production server beside a proxy: one endpoint per dialect, or itself the proxy in front of an upstream.
//!
//! Not here: reading a policy from a file ([`PolicySource`]), and arguments.

mod asked;
mod assertion;
mod beside;
mod dialect;
mod grpc;
mod metrics;
mod peers;
mod reload;
mod reply;
mod running;
mod server;
#[cfg(unix)]
mod socket;
mod tls;
mod zen;

use core::error::Error;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::path::PathBuf;

use tollgate_gate::Gate;

pub use assertion::AssertionKey;
pub use peers::{BadPeer, PeerNetworks};
pub use reload::expect_hangups;
pub(crate) use reply::assert_identity;
pub use running::Authz;
pub use tls::Tls;

use crate::clock::Clock;
use crate::keys::KeysFetched;
use crate::origin::Origin;
use crate::service::{Caching, LogSink};

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Listen {
    /// At an address; port 0 selects a free port.
    Tcp(SocketAddr),
    /// At a Unix socket.
    Unix {
        /// Its path. A socket that no process listens to is replaced.
        path: PathBuf,
        /// Its permissions: who may write to it may connect.
        mode: u32,
    },
}

/// A policy that can be loaded again. It is called on a thread of its own.
pub trait PolicySource: Send + Sync + 'static {
    /// Loads the policy. Returns `None` if it has not changed, unless `always` is set.
    ///
    /// # Errors
    ///
    /// Returns the reason, for the operator.
    fn load(&self, always: bool) -> Result<Option<Gate<Vec<u8>>>, String>;

    /// The time between two calls.
    fn interval(&self) -> Duration;
}

/// Something an operator wants to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A policy has replaced the previous one.
    Loaded(&'a str),
    /// After a SIGHUP: the policy is the one in use.
    Unchanged(&'a str),
    /// A policy or certificate could not be loaded; the previous one stays in use.
    NotLoaded(&'a str),
    /// The server reports that it is not ready, and will stop.
    Draining,
    /// A question in a dialect was rejected, with the reason; at most once a minute for each kind.
    Rejected(&'a str, &'a str),
    /// A connection of a peer that is not listed; at most once in ten minutes for each.
    Stranger(IpAddr),
}

/// The options of a server.
pub struct AuthzOptions {
    /// The peers that may connect.
    pub peers: PeerNetworks,
    /// Where health and metrics are served to everybody.
    pub status: Option<SocketAddr>,
    /// The server that allowed requests are forwarded to. Without it, proxies ask this server.
    pub upstream: Option<Origin>,
    /// With an upstream: uses the last entry of `x-forwarded-for` as the client's address.
    pub trust_forwarded_for: bool,
    /// With an upstream: the handling of `Cache-Control`.
    pub caching: Caching,
    /// The certificate, if connections are encrypted.
    pub tls: Option<Tls>,
    /// The key that signs assertions.
    pub key: AssertionKey,
    /// The time of decisions.
    pub clock: Clock,
    /// The time between the report that the server is not ready and its end.
    pub drain: Duration,
    /// The time without a request after which a connection is closed; also the time for a request head.
    pub idle: Duration,
    /// The largest number of connections at a time.
    pub max_connections: usize,
    /// Called once per decision.
    pub log: LogSink,
    /// Called once per fetch.
    pub fetched: Box<dyn Fn(&KeysFetched<'_>) + Send + Sync>,
    /// Called for events.
    pub events: Box<dyn Fn(&Event<'_>) + Send + Sync>,
}

/// The reason why a server could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthzError {
    /// No peer is listed, so nobody could connect.
    NoPeers,
    /// The address or the socket cannot be used.
    Listen(io::Error),
    /// The address for health and metrics cannot be used.
    Status(io::Error),
    /// The certificate or its key is rejected.
    Tls(String),
    /// The runtime could not be started.
    Runtime(io::Error),
}

impl fmt::Display for AuthzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPeers => f.write_str("no peer is allowed to connect"),
            Self::Listen(error) | Self::Status(error) | Self::Runtime(error) => {
                write!(f, "{error}")
            }
            Self::Tls(error) => f.write_str(error),
        }
    }
}

impl Error for AuthzError {}
