//! The requests of one listener: peers, health, and then questions or requests for the upstream.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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

/// The number of strangers that are reported in [`STRANGER_EVERY`].
const MAX_STRANGERS: usize = 1_000;

/// The time between two reports of one stranger: the log of an hour ago is enough to find a peer that is not listed.
const STRANGER_EVERY: Duration = Duration::from_secs(600);

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
    /// When each was last reported.
    pub(super) strangers: Mutex<HashMap<IpAddr, Instant>>,
}

impl Door {
    /// Whether a peer may connect.
    pub(super) fn admits(&self, peer: Peer) -> bool {
        if self.peers.admit(peer) {
            return true;
        }
        self.metrics.rejected("none", "stranger");
        if let Peer::Ip(ip) = peer
            && self.is_due(ip, Instant::now())
        {
            (self.events)(&Event::Stranger(ip));
        }
        false
    }

    /// Whether a stranger is to be reported now.
    fn is_due(&self, ip: IpAddr, now: Instant) -> bool {
        let strangers = self.strangers.lock();
        let mut strangers = strangers.unwrap_or_else(PoisonError::into_inner);
        let is_recent = |last: &Instant| now.duration_since(*last) < STRANGER_EVERY;
        if strangers.get(&ip).is_some_and(is_recent) {
            return false;
        }
        if strangers.len() >= MAX_STRANGERS {
            strangers.retain(|_, last| is_recent(last));
        }
        let is_room = strangers.len() < MAX_STRANGERS;
        if is_room {
            strangers.insert(ip, now);
        }
        is_room
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_reported_now_and_then_and_a_crowd_fills_no_memory() {
        let door = Door {
            peers: PeerNetworks::default(),
            metrics: Arc::new(Metrics::new()),
            events: Arc::new(|_| ()),
            strangers: Mutex::default(),
        };
        let began = Instant::now();
        let ip = |number: usize| IpAddr::from((number as u128).to_be_bytes());
        let due = |number, after| door.is_due(ip(number), began + after);
        let soon = STRANGER_EVERY / 2;
        assert!(due(0, Duration::ZERO) && !due(0, soon) && due(1, soon));
        assert!(due(0, STRANGER_EVERY) && !due(1, STRANGER_EVERY));
        let reported = (2..10_000).filter(|number| due(*number, STRANGER_EVERY));
        assert_eq!(reported.count(), MAX_STRANGERS - 2);
        assert!(due(10_000, STRANGER_EVERY + soon), "that of 1 is old");
        assert_eq!(door.strangers.lock().unwrap().len(), MAX_STRANGERS);
    }
}
