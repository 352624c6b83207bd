//! A CloudFront event as a gate request.
//!
//! The whole event is kept, because the result is the same object with a few changes, including members that
//! are not read here. Not here: those changes.

use core::fmt;

use serde_json::{Map, Value};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;

/// The event to which the function is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Before the cache: every request.
    ViewerRequest,
    /// After the cache: cache misses only.
    OriginRequest,
}

/// One parsed event.
///
/// It deliberately does not implement `Debug`, because the headers and the query contain tokens.
pub struct Event {
    pub(crate) kind: EventKind,
    /// `Records[0].cf.request` as it came.
    pub(crate) request: Map<String, Value>,
    method: String,
    target: Vec<u8>,
    ip: String,
    /// The header field lines, in the order in which they are passed to the gate.
    pub(crate) lines: Vec<Line>,
}

/// One header field line, and its position in the event.
pub(crate) struct Line {
    /// Its name in lower case, the member of `headers`.
    pub(crate) name: String,
    /// Its position in the array under that name.
    pub(crate) position: usize,
    value: String,
}

/// The reason why an event is malformed. The caller, or the function's configuration in CloudFront, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// It is not JSON.
    NotJson,
    /// It does not have exactly one record with `cf`.
    Record,
    /// It is not a viewer-request or origin-request event.
    EventType,
    /// This member of `cf.request` is missing or has the wrong type.
    Member(&'static str),
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not a CloudFront request event. A missing member does not count as empty.
    pub fn read(mut event: Value) -> Result<Self, EventError> {
        let cf = match event
            .get_mut("Records")
            .and_then(Value::as_array_mut)
            .map(Vec::as_mut_slice)
        {
            Some([record]) => record.get_mut("cf").ok_or(EventError::Record)?,
            _ => return Err(EventError::Record),
        };
        let kind = match cf.pointer("/config/eventType").and_then(Value::as_str) {
            Some("viewer-request") => EventKind::ViewerRequest,
            Some("origin-request") => EventKind::OriginRequest,
            _ => return Err(EventError::EventType),
        };
        let Some(Value::Object(request)) = cf.get_mut("request").map(Value::take) else {
            return Err(EventError::Member("request"));
        };
        let text = |name: &'static str| match request.get(name) {
            Some(Value::String(text)) => Ok(text.as_str()),
            _ => Err(EventError::Member(name)),
        };
        let mut target = text("uri")?.as_bytes().to_vec();
        // The gate reads a path up to the first question mark. A rest after it would be forwarded to the
        // origin unchecked.
        if target.contains(&b'?') {
            return Err(EventError::Member("uri"));
        }
        let query = text("querystring")?;
        if !query.is_empty() {
            target.push(b'?');
            target.extend_from_slice(query.as_bytes());
        }
        let (method, ip) = (text("method")?.to_owned(), text("clientIp")?.to_owned());
        let lines = read_headers(&request).ok_or(EventError::Member("headers"))?;
        Ok(Self {
            kind,
            request,
            method,
            target,
            ip,
            lines,
        })
    }

    /// Calls `ask` with the event's request.
    pub fn with_request<T>(&self, now: UnixSeconds, ask: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> = self
            .lines
            .iter()
            .map(|line| (line.name.as_str(), line.value.as_bytes()))
            .collect();
        ask(&Request {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            ip: Some(&self.ip),
            now,
            entropy: None,
        })
    }

    /// The kind of event.
    pub fn kind(&self) -> EventKind {
        self.kind
    }
}

/// Reads every header field line. A malformed one makes the whole event malformed, because it might contain
/// the token.
fn read_headers(request: &Map<String, Value>) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    for (name, entries) in request.get("headers")?.as_object()? {
        for (position, entry) in entries.as_array()?.iter().enumerate() {
            let value = entry.get("value")?.as_str()?.to_owned();
            lines.push(Line {
                name: name.clone(),
                position,
                value,
            });
        }
    }
    Some(lines)
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("the event is not JSON"),
            Self::Record => f.write_str("the event does not have exactly one record with `cf`"),
            Self::EventType => {
                f.write_str("the event is neither viewer-request nor origin-request")
            }
            Self::Member(name) => {
                write!(
                    f,
                    "`{name}` of the event's request is missing or has the wrong type"
                )
            }
        }
    }
}

impl core::error::Error for EventError {}
