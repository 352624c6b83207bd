//! Scripts of other origins that may read responses.
//!
//! Only listed origins, compared byte by byte. Scripts cannot send cookies: they send tokens in a header.

use super::reply::HttpReply;
use crate::http::HttpRequest;

const METHODS: &str = "GET, HEAD";
const HEADERS: &str = "authorization, if-none-match, range";
const EXPOSED: &str = "accept-ranges, content-disposition, content-length, content-range, etag";
/// The time that a browser may cache it.
const MAX_AGE_SECS: &str = "600";

/// The origin of a request, if it is listed.
fn listed<'a>(request: &HttpRequest, origins: &'a [String]) -> Option<&'a str> {
    let origin = request.header("origin")?;
    origins
        .iter()
        .find(|known| *known == origin)
        .map(String::as_str)
}

/// The response to a preflight of a listed origin, which has no token and is not evaluated. `None` for any
/// other request: the gate evaluates it, and its policy may list other origins.
pub(super) fn preflight(request: &HttpRequest, origins: &[String]) -> Option<HttpReply> {
    let is_preflight =
        request.method == "OPTIONS" && request.header("access-control-request-method").is_some();
    if !is_preflight {
        return None;
    }
    listed(request, origins)?;
    let mut reply = HttpReply::empty(204);
    reply.set("access-control-allow-methods", METHODS);
    reply.set("access-control-allow-headers", HEADERS);
    reply.set("access-control-max-age", MAX_AGE_SECS);
    Some(reply)
}

/// Adds the headers with which scripts of a listed origin can read the response.
pub(super) fn allow(request: &HttpRequest, origins: &[String], reply: &mut HttpReply) {
    if origins.is_empty() {
        return;
    }
    reply.set("vary", "origin");
    if let Some(origin) = listed(request, origins) {
        reply.set("access-control-allow-origin", origin);
        reply.set("access-control-expose-headers", EXPOSED);
    }
}
