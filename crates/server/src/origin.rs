//! The source of the content of allowed requests. Not here: decisions about access.

mod folder;
mod upstream;

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io;
use std::path::Path;

use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tollgate_core::PathReader;

use crate::body::AnyBody;

/// The content that the gate protects.
#[derive(Debug)]
pub struct Origin(Kind);

#[derive(Debug)]
enum Kind {
    Folder(folder::Folder),
    Upstream(Box<upstream::Upstream>),
}

/// How requests are forwarded to another server.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamOptions {
    /// The largest request body that is forwarded, in bytes; `None` for any size.
    pub max_body_bytes: Option<usize>,
    /// The time limit until the response of the upstream begins.
    pub answer_timeout: Duration,
    /// Whether the upstream receives the client's `Host` instead of its own, with `x-forwarded-host` and
    /// `x-forwarded-proto`.
    pub keeps_host: bool,
    /// Whether clients use HTTPS, for `x-forwarded-proto`.
    pub is_https: bool,
}

impl Default for UpstreamOptions {
    fn default() -> UpstreamOptions {
        UpstreamOptions {
            max_body_bytes: Some(16 * 1024 * 1024),
            answer_timeout: Duration::from_secs(30),
            keeps_host: false,
            is_https: false,
        }
    }
}

/// A request that the gate allowed, with exactly the target that it returned.
pub(crate) struct Allowed<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a [u8],
    /// The path reader for the target.
    pub(crate) reader: PathReader,
    pub(crate) headers: HeaderMap,
    /// The client's address, as passed to the gate.
    pub(crate) client_ip: Option<&'a str>,
    /// The connection, if the client asks to change its protocol.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// Whether the client is a trusted proxy, so that its `X-Forwarded-…` headers are forwarded.
    pub(crate) trusts_proxy: bool,
    pub(crate) body: Incoming,
}

impl Origin {
    /// The files below `root`. Each file has a single name, the one on disk, byte for byte. Links are not
    /// followed, and the only index document is that of the policy.
    ///
    /// # Errors
    ///
    /// Returns an error if `root` is not a readable directory.
    pub fn folder(root: &Path) -> io::Result<Origin> {
        Ok(Origin(Kind::Folder(folder::Folder::open(root)?)))
    }

    /// Another HTTP server, as `http://host` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// Returns an error if `url` is anything else, or if it is an `https:` URL and this machine has no trusted
    /// certificates.
    pub fn upstream(url: &str, options: UpstreamOptions) -> Result<Origin, BadUpstream> {
        let upstream = upstream::Upstream::parse(url, options)?;
        Ok(Origin(Kind::Upstream(Box::new(upstream))))
    }

    pub(crate) async fn answer(&self, request: Allowed<'_>) -> Response<AnyBody> {
        match &self.0 {
            Kind::Folder(folder) => {
                folder
                    .answer(
                        request.method,
                        request.target,
                        request.reader,
                        request.headers,
                    )
                    .await
            }
            Kind::Upstream(upstream) => upstream.answer(request).await,
        }
    }
}

/// The reason why a URL is rejected as an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadUpstream {
    /// Not a URL with a host.
    NotAUrl,
    /// The scheme is `https`, and this machine has no trusted certificates.
    NoRoots,
    /// The scheme is neither `http` nor `https`.
    Scheme,
    /// A path, a query or a user name follows or precedes the host.
    MoreThanHost,
}

impl fmt::Display for BadUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadUpstream::NotAUrl => "not a URL with a host",
            BadUpstream::NoRoots => {
                "this machine has no trusted certificates, so an `https:` upstream cannot be verified"
            }
            BadUpstream::Scheme => "the scheme of an upstream must be `http` or `https`",
            BadUpstream::MoreThanHost => {
                "an upstream URL must consist of scheme, host and optional port, because the path comes from the request"
            }
        })
    }
}

impl Error for BadUpstream {}
