//! The requests of one listener: peers, health, and then questions or requests for the upstream.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tonic::codegen::Service as _;

use super::beside::{BODY_TIMEOUT, Beside};
use super::grpc::Checks;
use super::metrics::Metrics;
use super::reload::Events;
use super::{Event, PeerNetworks};
use crate::body::{AnyBody, boxed, full, plain};
use crate::raw_target::RawTarget;
use crate::service::{Service, guarded};
use crate::shell::{Answer, Peer};

/// The number of strangers that are reported.
const MAX_STRANGERS: usize = 1_000;

/// What a listener serves.
pub(super) enum Role {
    /// Answers to proxies.
    Beside(Arc<Beside>, AuthorizationServer<Checks>),
    /// Requests for an upstream.
    Proxy(Arc<Service>),
    /// Health and metrics only.
    Status,
}

pub(super) struct Server {
    pub(super) role: Role,
    pub(super) health: Arc<Health>,
}

/// The allow-list of peers, and those that were refused.
pub(super) struct Door {
    pub(super) peers: PeerNetworks,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Events,
    pub(super) strangers: Mutex<HashSet<core::net::IpAddr>>,
}

impl Door {
    /// Whether a peer may connect.
    pub(super) fn admits(&self, peer: Peer) -> bool {
        if self.peers.admit(peer) {
            return true;
        }
        self.metrics.rejected("none", "stranger");
        let Peer::Ip(ip) = peer else { return false };
        let strangers = self.strangers.lock();
        let mut strangers = strangers.unwrap_or_else(PoisonError::into_inner);
        if strangers.len() < MAX_STRANGERS && strangers.insert(ip) {
            (self.events)(&Event::Stranger(ip));
        }
        false
    }
}

/// The state that health checks report.
pub(super) struct Health {
    pub(super) draining: AtomicBool,
    pub(super) metrics: Arc<Metrics>,
    /// Whether health checks have an address of their own.
    pub(super) elsewhere: bool,
}

impl Answer for Server {
    async fn answer(
        &self,
        peer: Peer,
        target: RawTarget,
        request: Request<Incoming>,
    ) -> Response<AnyBody> {
        if let Some(response) = self.health(&target.bytes, request.method()) {
            return response;
        }
        match &self.role {
            Role::Status => plain(StatusCode::NOT_FOUND),
            Role::Proxy(service) => service.answer(peer, target, request).await,
            Role::Beside(_, checks) if is_grpc(&request) => {
                // A copy of the service is two pointers.
                let mut checks = checks.clone();
                let checked = async move {
                    // Unlike a question in header fields, the message could arrive forever.
                    match tokio::time::timeout(BODY_TIMEOUT, checks.call(request)).await {
                        Ok(Ok(response)) => response.map(boxed),
                        Ok(Err(never)) => match never {},
                        Err(_) => plain(StatusCode::REQUEST_TIMEOUT),
                    }
                };
                // A panic must not end the other requests of the connection.
                guarded(false, checked).await
            }
            Role::Beside(beside, _) => {
                guarded(target.is_last, beside.route(&target.bytes, request)).await
            }
        }
    }
}

impl Server {
    /// The response to a health check or a scrape.
    fn health(&self, target: &[u8], method: &http::Method) -> Option<Response<AnyBody>> {
        let is_proxy = matches!(self.role, Role::Proxy(_));
        // Paths of the site must not be shadowed without need, and its users must not see metrics.
        if is_proxy && self.health.elsewhere {
            return None;
        }
        if method != http::Method::GET && method != http::Method::HEAD {
            return None;
        }
        let is_ready = !self.health.draining.load(Ordering::Relaxed);
        match target {
            b"/healthz" => Some(text(StatusCode::OK, "ok\n".to_owned())),
            b"/readyz" if is_ready => Some(text(StatusCode::OK, "ready\n".to_owned())),
            b"/readyz" => Some(text(
                StatusCode::SERVICE_UNAVAILABLE,
                "draining\n".to_owned(),
            )),
            b"/metrics" if !is_proxy => {
                let mut response = text(StatusCode::OK, self.health.metrics.render());
                let content_type = "text/plain; version=0.0.4; charset=utf-8";
                let content_type = HeaderValue::from_static(content_type);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                Some(response)
            }
            _ => None,
        }
    }
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    request.version() == Version::HTTP_2
        && content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn text(status: StatusCode, body: String) -> Response<AnyBody> {
    let mut response = plain(status);
    *response.body_mut() = full(body);
    response
}
