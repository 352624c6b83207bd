//! The gate in HTTP servers.
//!
//! - [`LocalEdge`] is for trying policies, for demonstrations, and for tests with real sockets: the gate in front
//!   of a directory or another server, on loopback.
//! - [`Authz`] is the production server beside a proxy. It answers the subrequests of nginx, Traefik, Caddy,
//!   HAProxy and Envoy, or is itself the proxy in front of an upstream.
//!
//! Both use one shell, which accepts connections and preserves every request target byte for byte. Not here:
//! decisions about access ([`tollgate_gate`]), and fetching ([`tollgate_host`]).

mod authz;
mod body;
mod clock;
mod keys;
mod local;
mod origin;
mod raw_target;
mod service;
mod shell;

pub use authz::{
    AssertionKey, Authz, AuthzError, AuthzOptions, BadPeer, Event, Listen, PeerNetworks,
    PolicySource, Tls, expect_hangups,
};
pub use clock::Clock;
pub use keys::{Assumed, KeysFetched, KeysSink};
pub use local::{BindError, LocalEdge, Options, Reload, Running};
pub use origin::{BadUpstream, Origin, UpstreamOptions};
pub use service::{Caching, LogSink, Served};
