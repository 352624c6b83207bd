//! A client for HTTP and HTTPS.
//!
//! Not here: time limits, and when to send a request.

use core::error::Error;
use core::fmt;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tollgate_gate::FetchRequest;

use crate::native::Client;
use crate::platform::{Fetched, Task};

/// Sends requests over HTTP and HTTPS, and reuses connections. HTTPS trusts the system's root certificates.
#[derive(Clone, Default)]
pub struct HttpClient(Arc<Pools>);

#[derive(Default)]
struct Pools {
    http: OnceLock<Pool<HttpConnector, Full<Bytes>>>,
    /// Created for the first HTTPS URL, because loading the root certificates takes time; `None` if there are
    /// none.
    https: OnceLock<Option<Pool<HttpsConnector<HttpConnector>, Full<Bytes>>>>,
}

/// The reason why no response was received.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL is not an `http` or `https` URL, or the request cannot be built.
    Address,
    /// The URL is an HTTPS URL, and this machine has no trusted certificates.
    NoRoots,
    /// The connection or the body failed, or the body is too long.
    Io(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the URL is not a valid HTTP or HTTPS URL"),
            Self::NoRoots => f.write_str("this machine has no trusted certificates"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address | Self::NoRoots => None,
            Self::Io(error) => Some(&**error),
        }
    }
}

impl HttpClient {
    /// A client without open connections.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Pools {
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<Fetched, HttpError> {
        let response = match request.uri().scheme_str() {
            Some("http") => {
                let http = self.http.get_or_init(|| pool().build_http());
                http.request(request).await
            }
            Some("https") => {
                let https = self.https.get_or_init(https).as_ref();
                https.ok_or(HttpError::NoRoots)?.request(request).await
            }
            _ => return Err(HttpError::Address),
        };
        let response = response.map_err(|error| HttpError::Io(error.into()))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), max_bytes);
        let body = body.collect().await.map_err(HttpError::Io)?;
        Ok(Fetched {
            status,
            body: body.to_bytes().into(),
        })
    }
}

impl Client for HttpClient {
    type Error = HttpError;

    fn send(&self, request: FetchRequest, max_bytes: usize) -> Task<Result<Fetched, HttpError>> {
        let pools = Arc::clone(&self.0);
        Box::pin(async move {
            let request = request_of(request).ok_or(HttpError::Address)?;
            pools.send(request, max_bytes).await
        })
    }
}

/// Converts a request to hyper's type.
fn request_of(request: FetchRequest) -> Option<Request<Full<Bytes>>> {
    let FetchRequest {
        method,
        url,
        headers,
        body,
    } = request;
    let mut sent = Request::new(Full::new(Bytes::from(body)));
    *sent.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *sent.uri_mut() = url.parse::<Uri>().ok()?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(&value).ok()?;
        sent.headers_mut().append(name, value);
    }
    Some(sent)
}

fn pool() -> hyper_util::client::legacy::Builder {
    Pool::builder(TokioExecutor::new())
}

/// A pool for HTTPS that trusts the system's root certificates; `None` if there are none.
fn https() -> Option<Pool<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .ok()?
        .https_only()
        .enable_http1()
        .build();
    Some(pool().build(connector))
}
