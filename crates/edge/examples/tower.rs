//! A `tower` layer for hyper and axum: every request passes the gate before it reaches the application.
//!
//! An allowed request reaches the inner service with the gate's edits. The gate's edits to the response add a
//! session cookie, and a `Cache-Control` that keeps responses that required a token out of shared caches.
//! Every other request gets the gate's response. `Action` and the edits are destructured without `..`: a part
//! that a later version adds does not compile until it is handled.
//!
//! Run it with `cargo run -p tollgate-edge --example tower`.

use core::error::Error;
use core::future::{Future, ready};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context as TaskContext, Poll};
use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::routing::get;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, SET_COOKIE, UPGRADE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};
use tollgate_edge::{
    Action, Context, EdgeDenial, Forward, Gate, HeaderEdit, Native, Request, RequestEdits,
    Response, ResponseEdits, UnixSeconds,
};
use tower::{Layer, Service, ServiceExt};

#[path = "shared/sample.rs"]
mod sample;

/// Puts a gate in front of a service.
///
/// Wrap the whole service. `axum::Router::layer` would run after routing, when it is too late to edit the
/// target.
#[derive(Clone)]
struct GateLayer {
    gate: Arc<Gate<&'static [u8]>>,
    clock: fn() -> UnixSeconds,
}

/// Header lines of a request.
type Lines<'a> = &'a [(&'a str, &'a str)];

/// A service with a gate in front of it.
#[derive(Clone)]
struct Gated<S> {
    inner: S,
    layer: GateLayer,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        let layer = self.clone();
        Gated { inner, layer }
    }
}

impl<S, B, R> Service<http::Request<B>> for Gated<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: From<Cow<'static, str>> + Send + 'static,
{
    type Response = http::Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self.layer.decide(&mut parts) {
            Ok(edits) => {
                let answer = self.inner.call(http::Request::from_parts(parts, body));
                Box::pin(async move {
                    let mut response = answer.await?;
                    edit_response(response.headers_mut(), edits);
                    Ok(response)
                })
            }
            Err(response) => Box::pin(ready(Ok(own_response(response)))),
        }
    }
}

impl GateLayer {
    /// Evaluates a request. If it is allowed, edits it and returns the edits for the response to it.
    fn decide(&self, parts: &mut Parts) -> Result<ResponseEdits, Response> {
        let headers: Vec<_> = parts.headers.iter().map(line).collect();
        // The accept loop of the server inserts it. Headers are no source for it, because a client can send
        // any address.
        let peer = parts.extensions.get::<SocketAddr>();
        let ip = peer.map(|peer| peer.ip().to_string());
        let target = parts.uri.path_and_query();
        let request = Request {
            method: parts.method.as_str(),
            target: target.map_or(b"", |target| target.as_str().as_bytes()),
            headers: &headers,
            ip: ip.as_deref(),
            now: (self.clock)(),
            entropy: None,
        };
        let mut outcome = self.gate.ask(&request, &mut Context::new());
        let is_allowed = matches!(outcome.action, Action::Forward(_));
        if is_allowed && parts.headers.contains_key(UPGRADE) {
            // A WebSocket would outlive the token of its request.
            let token = outcome.log.token;
            outcome = self.gate.deny_at_edge(&request, token, EdgeDenial::Upgrade);
        }
        match outcome.action {
            Action::Forward(Forward { request, response }) => {
                let (uri, headers) = edited(parts, request).ok_or_else(unsendable)?;
                (parts.uri, parts.headers) = (uri, headers);
                Ok(response)
            }
            Action::Serve(response) | Action::Refuse(response) => Err(response),
        }
    }
}

fn line<'a>((name, value): (&'a HeaderName, &'a HeaderValue)) -> (&'a str, &'a [u8]) {
    (name.as_str(), value.as_bytes())
}

/// The URI and the header lines of a request with the gate's edits; `None` if `http` cannot represent them.
fn edited(parts: &Parts, edits: RequestEdits) -> Option<(Uri, HeaderMap)> {
    let RequestEdits {
        target,
        headers,
        added,
    } = edits;
    let mut uri = parts.uri.clone().into_parts();
    if let Some(target) = target {
        uri.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    }
    let mut lines = HeaderMap::new();
    let mut edits = headers.into_iter().peekable();
    for (at, (name, value)) in parts.headers.iter().enumerate() {
        let kept = match edits.next_if(|edit| edit.index == at) {
            Some(HeaderEdit { index: _, value }) => value.map(HeaderValue::try_from),
            None => Some(Ok(value.clone())),
        };
        if let Some(value) = kept {
            lines.append(name, value.ok()?);
        }
    }
    for (name, value) in added {
        lines.append(name, HeaderValue::try_from(value).ok()?);
    }
    Some((Uri::from_parts(uri).ok()?, lines))
}

/// Applies the gate's edits to the response to an allowed request.
fn edit_response(headers: &mut HeaderMap, edits: ResponseEdits) {
    let ResponseEdits { set_cookies, cache } = edits;
    for cookie in set_cookies {
        // Cookies of the gate are visible ASCII, so each is a header value.
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, value);
        }
    }
    let lines = headers.get_all(CACHE_CONTROL).into_iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    if let Some(Ok(value)) = cache.cache_control(&lines).map(HeaderValue::try_from) {
        headers.insert(CACHE_CONTROL, value);
    }
    for name in cache.removed() {
        headers.remove(*name);
    }
}

/// Converts the gate's response to the type of `http`.
fn own_response<R: From<Cow<'static, str>>>(own: Response) -> http::Response<R> {
    let Response {
        status,
        headers,
        body,
    } = own;
    let mut response = http::Response::new(R::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let (name, value) = (HeaderName::try_from(&*name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn unsendable() -> Response {
    Response {
        status: 500,
        headers: Vec::new(),
        body: Cow::Borrowed(""),
    }
}

/// The application: responds with what it received.
async fn lesson(request: AxumRequest) -> ([(HeaderName, &'static str); 1], String) {
    let names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    let body = format!("{} with {names:?}", request.uri());
    ([(CACHE_CONTROL, "public, max-age=60")], body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let layer = GateLayer {
        gate: Arc::new(Gate::new(sample::IMAGE, &Native)?),
        clock: || UnixSeconds(sample::NOW),
    };
    let application = axum::Router::new().route("/courses/{*path}", get(lesson));
    let site = layer.layer(application);

    let bearer = format!("Bearer {}", sample::token("school-1")?);
    let lesson = "/courses/rust-101/week1/a.mp4?page=2";
    let token = ("authorization", bearer.as_str());
    let requests: [(&str, &str, Lines<'_>); 6] = [
        ("preview", "/courses/rust-101/preview/intro.mp4", &[]),
        ("no token", lesson, &[]),
        ("token", lesson, &[token]),
        ("WebSocket", lesson, &[token, ("upgrade", "websocket")]),
        ("other course", "/courses/go-201/intro.mp4", &[token]),
        ("ambiguous", "/courses/rust-101/preview/..%2f..", &[]),
    ];
    for (what, target, headers) in requests {
        let mut request = http::Request::get(target).header("host", "learn.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = site.clone().oneshot(request.body(Body::empty())?).await?;
        show(what, response).await?;
    }
    Ok(())
}

async fn show(what: &str, response: http::Response<Body>) -> Result<(), Box<dyn Error>> {
    let (parts, body) = response.into_parts();
    let caching = parts.headers.get(CACHE_CONTROL);
    let caching = caching.map_or(Ok("-"), HeaderValue::to_str)?;
    println!("{what:12} {} cache-control: {caching}", parts.status);
    if parts.headers.contains_key(SET_COOKIE) {
        println!("{:12} sets a session cookie", "");
    }
    let body = axum::body::to_bytes(body, 65_536).await?;
    if parts.status == StatusCode::OK {
        println!("{:12} reached {}", "", String::from_utf8_lossy(&body));
    }
    Ok(())
}
