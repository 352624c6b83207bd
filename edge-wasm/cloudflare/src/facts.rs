//! What the gate asks about a request, read from a Workers `Request`.
//!
//! The runtime gives a target as it was received, but for a fragment, which is cut, and for the
//! absolute form, of which the path is left. Values of headers are text: bytes that are not UTF-8 stand
//! there as U+FFFD. Lines of one name come as one value, joined with a comma and a space. Not here: what
//! any of it means.

use tollgate_gate::{Request, UnixSeconds};
use worker::{Headers, web_sys};

/// Where Cloudflare puts the client's address, instead of whatever the client sent there.
const CLIENT_ADDRESS: &str = "cf-connecting-ip";
/// What stands between the lines that the runtime has joined.
pub(crate) const JOINT: &str = ", ";
/// The one header that the runtime should have joined with a semicolon.
pub(crate) const COOKIE: &str = "cookie";

/// A request's facts.
pub(crate) struct Facts {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    ip: Option<String>,
    now: UnixSeconds,
}

/// Facts with their headers in the form that the gate takes.
pub(crate) struct Borrowed<'a> {
    facts: &'a Facts,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl Facts {
    pub(crate) fn of(request: &web_sys::Request, now: UnixSeconds) -> Self {
        let mut headers = Vec::new();
        let mut ip = None;
        for (name, value) in Headers(request.headers()).entries() {
            if name == CLIENT_ADDRESS {
                ip = Some(value.clone());
            }
            if name == COOKIE {
                // Taken apart again: a token must not hide from its removal behind a joint.
                headers.extend(
                    value
                        .split(JOINT)
                        .map(|line| (name.clone(), line.to_owned())),
                );
            } else {
                headers.push((name, value));
            }
        }
        Self {
            method: request.method(),
            url: request.url(),
            headers,
            ip,
            now,
        }
    }

    /// The form in which the gate takes it.
    pub(crate) fn borrow(&self) -> Borrowed<'_> {
        let headers = self.headers.iter();
        Borrowed {
            facts: self,
            headers: headers
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect(),
        }
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Scheme and host, and the target.
    pub(crate) fn url(&self) -> (&str, &str) {
        split(&self.url)
    }
}

impl Borrowed<'_> {
    pub(crate) fn as_request(&self) -> Request<'_> {
        let Facts {
            method,
            url,
            ip,
            now,
            ..
        } = self.facts;
        Request {
            method,
            target: split(url).1.as_bytes(),
            headers: &self.headers,
            ip: ip.as_deref(),
            now: *now,
        }
    }
}

/// A URL before and after the end of its authority. Whatever ends an authority for some reader ends it
/// here: a `Host` with such a byte in it makes a target that no path begins with, or the very path that
/// is sent on.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .bytes()
        .enumerate()
        .skip(begin)
        .find(|(_, byte)| matches!(byte, b'/' | b'?' | b'#' | b'\\'))
        .map_or(url.len(), |(at, _)| at);
    url.split_at_checked(end).unwrap_or((url, ""))
}
