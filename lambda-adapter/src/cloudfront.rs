//! CloudFront request events as gate requests, and outcomes as results for CloudFront.
//!
//! Both request events of Lambda@Edge are supported, viewer-request and origin-request. CloudFront passes the
//! URI raw, as the client sent it. The gate must evaluate this URI, because the origin receives it, although
//! behaviours are matched against a normalised path. Not here: the Lambda runtime, and API Gateway.
//!
//! AWS runs no native programs at CloudFront's edges; `lambda-adapter/edge` runs there. This module handles
//! the same events elsewhere, for instance in tests of a policy.
//!
//! Attach the function to viewer-request. At origin-request it receives only cache misses, so a cached
//! private object would be available to every client. There it can only be a second check after one at
//! viewer-request.

mod event;
mod headers;
mod result;

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::{Context, Gate, LogRecord, Outcome};

pub use event::{Event, EventError, EventKind};
pub use result::{MAX_RESPONSE_BYTES, TooLarge, result};

/// The detail code for an event that is not a CloudFront request event.
const BAD_EVENT: &str = "bad_event";
/// The detail code for a response that CloudFront would reject.
const RESPONSE_TOO_LARGE: &str = "response_too_large";

/// The result and the log record for one event.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request to forward, or a generated response.
    pub result: Value,
    /// The log record, for the operator.
    pub log: LogRecord,
    /// The reason why the event could not be read, if so; the request is then denied.
    pub error: Option<EventError>,
}

/// Handles one event. A malformed event is denied with status 500.
pub fn answer<B: AsRef<[u8]>>(gate: &Gate<B>, event: Value, now: UnixSeconds) -> Answer {
    match Event::read(event) {
        Ok(event) => {
            let outcome = event.with_request(now, |request| gate.ask(request, &mut Context::new()));
            conclude(event, outcome)
        }
        Err(error) => refuse(error),
    }
}

/// Returns the answer for an evaluated event. A response that is too large for CloudFront becomes a denial
/// with status 500.
pub fn conclude(event: Event, outcome: Outcome) -> Answer {
    let Outcome {
        action, mut log, ..
    } = outcome;
    let result = result(event, &action).unwrap_or_else(|TooLarge| {
        let failure = Outcome::internal("", RESPONSE_TOO_LARGE);
        log.outcome = failure.kind;
        log.status = failure.status;
        log.reason = failure.reason;
        log.detail = failure.detail;
        log.rule = None;
        result::plain(&failure.action)
    });
    Answer {
        result,
        log,
        error: None,
    }
}

/// Returns the answer to a malformed event: denied with status 500.
pub fn refuse(error: EventError) -> Answer {
    let outcome = Outcome::internal("", BAD_EVENT);
    let result = result::plain(&outcome.action);
    Answer {
        result,
        log: outcome.log,
        error: Some(error),
    }
}
