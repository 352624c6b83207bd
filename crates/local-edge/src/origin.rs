//! Where the content comes from once the gate has said yes. Nothing here decides about access.

mod folder;
mod upstream;

use core::error::Error;
use core::fmt;
use std::io;
use std::path::Path;

use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use tollgate_core::PathReader;

use crate::body::AnyBody;

/// The content behind the gate.
#[derive(Debug)]
pub struct Origin(Kind);

#[derive(Debug)]
enum Kind {
    Folder(folder::Folder),
    Upstream(Box<upstream::Upstream>),
}

/// A request that the gate has let through, with exactly the target it returned.
pub(crate) struct Allowed<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a [u8],
    /// How the path in it is read.
    pub(crate) reader: PathReader,
    pub(crate) headers: HeaderMap,
    /// The client's address, as the gate took it.
    pub(crate) client_ip: &'a str,
    /// Whether a trusted proxy is the client, so that its `X-Forwarded-…` headers count.
    pub(crate) trusts_proxy: bool,
    pub(crate) body: Incoming,
}

impl Origin {
    /// The files below `root`. Each file has one name, the one on disk, byte for byte: links are
    /// not followed, and there are no index documents but the policy's own.
    ///
    /// # Errors
    ///
    /// If `root` is not a folder that can be read.
    pub fn folder(root: &Path) -> io::Result<Origin> {
        Ok(Origin(Kind::Folder(folder::Folder::open(root)?)))
    }

    /// Another HTTP server, as `http://host` or `http://host:port`.
    ///
    /// # Errors
    ///
    /// If `url` is anything more than that. There is no TLS here, so `https:` is refused.
    pub fn upstream(url: &str) -> Result<Origin, BadUpstream> {
        let upstream = upstream::Upstream::parse(url)?;
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

/// Why a URL cannot be an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadUpstream {
    /// Not a URL with a host.
    NotAUrl,
    /// The scheme is `https`.
    Https,
    /// The scheme is neither `http` nor `https`.
    Scheme,
    /// A path, a query or a user name follows or precedes the host.
    MoreThanHost,
}

impl fmt::Display for BadUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadUpstream::NotAUrl => "not a URL with a host",
            BadUpstream::Https => "an `https:` upstream is not supported here",
            BadUpstream::Scheme => "the scheme of an upstream must be `http`",
            BadUpstream::MoreThanHost => {
                "an upstream is a scheme, a host and a port; the path comes from the request"
            }
        })
    }
}

impl Error for BadUpstream {}
