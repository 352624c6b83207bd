//! Responses before they are encoded as HTTP: a status, a few header fields, a body, and a delay before
//! sending.

use core::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// How the connection ends, if a fault ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Complete,
    /// In the middle of the body.
    Truncated,
    /// Before the response.
    Closed,
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The delay before the response is sent.
    pub(crate) pause: Duration,
    pub(crate) ending: Ending,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: String) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Reply {
            status,
            headers,
            body: body.into_bytes(),
            pause: Duration::ZERO,
            ending: Ending::Complete,
        }
    }

    /// Adds a header field. An invalid value, which comes from a test's own input, is omitted.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// JSON, status 200.
pub(crate) fn json_reply(value: &Value) -> Reply {
    json_text(value.to_string())
}

/// Serialised JSON, status 200.
pub(crate) fn json_text(text: String) -> Reply {
    Reply::new(StatusCode::OK, "application/json", text)
}

/// A page, status 200.
pub(crate) fn html(page: String) -> Reply {
    Reply::new(StatusCode::OK, "text/html; charset=utf-8", page)
}

/// A line of text.
pub(crate) fn text(status: StatusCode, line: &str) -> Reply {
    Reply::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// A status with its standard phrase.
pub(crate) fn status(code: StatusCode) -> Reply {
    text(code, code.canonical_reason().unwrap_or("status"))
}

/// An error of OAuth 2.0 (RFC 6749, section 5.2).
pub(crate) fn oauth_error(error: &str) -> Reply {
    Reply {
        status: StatusCode::BAD_REQUEST,
        ..json_reply(&json!({ "error": error }))
    }
}
