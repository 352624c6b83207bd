//! The gate request, read from a Workers `Request`.
//!
//! The runtime passes the target as it was received, without a fragment, and only the path of the absolute
//! form. Header values are strings, in which bytes that are not UTF-8 are U+FFFD. Several lines of one name
//! are joined with a comma and a space, which cannot be distinguished from a comma in a cookie value. A token
//! after a comma therefore does not count, as on every other edge that receives the cookies in one line. It
//! is nevertheless not forwarded. Not here: the meaning of these values.

use tollgate_gate::{Request, UnixSeconds};
use worker::{Headers, web_sys};

/// The header in which Cloudflare sets the client's address, overwriting the client's own value.
const CLIENT_ADDRESS: &str = "cf-connecting-ip";
pub(crate) const COOKIE: &str = "cookie";
/// The separator between lines that the runtime has joined.
pub(crate) const JOINT: &str = ", ";
const UPGRADE: &str = "upgrade";
/// The protocol of an upgraded connection, which is no longer HTTP.
const WEBSOCKET: &str = "websocket";

/// The facts of a request.
pub(crate) struct Facts {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    ip: Option<String>,
    now: UnixSeconds,
}

/// Facts with their headers in the form of a gate request.
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
            headers.push((name, value));
        }
        Self {
            method: request.method(),
            url: request.url(),
            headers,
            ip,
            now,
        }
    }

    /// The facts in the form of a gate request.
    pub(crate) fn borrow(&self) -> Borrowed<'_> {
        let headers = self.headers.iter();
        Borrowed {
            facts: self,
            headers: headers
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect(),
        }
    }

    /// The same, with cookies split wherever the runtime may have joined lines.
    pub(crate) fn borrow_apart(&self) -> Borrowed<'_> {
        let mut headers: Vec<(&str, &[u8])> = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            if name == COOKIE {
                let lines = value.split(JOINT);
                headers.extend(lines.map(|line| (name.as_str(), line.as_bytes())));
            } else {
                headers.push((name, value.as_bytes()));
            }
        }
        Borrowed {
            facts: self,
            headers,
        }
    }

    /// Host and port as the client sent them.
    pub(crate) fn authority(&self) -> &str {
        let (site, _) = self.url();
        site.split_once("://").map_or(site, |(_, host)| host)
    }

    /// Whether the client requests a WebSocket.
    pub(crate) fn is_upgrade(&self) -> bool {
        let mut protocols = self
            .headers
            .iter()
            .filter(|(name, _)| name == UPGRADE)
            .flat_map(|(_, value)| value.split(','));
        protocols.any(|protocol| protocol.trim().eq_ignore_ascii_case(WEBSOCKET))
    }

    /// The part of the URL before the target, and the target.
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
            entropy: None,
        }
    }
}

/// Splits a URL at the end of its authority. Every byte that ends an authority for some parser ends it here.
/// A `Host` with such a byte results in a target that no path starts with, or in exactly the path that is
/// forwarded.
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

/// Whether the text is a host, with an optional port, that all parsers read identically: no user, no escapes,
/// and only ASCII.
pub(crate) fn is_plain_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| {
        (1..=5).contains(&port.len())
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(address) => !address.is_empty() && address.bytes().all(is_address),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    is_host && port.is_none_or(is_port)
}
