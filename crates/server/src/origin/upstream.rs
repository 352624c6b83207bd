//! Another HTTP server as the origin. It forwards, but does not cache, retry or follow redirects.

use core::pin::Pin;
use core::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::oneshot;
use tollgate_gate::{OWN_PREFIX, begins_with_spelling, is_spelling};

use super::{Allowed, BadUpstream, UpstreamOptions};
use crate::body::{AnyBody, BodyError, boxed, full, plain};

/// Headers that apply to a single connection (RFC 9110, section 7.6.1), and older ones still in use.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Headers in which a proxy reports its client and the requested host, and those with [`FORWARDED_PREFIX`]. A client can
/// write anything into them.
const SAID_BY_PROXIES: [&str; 9] = [
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-original-method",
    "x-original-uri",
    "x-real-ip",
    "x-replaced-path",
];
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// Whether a header is one of those that only proxies write, in any spelling.
fn is_said_by_proxies(name: &HeaderName) -> bool {
    let name = name.as_str();
    begins_with_spelling(name, FORWARDED_PREFIX)
        || SAID_BY_PROXIES.iter().any(|known| is_spelling(name, known))
}

#[derive(Debug)]
pub(super) struct Upstream {
    scheme: Scheme,
    authority: Authority,
    client: Pool,
    options: UpstreamOptions,
}

type Sent = Limited<Watched>;

#[derive(Debug)]
enum Pool {
    Http(Client<HttpConnector, Sent>),
    Https(Client<HttpsConnector<HttpConnector>, Sent>),
}

impl Upstream {
    pub(super) fn parse(url: &str, options: UpstreamOptions) -> Result<Upstream, BadUpstream> {
        let uri: Uri = url.parse().map_err(|_| BadUpstream::NotAUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(BadUpstream::NotAUrl);
        };
        if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
            return Err(BadUpstream::Scheme);
        }
        let path_is_empty = matches!(
            uri.path_and_query().map(PathAndQuery::as_str),
            None | Some("/")
        );
        if !path_is_empty || authority.as_str().contains('@') || url.contains('#') {
            return Err(BadUpstream::MoreThanHost);
        }
        let builder = Client::builder(TokioExecutor::new());
        let client = if *scheme == Scheme::HTTP {
            Pool::Http(builder.build_http())
        } else {
            let roots = HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
                .map_err(|_| BadUpstream::NoRoots)?;
            Pool::Https(builder.build(roots.https_only().enable_http1().build()))
        };
        Ok(Upstream {
            scheme: scheme.clone(),
            authority: authority.clone(),
            client,
            options,
        })
    }

    pub(super) async fn answer(&self, allowed: Allowed<'_>) -> Response<AnyBody> {
        let Allowed {
            method,
            target,
            reader: _,
            mut headers,
            client_ip,
            upgrade,
            trusts_proxy,
            body,
        } = allowed;
        let Some(uri) = self.uri(target) else {
            return plain(StatusCode::BAD_REQUEST);
        };
        let max_body_bytes = self.options.max_body_bytes.unwrap_or(usize::MAX);
        if body.size_hint().lower() > max_body_bytes as u64 {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let upgrade = upgrade.filter(|_| asks_for_websocket(&headers));
        strip_hop_by_hop(&mut headers);
        if upgrade.is_some() {
            websocket(&mut headers);
        }
        self.forwarded(&mut headers, trusts_proxy, client_ip);
        let has_body = !body.is_end_stream();
        if has_body && [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method) {
            // Some servers ignore such a body, and would read it as the next request of the connection.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let (body, sent) = watched(body);
        let mut request = Request::new(Limited::new(body, max_body_bytes));
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let answered = async {
            match &self.client {
                Pool::Http(client) => client.request(request).await,
                Pool::Https(client) => client.request(request).await,
            }
        };
        // The time begins when the upstream has the whole request: an upload takes as long as it takes.
        let late = async {
            let _ = sent.await;
            tokio::time::sleep(self.options.answer_timeout).await;
        };
        let answered = tokio::select! {
            answered = answered => Ok(answered),
            () = late => Err(()),
        };
        match answered {
            Err(()) => plain(StatusCode::GATEWAY_TIMEOUT),
            Ok(Err(error)) if is_body_too_large(&error) => plain(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Err(_)) => plain(StatusCode::BAD_GATEWAY),
            Ok(Ok(response)) => answer_of(response, upgrade),
        }
    }

    /// Replaces what a client says about itself and about the host it asked for.
    fn forwarded(&self, headers: &mut HeaderMap, trusts_proxy: bool, client_ip: Option<&str>) {
        let host = headers.remove(header::HOST);
        // The client's own claim about its address is never forwarded, because an upstream might trust it.
        headers.remove(FORWARDED_FOR);
        if !trusts_proxy {
            let said: Vec<HeaderName> = headers
                .keys()
                .filter(|name| is_said_by_proxies(name))
                .cloned()
                .collect();
            for name in said {
                headers.remove(name);
            }
        }
        if let Some(Ok(value)) = client_ip.map(HeaderValue::try_from) {
            headers.insert(FORWARDED_FOR, value);
        }
        // Without one, the client library sets the upstream's host.
        if let Some(host) = host.filter(|_| self.options.keeps_host) {
            headers.entry(FORWARDED_HOST).or_insert(host.clone());
            let proto = if self.options.is_https {
                "https"
            } else {
                "http"
            };
            let proto = HeaderValue::from_static(proto);
            headers.entry(FORWARDED_PROTO).or_insert(proto);
            headers.insert(header::HOST, host);
        }
    }

    /// Returns the URI for exactly `target`, or `None` if the client library would send other bytes than the
    /// gate evaluated.
    fn uri(&self, target: &[u8]) -> Option<Uri> {
        let path_and_query = PathAndQuery::try_from(target).ok()?;
        if !target.starts_with(b"/") || path_and_query.as_str().as_bytes() != target {
            return None;
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .ok()
    }
}

/// A request body, and a receiver that completes when the body has ended or was dropped.
fn watched(body: Incoming) -> (Watched, oneshot::Receiver<()>) {
    let (over, sent) = oneshot::channel();
    let over = if body.is_end_stream() {
        None
    } else {
        Some(over)
    };
    (Watched { body, over }, sent)
}

struct Watched {
    body: Incoming,
    /// Dropped at the end of the body.
    over: Option<oneshot::Sender<()>>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.over = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The response to the client. If the upstream changes the protocol, both connections are joined.
fn answer_of(
    mut response: Response<hyper::body::Incoming>,
    upgrade: Option<OnUpgrade>,
) -> Response<AnyBody> {
    let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    match upgrade {
        Some(client) if is_switch => {
            let upstream = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                // Either side may have gone away; nobody is left to be told.
                if let (Ok(client), Ok(upstream)) = (client.await, upstream.await) {
                    let _ = join(client, upstream).await;
                }
            });
            let (mut parts, _) = response.into_parts();
            strip_hop_by_hop(&mut parts.headers);
            websocket(&mut parts.headers);
            Response::from_parts(parts, full(""))
        }
        // The client did not ask for it.
        _ if is_switch => plain(StatusCode::BAD_GATEWAY),
        _ => {
            let (mut parts, body) = response.into_parts();
            strip_hop_by_hop(&mut parts.headers);
            // The version is that of the other connection.
            parts.version = Version::HTTP_11;
            Response::from_parts(parts, boxed(body.map_err(BodyError::from)))
        }
    }
}

async fn join(client: Upgraded, upstream: Upgraded) -> std::io::Result<(u64, u64)> {
    let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await
}

/// Whether a client asks for a WebSocket, the only protocol that is forwarded.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let is_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    let mut lines = headers.get_all(header::UPGRADE).iter();
    lines.next().is_some_and(is_websocket) && lines.next().is_none()
}

fn websocket(headers: &mut HeaderMap) {
    let (connection, upgrade) = ("upgrade", "websocket");
    headers.insert(header::CONNECTION, HeaderValue::from_static(connection));
    headers.insert(header::UPGRADE, HeaderValue::from_static(upgrade));
}

fn is_body_too_large(error: &(dyn core::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // A client must not be able to remove the gate's own headers, nor the host.
        .filter(|name: &HeaderName| !name.as_str().starts_with(OWN_PREFIX) && *name != header::HOST)
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
