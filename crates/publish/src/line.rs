//! Requests over HTTPS.
//!
//! Not here: what is sent, and credentials. Redirects are not followed, because a request has credentials.

use core::time::Duration;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use crate::call::Reply;
use crate::error::PublishError;
use crate::world::SendError;

/// Without it, some providers' own protections reject a request.
pub(crate) const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));
/// The longest response, in bytes.
const MAX_REPLY_BYTES: usize = 64 * 1024 * 1024;
/// The longest time for one response. A package is large, and the line may be slow.
const REPLY_SECS: u64 = 120;

/// A request with its credentials or signature.
#[derive(Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// All headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

type Pool = Client<HttpsConnector<HttpConnector>, Full<hyper::body::Bytes>>;

/// Connections, and what waits for them.
pub(crate) struct Line {
    pub(crate) runtime: Runtime,
    pool: Pool,
}

impl Line {
    /// Prepares connections.
    ///
    /// # Errors
    /// Returns an error if this machine has no trusted certificates, or no task can run.
    pub(crate) fn new() -> Result<Self, PublishError> {
        let local = |message: String| PublishError::Network {
            action: "connect".to_owned(),
            message,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| local(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|_| local("this machine has no trusted certificates".to_owned()))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            runtime,
            pool: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Returns an error if there is no response.
    pub(crate) fn send(&self, request: Request) -> Result<Reply, SendError> {
        let pool = self.pool.clone();
        let limit = Duration::from_secs(REPLY_SECS);
        self.runtime.block_on(async move {
            match tokio::time::timeout(limit, exchange(&pool, request)).await {
                Ok(result) => result,
                Err(_) => Err(SendError::Lost(format!(
                    "no complete response within {REPLY_SECS} s"
                ))),
            }
        })
    }
}

async fn exchange(pool: &Pool, request: Request) -> Result<Reply, SendError> {
    let Request {
        method,
        url,
        headers,
        body,
    } = request;
    let mut builder = http::Request::builder().method(method).uri(&url);
    for (name, value) in &headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(hyper::body::Bytes::from(body));
    let sent = builder.body(body).map_err(|error| {
        SendError::Fatal(PublishError::Network {
            action: method.to_owned(),
            message: error.to_string(),
        })
    })?;
    let response = pool
        .request(sent)
        .await
        .map_err(|error| SendError::Lost(causes(&error)))?;
    let status = response.status().as_u16();
    let etag = response.headers().get("etag");
    let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), MAX_REPLY_BYTES);
    let body = body
        .collect()
        .await
        .map_err(|error| SendError::Lost(error.to_string()))?;
    Ok(Reply {
        status,
        etag,
        body: body.to_bytes().into(),
    })
}

/// The URL that paths are appended to, from a setting. Only a server on this machine may have credentials unencrypted.
///
/// # Errors
/// Returns an error if the URL cannot be used.
pub(crate) fn endpoint(name: &'static str, text: &str) -> Result<String, PublishError> {
    let bad = |problem: &str| {
        Err(PublishError::Setting {
            name,
            problem: problem.to_owned(),
        })
    };
    let Ok(uri) = text.parse::<http::Uri>() else {
        return bad("is no URL");
    };
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&uri.host().unwrap_or_default());
    match uri.scheme_str() {
        _ if uri.query().is_some() || text.contains(['@', '#']) => {
            bad("must be a scheme, a host and a path")
        }
        Some("http") if !is_local => bad(
            "must begin with `https://`: credentials would be sent unencrypted to another machine",
        ),
        Some("https" | "http") => Ok(text.trim_end_matches('/').to_owned()),
        _ => bad("must begin with `https://`"),
    }
}

/// The messages of an error and its causes.
pub fn causes(error: &dyn core::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    texts.join(": ")
}
