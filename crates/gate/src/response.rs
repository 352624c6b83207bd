//! Responses that the gate makes.
//!
//! Not here: which response a denied request gets ([`respond`](crate::respond)).

use alloc::{borrow::Cow, string::String, vec::Vec};

/// A response from the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case; `set-cookie` can occur several times. The edge adds
    /// `content-length`.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body; empty for `HEAD`.
    pub body: Cow<'static, str>,
}

impl Response {
    /// Replaces the value of a field.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let mut fields = self.headers.iter_mut();
        if let Some((_, old)) = fields.find(|(known, _)| known == name) {
            *old = value.into();
        }
    }

    pub(crate) fn push(&mut self, name: &'static str, value: String) {
        self.headers.push((Cow::Borrowed(name), value));
    }
}

/// The response body for a status.
pub fn public_text(status: u16) -> &'static str {
    match status {
        302 | 401 => "Please sign in.\n",
        400 => "This address is not valid.\n",
        403 => "You have no access to this.\n",
        404 => "There is nothing here.\n",
        405 => "This method is not available here.\n",
        500 => "Something went wrong.\n",
        _ => "This is not available.\n",
    }
}

/// A response without a body.
pub(crate) fn empty(status: u16) -> Response {
    let mut response = plain("HEAD", status);
    response.headers.retain(|(name, _)| name != "content-type");
    response
}

/// A response with only the text for its status.
pub(crate) fn plain(method: &str, status: u16) -> Response {
    let headers = [
        ("cache-control", "no-store"),
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ];
    Response {
        status,
        headers: Vec::from(headers.map(|(name, value)| (Cow::Borrowed(name), value.into()))),
        body: Cow::Borrowed(if method == "HEAD" {
            ""
        } else {
            public_text(status)
        }),
    }
}
