//! `authz` over real sockets, as proxies and clients ask it.

mod dialects;
mod grpc;
mod idle;
mod lifecycle;
mod proxy;
#[cfg(unix)]
mod socket;
mod support;
mod zen;
