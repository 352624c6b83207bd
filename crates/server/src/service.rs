//! The HTTP service: converts a request, calls the gate, and carries out the outcome. It makes no decision of
//! its own, except that it rejects a request whose target could not be read.

use core::future::poll_fn;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{CACHE_CONTROL, HOST, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tollgate_gate::{Action, CacheEdit, Forward, LogRecord, ResponseEdits};

use crate::authz::{AssertionKey, assert_identity};
use crate::body::{AnyBody, closing, full, plain};
use crate::clock::Clock;
use crate::keys::KeyedGate;
use crate::origin::{Allowed, Origin};
use crate::raw_target::RawTarget;
use crate::shell::{Answer, Peer};

/// The handling of `Cache-Control` in a response that required a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// Shared caches must not store the response.
    #[default]
    Private,
    /// The origin's value is unchanged.
    Origin,
}

/// The result of one request, for the log.
#[derive(Debug)]
#[non_exhaustive]
pub struct Served<'a> {
    /// The log record of the gate: decision, rule, reason; never the token.
    pub record: &'a LogRecord,
    /// The status that the client received: the origin's if the request was allowed, otherwise the gate's.
    pub status: u16,
    /// The evaluation time of the gate, without the origin and without waiting for keys.
    pub decided_in: Duration,
    /// The dialect in which a proxy asked; `http` for a request of a client.
    pub via: &'static str,
    /// The client's address, as the policy reads it: of the connection, or as the proxy that asked wrote it.
    pub client: Option<&'a str>,
    /// The host that the client named.
    pub host: Option<&'a [u8]>,
}

/// Called for every response once its head is known.
pub type LogSink = Box<dyn Fn(&Served<'_>) + Send + Sync>;

pub(crate) struct Service {
    pub(crate) gate: Arc<ArcSwap<KeyedGate>>,
    pub(crate) origin: Origin,
    pub(crate) clock: Clock,
    pub(crate) trust_forwarded_for: bool,
    pub(crate) caching: Caching,
    pub(crate) log: LogSink,
    /// Signs what the gate allowed, for the upstream.
    pub(crate) key: Option<Arc<AssertionKey>>,
}

impl Answer for Service {
    async fn answer(
        &self,
        peer: Peer,
        target: RawTarget,
        request: Request<Incoming>,
    ) -> Response<AnyBody> {
        guarded(target.is_last, self.decide(peer, &target.bytes, request)).await
    }
}

/// Awaits the response to a request. If its future panics, the response is a 500 and the connection is closed.
pub(crate) async fn guarded(
    is_last: bool,
    answering: impl Future<Output = Response<AnyBody>>,
) -> Response<AnyBody> {
    let mut answering = pin!(answering);
    let answered = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    });
    match answered.await {
        None => closing(plain(StatusCode::INTERNAL_SERVER_ERROR)),
        Some(response) if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS => {
            closing(response)
        }
        Some(response) => response,
    }
}

impl Service {
    async fn decide(
        &self,
        peer: Peer,
        target: &[u8],
        request: Request<Incoming>,
    ) -> Response<AnyBody> {
        let (mut parts, body) = request.into_parts();
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let ip = self.client_ip(peer, &parts.headers);
        let host = parts.headers.get(HOST).cloned();
        let headers: Vec<(&str, &[u8])> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let asked = tollgate_gate::Request {
            method: parts.method.as_str(),
            target,
            headers: &headers,
            ip: ip.as_deref(),
            now: self.clock.now(),
            entropy: None,
        };
        let gate = self.gate.load_full();
        let (outcome, decided_in) = gate.ask(&asked).await;
        let mut record = Recorded {
            log: &self.log,
            record: &outcome.log,
            decided_in,
            status: CLIENT_LEFT,
            client: ip.as_deref(),
            host: host.as_ref().map(HeaderValue::as_bytes),
        };
        let response = match outcome.action {
            Action::Forward(Forward {
                request: edits,
                response: response_edits,
            }) => {
                let method = parts.method.clone();
                let mut headers = header_map(edits.headers_for(&asked));
                if let Some(key) = &self.key {
                    let site = gate.machine().0.read().config().site.clone();
                    let signed = assert_identity(&mut headers, key, &site, &asked, &edits);
                    if signed.is_none() {
                        let failed = plain(StatusCode::INTERNAL_SERVER_ERROR);
                        record.status = failed.status().as_u16();
                        return failed;
                    }
                }
                let target = edits.target_for(&asked);
                let mut response = self
                    .origin
                    .answer(Allowed {
                        method,
                        target,
                        reader: gate.machine().0.path_reader(),
                        headers,
                        client_ip: ip.as_deref(),
                        upgrade,
                        trusts_proxy: self.trust_forwarded_for,
                        body,
                    })
                    .await;
                edit_response(response.headers_mut(), response_edits, self.caching);
                response
            }
            Action::Serve(own) | Action::Refuse(own) => of_gate(own),
        };
        record.status = response.status().as_u16();
        response
    }

    /// The address that networks in the policy are matched against. A forwarded address is the last one in
    /// the header, which the proxy in front of this server wrote; earlier entries come from the client. An
    /// invalid one is not replaced by the proxy's own address: the address is then unknown.
    fn client_ip(&self, peer: Peer, headers: &HeaderMap) -> Option<String> {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        match forwarded.filter(|_| self.trust_forwarded_for) {
            Some(list) => {
                let last = list.to_str().ok().and_then(|list| list.rsplit(',').next());
                last.map(|last| last.trim().to_owned())
            }
            None => match peer {
                Peer::Ip(ip) => Some(ip.to_string()),
                Peer::Local => None,
            },
        }
    }
}

/// The status in the record of a client that left before the head of its response, as in the logs of nginx.
const CLIENT_LEFT: u16 = 499;

/// Records a decision when its response is known, or when its client has left.
struct Recorded<'a> {
    log: &'a LogSink,
    record: &'a LogRecord,
    decided_in: Duration,
    status: u16,
    client: Option<&'a str>,
    host: Option<&'a [u8]>,
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        // A second panic would end the process.
        if std::thread::panicking() {
            return;
        }
        (self.log)(&Served {
            record: self.record,
            status: self.status,
            decided_in: self.decided_in,
            via: "http",
            client: self.client,
            host: self.host,
        });
    }
}

/// Converts a response of the gate.
pub(crate) fn of_gate(own: tollgate_gate::Response) -> Response<AnyBody> {
    let tollgate_gate::Response {
        status,
        headers,
        body,
    } = own;
    let mut response = Response::new(full(body.into_owned()));
    let fields = headers.iter();
    *response.headers_mut() = header_map(fields.map(|(name, value)| (&**name, value.as_bytes())));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Converts fields to hyper's type. All of them come from a header map or from the gate, so none is dropped.
pub(crate) fn header_map<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    fields
        .filter_map(|(name, value)| {
            Some((
                HeaderName::try_from(name).ok()?,
                HeaderValue::try_from(value).ok()?,
            ))
        })
        .fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
}

/// Applies the gate's edits to the headers of a response.
fn edit_response(headers: &mut HeaderMap, edits: ResponseEdits, caching: Caching) {
    let ResponseEdits { set_cookies, cache } = edits;
    let cache = match (cache, caching) {
        (CacheEdit::Private, Caching::Origin) => CacheEdit::Keep,
        (cache, _) => cache,
    };
    for cookie in set_cookies {
        // The gate builds it from visible ASCII, so it is always valid.
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, value);
        }
    }
    // A value that is not text is dropped: its meaning is unknown.
    let lines = headers.get_all(CACHE_CONTROL).into_iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    if let Some(Ok(value)) = cache.cache_control(&lines).map(HeaderValue::try_from) {
        headers.insert(CACHE_CONTROL, value);
    }
    for name in cache.removed() {
        headers.remove(*name);
    }
}
