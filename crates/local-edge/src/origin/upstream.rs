//! Another HTTP server as the origin. It forwards, but does not cache, retry or follow redirects.

use core::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::{Allowed, BadUpstream};
use crate::body::{AnyBody, BodyError, boxed, plain};

/// The largest request body that is forwarded, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The time limit until the response of the upstream begins.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

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
/// Headers in which a proxy reports its client and the requested host. A client can write anything into them.
const SAID_BY_PROXIES: [HeaderName; 7] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
];

#[derive(Debug)]
pub(super) struct Upstream {
    authority: Authority,
    client: Client<HttpConnector, Limited<hyper::body::Incoming>>,
}

impl Upstream {
    pub(super) fn parse(url: &str) -> Result<Upstream, BadUpstream> {
        let uri: Uri = url.parse().map_err(|_| BadUpstream::NotAUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(BadUpstream::NotAUrl);
        };
        if *scheme == Scheme::HTTPS {
            return Err(BadUpstream::Https);
        }
        if *scheme != Scheme::HTTP {
            return Err(BadUpstream::Scheme);
        }
        let path_is_empty = matches!(
            uri.path_and_query().map(PathAndQuery::as_str),
            None | Some("/")
        );
        if !path_is_empty || authority.as_str().contains('@') || url.contains('#') {
            return Err(BadUpstream::MoreThanHost);
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Upstream {
            authority: authority.clone(),
            client,
        })
    }

    pub(super) async fn answer(&self, allowed: Allowed<'_>) -> Response<AnyBody> {
        let Some(uri) = self.uri(allowed.target) else {
            return plain(StatusCode::BAD_REQUEST);
        };
        if allowed.body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut request = Request::new(Limited::new(allowed.body, MAX_BODY_BYTES));
        *request.uri_mut() = uri;
        *request.method_mut() = allowed.method;
        *request.headers_mut() = allowed.headers;
        strip_hop_by_hop(request.headers_mut());
        // The client library sets the upstream's host.
        request.headers_mut().remove(header::HOST);
        // The client's own claim about its address is never forwarded, because an upstream might trust it.
        request.headers_mut().remove(FORWARDED_FOR);
        if !allowed.trusts_proxy {
            for name in &SAID_BY_PROXIES {
                request.headers_mut().remove(name);
            }
        }
        if let Ok(value) = HeaderValue::try_from(allowed.client_ip) {
            request.headers_mut().insert(FORWARDED_FOR, value);
        }
        match tokio::time::timeout(ANSWER_TIMEOUT, self.client.request(request)).await {
            Err(_) => plain(StatusCode::GATEWAY_TIMEOUT),
            Ok(Err(error)) if is_body_too_large(&error) => plain(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Err(_)) => plain(StatusCode::BAD_GATEWAY),
            Ok(Ok(response)) => {
                let (mut parts, body) = response.into_parts();
                strip_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, boxed(body.map_err(BodyError::from)))
            }
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
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .ok()
    }
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
        // A client must not be able to remove the gate's own headers.
        .filter(|name: &HeaderName| !name.as_str().starts_with("x-tollgate-"))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
