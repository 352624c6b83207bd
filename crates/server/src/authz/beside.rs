//! Answers the questions of proxies.
//!
//! Not here: reading a question ([`dialect`](super::dialect)), and accepting connections.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Context, Outcome};

use super::Event;
use super::asked::Asked;
use super::assertion::AssertionKey;
use super::dialect::{BadQuestion, Dialect, lines};
use super::metrics::Metrics;
use super::reload::Events;
use super::reply::{self, About, Reply};
use super::zen;
use crate::body::{AnyBody, full, plain};
use crate::clock::Clock;
use crate::keys::KeyedGate;
use crate::service::{LogSink, Served, of_gate};

/// The largest body of a question in JSON, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// The time for a question that has a body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The time between two reports of rejected questions with the same code.
const REPORT_EVERY: Duration = Duration::from_secs(60);

const JSON: &str = "application/json";

/// The server beside a proxy.
pub(super) struct Beside {
    pub(super) gate: Arc<ArcSwap<KeyedGate>>,
    pub(super) clock: Clock,
    pub(super) key: Arc<AssertionKey>,
    pub(super) log: Arc<LogSink>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Events,
    /// When a rejected question was last reported, by code.
    pub(super) reported: Mutex<HashMap<&'static str, Instant>>,
}

/// One endpoint for a dialect over HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Whether the request is allowed, and what the proxy must change. Every status from 200 to 299 means that it
    /// is.
    Decision,
    /// The same for a proxy that looks at `x-tollgate-target`: without it, the answer is for the client, whatever
    /// its status.
    Checked,
    /// The response to a request that was just denied.
    Denied,
    /// The response to a request that the gate itself serves.
    Own,
}

/// Finds the endpoint of a target: its dialect, what is wanted, and the client's target if it follows.
fn endpoint(target: &[u8]) -> Option<(Dialect, Wanted, &[u8])> {
    let after = |prefix: &[u8]| {
        let rest = target.strip_prefix(prefix)?;
        rest.starts_with(b"/").then_some(rest)
    };
    if let Some(rest) = after(b"/auth/envoy") {
        return Some((Dialect::Envoy, Wanted::Decision, rest));
    }
    if let Some(rest) = after(b"/auth/answer") {
        return Some((Dialect::Envoy, Wanted::Denied, rest));
    }
    // The query is that of the endpoint. Caddy leaves the client's `?` there if nothing follows it.
    let (dialect, wanted) = match target.split(|byte| *byte == b'?').next()? {
        b"/auth/nginx" => (Dialect::Nginx, Wanted::Decision),
        b"/auth/nginx/denied" => (Dialect::Nginx, Wanted::Denied),
        b"/auth/nginx/answer" => (Dialect::Nginx, Wanted::Own),
        b"/auth/ingress-nginx" => (Dialect::IngressNginx, Wanted::Decision),
        b"/auth/ingress-nginx/denied" => (Dialect::IngressNginx, Wanted::Denied),
        b"/auth/ingress-nginx/answer" => (Dialect::IngressNginx, Wanted::Own),
        b"/auth/haproxy" => (Dialect::Haproxy, Wanted::Decision),
        b"/auth/haproxy/checked" => (Dialect::Haproxy, Wanted::Checked),
        b"/auth/forward" => (Dialect::Forward, Wanted::Decision),
        b"/auth/forward/checked" => (Dialect::Forward, Wanted::Checked),
        _ => return None,
    };
    Some((dialect, wanted, b""))
}

impl Beside {
    /// Answers a question over HTTP.
    pub(super) async fn route(
        &self,
        target: &[u8],
        request: Request<Incoming>,
    ) -> Response<AnyBody> {
        if let Some((dialect, wanted, rest)) = endpoint(target) {
            let method = request.method().as_str();
            return self
                .over_http(dialect, wanted, (method, rest), request.headers())
                .await;
        }
        let get = request.method() == Method::GET;
        match target {
            b"/assertion-keys" if get => json(StatusCode::OK, self.key.jwks()),
            b"/.well-known/authzen-configuration" if get => {
                let host = request.headers().get("host");
                let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
                json(StatusCode::OK, zen::configuration(host))
            }
            b"/access/v1/evaluation" | b"/access/v1/evaluations" => {
                if request.method() != Method::POST {
                    return allowed_methods("POST");
                }
                let id = request.headers().get("x-request-id").cloned();
                let is_batch = target.ends_with(b"s");
                let mut response = self.zen(request, is_batch).await;
                if let Some(id) = id {
                    response.headers_mut().insert("x-request-id", id);
                }
                response
            }
            _ => plain(StatusCode::NOT_FOUND),
        }
    }

    async fn over_http(
        &self,
        dialect: Dialect,
        wanted: Wanted,
        line: (&str, &[u8]),
        headers: &HeaderMap,
    ) -> Response<AnyBody> {
        let asked = match dialect.read(line, lines(headers)) {
            Ok(asked) => asked,
            Err(bad) => {
                self.rejected(dialect, &bad);
                let (content_type, body) = explained(&bad);
                return with_type(StatusCode::BAD_REQUEST, content_type, body);
            }
        };
        let reply = self.ask(dialect, &asked, wanted != Wanted::Denied).await;
        match (reply, wanted) {
            (None, _) => plain(StatusCode::INTERNAL_SERVER_ERROR),
            // The proxy would forward the request.
            (Some(Reply::Send(own)), Wanted::Decision)
                if !dialect.is_nginx() && (200..300).contains(&own.status) =>
            {
                plain(StatusCode::FORBIDDEN)
            }
            (Some(reply), Wanted::Decision | Wanted::Checked) => reply.into_http(dialect),
            (Some(Reply::Send(own)), Wanted::Own) => of_gate(own),
            (Some(Reply::Send(own)), Wanted::Denied) => {
                let mut response = of_gate(own);
                if dialect.is_nginx() {
                    // It adds that of the decision, and there must not be two.
                    response.headers_mut().remove(WWW_AUTHENTICATE);
                }
                response
            }
            (Some(Reply::Forward(_)), Wanted::Denied | Wanted::Own) => reply::ask_again(),
        }
    }

    /// Asks the gate. `None` after an internal failure.
    pub(super) async fn ask(
        &self,
        dialect: Dialect,
        asked: &Asked,
        is_recorded: bool,
    ) -> Option<Reply> {
        let (lines, now) = (asked.lines(), self.clock.now());
        let request = asked.request(&lines, now);
        let gate = self.gate.load_full();
        let (outcome, decided_in) = gate.ask(&request).await;
        if is_recorded {
            self.record(dialect.name(), asked, &outcome, decided_in);
        }
        let loaded = gate.machine().0.read();
        let config = loaded.config();
        let about = About {
            site: &config.site,
            sources: &config.sources,
            key: &self.key,
            now,
        };
        Reply::of(outcome.action, &request, &about)
    }

    /// Counts a rejected question, and reports it now and then: the proxy hides the answer.
    pub(super) fn rejected(&self, dialect: Dialect, bad: &BadQuestion) {
        self.metrics.rejected(dialect.name(), bad.code());
        let now = Instant::now();
        let reported = self.reported.lock();
        let mut reported = reported.unwrap_or_else(PoisonError::into_inner);
        let last = reported.get(bad.code());
        if last.is_none_or(|last| now.duration_since(*last) >= REPORT_EVERY) {
            reported.insert(bad.code(), now);
            (self.events)(&Event::Rejected(dialect.name(), &bad.to_string()));
        }
    }

    fn record(&self, via: &'static str, asked: &Asked, outcome: &Outcome, decided_in: Duration) {
        let status = outcome.status;
        self.metrics.decided(via, &outcome.log, status, decided_in);
        (self.log)(&Served {
            record: &outcome.log,
            status,
            decided_in,
            via,
            client: asked.ip.as_deref(),
            host: asked.host(),
        });
    }

    async fn zen(&self, request: Request<Incoming>, is_batch: bool) -> Response<AnyBody> {
        let body = Limited::new(request.into_body(), MAX_JSON_BYTES);
        let Ok(Ok(body)) = tokio::time::timeout(BODY_TIMEOUT, body.collect()).await else {
            return json(
                StatusCode::PAYLOAD_TOO_LARGE,
                zen::error("the body is longer than 1 MiB, incomplete, or slow"),
            );
        };
        let asks = match zen::Asks::read(&body.to_bytes(), is_batch) {
            Ok(asks) => asks,
            Err(message) => {
                self.metrics.rejected("authzen", "bad_evaluation");
                return json(StatusCode::BAD_REQUEST, zen::error(&message));
            }
        };
        let mut results = Vec::with_capacity(asks.len());
        for question in (0..asks.len()).filter_map(|at| asks.question(at).ok()) {
            let result = self.decide_zen(&question).await;
            let is_last = asks.ends_with(result.decision);
            results.push(result);
            if is_last {
                break;
            }
        }
        json(StatusCode::OK, asks.answer(&results))
    }

    /// Evaluates one question for a caller that has verified its user itself, or passes a token.
    async fn decide_zen(&self, question: &zen::Question<'_>) -> zen::Decision {
        let now = question.now.map_or_else(|| self.clock.now(), UnixSeconds);
        let lines = question.asked.lines();
        let request = question.asked.request(&lines, now);
        let gate = self.gate.load_full();
        let (outcome, decided_in) = match question.claims {
            None => gate.ask(&request).await,
            Some(claims) => {
                let started = Instant::now();
                let loaded = gate.machine().0.read();
                let outcome = loaded.ask(&request, &mut Context::assuming(Some(claims)));
                (outcome, started.elapsed())
            }
        };
        self.record("authzen", &question.asked, &outcome, decided_in);
        zen::Decision {
            decision: matches!(outcome.action, Action::Forward(_)),
            status: outcome.status,
            reason: outcome.reason.code(),
            detail: outcome.detail,
            rule: outcome.rule,
        }
    }
}

/// The body for a rejected question, and its type.
pub(super) fn explained(bad: &BadQuestion) -> (&'static str, String) {
    let object = serde_json::json!({ "error": bad.code(), "message": bad.to_string() });
    (JSON, format!("{object}\n"))
}

fn json(status: StatusCode, body: String) -> Response<AnyBody> {
    with_type(status, JSON, body)
}

fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Response<AnyBody> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

fn allowed_methods(methods: &'static str) -> Response<AnyBody> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
    let methods = HeaderValue::from_static(methods);
    response.headers_mut().insert("allow", methods);
    response
}
