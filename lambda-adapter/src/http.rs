//! The HTTP request in an event of API Gateway or of a function URL.
//!
//! REST APIs and function URLs pass the path as it was sent; HTTP APIs pass it decoded. Both become a raw
//! path for the gate. Not here: which path is requested.

mod first;
mod second;

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;

use crate::shape::ShapeError;

pub(crate) use first::read as read_first;
pub(crate) use second::read as read_second;

/// One request.
///
/// It deliberately does not implement `Debug`, because the headers and the query contain tokens.
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// The raw path.
    pub(crate) path: String,
    /// The raw query, without `?`; empty if there is none.
    pub(crate) query: String,
    /// Header field lines, names as received.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) ip: Option<String>,
    /// The arrival time of the request according to the event.
    pub(crate) time: Option<UnixSeconds>,
}

impl HttpRequest {
    /// Calls `ask` with a request for `path` that has this request's method, query and headers.
    pub(crate) fn ask<T>(
        &self,
        path: &str,
        now: UnixSeconds,
        ask: impl FnOnce(&Request<'_>) -> T,
    ) -> T {
        let mut target = path.as_bytes().to_vec();
        if !self.query.is_empty() {
            target.push(b'?');
            target.extend_from_slice(self.query.as_bytes());
        }
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        ask(&Request {
            method: &self.method,
            target: &target,
            headers: &headers,
            ip: self.ip.as_deref(),
            now,
            entropy: None,
        })
    }

    /// The value of a header that occurs exactly once; `None` if it is repeated.
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        let mut found = self.headers_named(name);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// The values of all lines of a header, in order.
    pub(crate) fn headers_named(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let is_it = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(is_it)
            .map(|(_, value)| value.as_str())
    }
}

/// A member that must be a string.
fn text(event: &Value, pointer: &'static str) -> Result<String, ShapeError> {
    let found = event.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or(ShapeError::Member(pointer))
}

/// A member that is missing, null or a string.
fn optional_text(event: &Value, pointer: &'static str) -> Result<Option<String>, ShapeError> {
    match event.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ShapeError::Member(pointer)),
    }
}

/// A member that is missing, null or an object of strings.
fn map(event: &Value, pointer: &'static str) -> Result<Vec<(String, String)>, ShapeError> {
    let members = match event.pointer(pointer) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(ShapeError::Member(pointer)),
    };
    members
        .iter()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect::<Option<_>>()
        .ok_or(ShapeError::Member(pointer))
}

/// An optional time in milliseconds.
fn time(event: &Value, pointer: &'static str) -> Result<Option<UnixSeconds>, ShapeError> {
    match event.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(time) => {
            let millis = time.as_i64().ok_or(ShapeError::Member(pointer))?;
            Ok(Some(UnixSeconds(millis.div_euclid(1_000))))
        }
    }
}
