//! A CloudFront event as a gate request.
//!
//! The event is kept whole, because what goes back is the same object with a few changes, including
//! members that nobody here reads. Not here: what those changes are.

use core::fmt;

use serde_json::{Map, Value};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;

/// Where in CloudFront the function stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Before the cache: sees every request.
    ViewerRequest,
    /// After the cache: sees what is not cached.
    OriginRequest,
}

/// One event, read.
///
/// There is no `Debug` on purpose: the headers and the query hold tokens.
pub struct Event {
    pub(crate) kind: EventKind,
    /// `Records[0].cf.request` as it came.
    pub(crate) request: Map<String, Value>,
    method: String,
    target: Vec<u8>,
    ip: String,
    /// The header field lines in the order in which the gate is asked about them.
    pub(crate) lines: Vec<Line>,
}

/// One header field line, and where it stands in the event.
pub(crate) struct Line {
    /// Its name in lower case, the member of `headers`.
    pub(crate) name: String,
    /// Its position in the array under that name.
    pub(crate) position: usize,
    value: String,
}

/// Why an event cannot be read. The caller, or the function's configuration in CloudFront, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// It is not JSON.
    NotJson,
    /// It has not exactly one record with `cf`.
    Record,
    /// It is not a viewer-request or origin-request event.
    EventType,
    /// This member of `cf.request` is missing or has another type than it must have.
    Member(&'static str),
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// If it is not a CloudFront request event. Nothing is guessed: what is missing is not empty.
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
        // The gate reads a path up to the first question mark; what stands behind one here would go to
        // the origin unchecked.
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

    /// Asks `ask` about the event's request.
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
        })
    }

    /// Which event it is.
    pub fn kind(&self) -> EventKind {
        self.kind
    }
}

/// Every header field line. A header whose lines cannot be read makes the event unreadable: it might be
/// the one with the token.
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
            Self::Record => f.write_str("the event has not exactly one record with `cf`"),
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
