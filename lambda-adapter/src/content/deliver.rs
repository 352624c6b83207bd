//! The response to an allowed request: the file, a link, or an error.

use tollgate_core::{PathReader, UnixSeconds};

use super::file::{content_type, disposition};
use super::reply::{Body, HttpReply};
use super::{ByteRange, ContentSettings, Delivery, Oversize, cors};
use crate::http::HttpRequest;
use crate::raw_path;
use crate::store::{Chunks, Facts, Store, StoreError, Want};

/// Maximum number of bytes of a file in one response: a Lambda result has at most 6 MiB, of which base64
/// takes a quarter and headers a little.
pub const MAX_BODY_BYTES: u64 = (6 * 1_024 * 1_024 - 64 * 1_024) / 4 * 3;

/// Longest `If-None-Match` that is forwarded, in bytes.
const MAX_TAG_BYTES: usize = 256;

/// Delivers objects from a store.
pub struct Content<S> {
    pub(crate) settings: ContentSettings,
    pub(super) store: S,
}

/// The response, and the detail code for the operator if it is not the requested file.
pub(crate) struct Delivered<B> {
    pub(crate) reply: HttpReply,
    /// The body, if it is streamed.
    pub(crate) chunks: Option<B>,
    /// A stable detail code.
    pub(crate) trouble: Option<&'static str>,
}

/// The reason why nothing is delivered.
pub(super) enum Trouble {
    Store(StoreError),
    /// The status and the detail code.
    Refused(u16, &'static str),
}

impl<B> Delivered<B> {
    pub(crate) fn plain(reply: HttpReply) -> Self {
        Self {
            reply,
            chunks: None,
            trouble: None,
        }
    }
}

impl<S: Store> Content<S> {
    /// Content delivery from `store` with these settings.
    pub fn new(settings: ContentSettings, store: S) -> Self {
        Self { settings, store }
    }

    /// The response to a preflight, which is not evaluated.
    pub(crate) fn preflight(&self, request: &HttpRequest) -> Option<HttpReply> {
        let mut reply = cors::preflight(request, &self.settings.origins)?;
        cors::allow(request, &self.settings.origins, &mut reply);
        Some(reply)
    }

    /// The last step for every response.
    pub(crate) fn finish(&self, request: &HttpRequest, reply: &mut HttpReply) {
        cors::allow(request, &self.settings.origins, reply);
        if request.method == "HEAD" {
            reply.body = Body::Text("".into());
        }
    }

    /// Returns the response to an allowed request for a raw path.
    pub(crate) async fn deliver(
        &self,
        request: &HttpRequest,
        (raw, reader): (&str, PathReader),
        now: UnixSeconds,
    ) -> Delivered<S::Body> {
        let is_head = request.method == "HEAD";
        if !is_head && request.method != "GET" {
            // The policy allows the method, but nothing can be written here.
            let mut reply = HttpReply::plain(405);
            reply.set("allow", "GET, HEAD");
            return Delivered {
                trouble: Some("read_only"),
                ..Delivered::plain(reply)
            };
        }
        let Some(key) = raw_path::to_key(raw, reader) else {
            return refused(&Trouble::Store(StoreError::Missing));
        };
        let delivered = match &self.settings.delivery {
            _ if is_head && self.settings.checks_object => self.described(&key).await,
            Delivery::Body => self.body(request, &key).await,
            Delivery::Stream => self.stream(request, &key).await,
            Delivery::Presigned => {
                self.presigned(request, &key, self.settings.checks_object)
                    .await
            }
            Delivery::SignedUrl(front) => {
                self.signed(front, request, (raw, &key), now, false).await
            }
            Delivery::SignedCookies(front) => {
                self.signed(front, request, (raw, &key), now, true).await
            }
        };
        delivered.unwrap_or_else(|trouble| refused(&trouble))
    }

    /// The response to HEAD: the headers of the file.
    async fn described(&self, key: &str) -> Result<Delivered<S::Body>, Trouble> {
        let facts = self.store.head(key).await?;
        let mut reply = self.head(key, &facts);
        reply.set("content-length", facts.length_bytes.to_string());
        Ok(Delivered::plain(reply))
    }

    /// The file in the response body.
    async fn body(&self, request: &HttpRequest, key: &str) -> Result<Delivered<S::Body>, Trouble> {
        let mut want = wanted(request);
        want.range = want.range.map(|range| range.at_most(MAX_BODY_BYTES));
        let (facts, mut chunks) = self.store.get(key, &want).await?;
        if facts.length_bytes > MAX_BODY_BYTES {
            drop(chunks);
            return match self.settings.oversize {
                Oversize::Presigned => self.presigned(request, key, false).await,
                Oversize::Refuse => Err(Trouble::Refused(413, "object_too_large")),
            };
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        // A truncated file must not look complete.
        if u64::try_from(bytes.len()).ok() != Some(facts.length_bytes) {
            return Err(Trouble::Store(StoreError::Unavailable));
        }
        let mut reply = self.head(key, &facts);
        reply.body = Body::Bytes(bytes);
        Ok(Delivered::plain(reply))
    }

    /// The file, streamed.
    async fn stream(
        &self,
        request: &HttpRequest,
        key: &str,
    ) -> Result<Delivered<S::Body>, Trouble> {
        let (facts, chunks) = self.store.get(key, &wanted(request)).await?;
        Ok(Delivered {
            reply: self.head(key, &facts),
            chunks: Some(chunks),
            trouble: None,
        })
    }

    /// Status and headers for a file or a part of it.
    fn head(&self, key: &str, facts: &Facts) -> HttpReply {
        let mut reply = HttpReply::empty(if facts.range.is_some() { 206 } else { 200 });
        reply.set("content-type", content_type(key));
        reply.set(
            "content-disposition",
            disposition(key, self.settings.is_inline),
        );
        reply.set("x-content-type-options", "nosniff");
        reply.set("accept-ranges", "bytes");
        // Browsers may cache it but must revalidate it, because the user's access may have been revoked.
        reply.set("cache-control", "private, no-cache");
        if let Some(range) = &facts.range {
            reply.set("content-range", range.clone());
        }
        if let Some(tag) = &facts.tag {
            reply.set("etag", tag.clone());
        }
        reply
    }
}

/// The conditions of a request. A conditional range is ignored, which is valid because the whole file is also
/// a correct response.
fn wanted(request: &HttpRequest) -> Want {
    let range = match request.header("if-range") {
        Some(_) => None,
        None => request.header("range").and_then(ByteRange::read),
    };
    let tag = request.header("if-none-match").filter(|tag| {
        tag.len() <= MAX_TAG_BYTES && tag.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    });
    Want {
        range,
        unless_tag: tag.map(str::to_owned),
    }
}

fn refused<B>(trouble: &Trouble) -> Delivered<B> {
    let (status, code) = match trouble {
        Trouble::Refused(status, code) => (*status, *code),
        Trouble::Store(error) => {
            let status = match error {
                StoreError::Missing => 404,
                StoreError::Unchanged => 304,
                StoreError::NoSuchBytes(_) => 416,
                StoreError::Unavailable => 503,
                StoreError::Refused | StoreError::Broken => 502,
            };
            (status, error.code())
        }
    };
    let mut reply = match status {
        304 => HttpReply::empty(304),
        status => HttpReply::plain(status),
    };
    if let Trouble::Store(StoreError::NoSuchBytes(Some(total))) = trouble {
        reply.set("content-range", format!("bytes */{total}"));
    }
    Delivered {
        reply,
        chunks: None,
        trouble: (status != 304).then_some(code),
    }
}

impl core::convert::From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
