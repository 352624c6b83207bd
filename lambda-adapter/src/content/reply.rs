//! An HTTP response, and its encoding for API Gateway.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};
use tollgate_gate::{Response, ResponseEdits};

/// The format of the event that is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// 1.0: lists of values.
    First,
    /// 2.0: one value per header, and a list of cookies.
    Second,
}

/// An HTTP response, without its body if that is streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// Header fields; names in lower case, each of them once.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
    /// The body, unless it is streamed.
    pub body: Body,
}

/// The body of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Text, or empty.
    Text(Cow<'static, str>),
    /// Bytes, which are encoded as base64.
    Bytes(Vec<u8>),
}

impl HttpReply {
    /// A response without headers and body.
    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Body::Text(Cow::Borrowed("")),
        }
    }

    /// An error response with one plain line. It does not contain the reason.
    pub(crate) fn plain(status: u16) -> Self {
        let line = match status {
            400 => "Bad Request\n",
            403 => "Forbidden\n",
            404 => "Not Found\n",
            405 => "Method Not Allowed\n",
            413 => "Content Too Large\n",
            416 => "Range Not Satisfiable\n",
            502 => "Bad Gateway\n",
            503 => "Service Unavailable\n",
            _ => "Internal Server Error\n",
        };
        let mut reply = Self::empty(status);
        reply.set("content-type", "text/plain; charset=utf-8");
        reply.set("cache-control", "no-store");
        reply.body = Body::Text(Cow::Borrowed(line));
        reply
    }

    /// Converts the gate's own response.
    pub(crate) fn from_gate(response: &Response) -> Self {
        let Response {
            status,
            headers,
            body,
        } = response;
        let is_cookie = |(name, _): &&(Cow<'static, str>, String)| name == "set-cookie";
        Self {
            status: *status,
            headers: headers
                .iter()
                .filter(|field| !is_cookie(field))
                .cloned()
                .collect(),
            cookies: headers
                .iter()
                .filter(is_cookie)
                .map(|(_, value)| value.clone())
                .collect(),
            body: Body::Text(body.clone()),
        }
    }

    /// Applies the gate's edits to a response.
    pub(crate) fn edit(&mut self, edits: &ResponseEdits) {
        let ResponseEdits { set_cookies, cache } = edits;
        self.cookies.extend(set_cookies.iter().cloned());
        let is_cache_control = |(name, _): &&(Cow<'static, str>, String)| name == "cache-control";
        let lines = self.headers.iter().filter(is_cache_control);
        let lines: Vec<&str> = lines.map(|(_, value)| value.as_str()).collect();
        if let Some(value) = cache.cache_control(&lines) {
            self.set("cache-control", value);
        }
    }

    /// Sets a header, replacing an existing one.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((Cow::Borrowed(name), value.into()));
    }

    /// Encodes the result of the function for API Gateway.
    pub(crate) fn to_value(&self, format: Format) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        let (body, is_base64) = match &self.body {
            Body::Text(text) => (text.to_string(), false),
            Body::Bytes(bytes) => (Base64::encode_string(bytes), true),
        };
        let mut value = json!({
            "statusCode": self.status,
            "headers": headers,
            "body": body,
            "isBase64Encoded": is_base64,
        });
        if !self.cookies.is_empty()
            && let Some(members) = value.as_object_mut()
        {
            let (name, cookies) = match format {
                Format::First => ("multiValueHeaders", json!({ "set-cookie": self.cookies })),
                Format::Second => ("cookies", json!(self.cookies)),
            };
            members.insert(name.to_owned(), cookies);
        }
        value
    }
}
