//! CloudFront request events to gate requests, and outcomes back to what CloudFront expects.
//!
//! Both request events of Lambda@Edge are read, viewer-request and origin-request. CloudFront hands over
//! the URI raw, as the viewer sent it, which is what the gate must judge: behaviours are matched on
//! a normalised path, the origin gets the raw one. Not here: the Lambda runtime, and API Gateway.
//!
//! AWS runs no native program at CloudFront's edges; what runs there is `lambda-adapter/edge`. Here the
//! same events are answered by whatever else is given them, such as tests of a policy.
//!
//! Put it at viewer-request. At origin-request it sees cache misses only, so a private object that is
//! cached would be open to all; there it can only be a second lock behind one at viewer-request.

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
/// The detail code for a response that CloudFront would refuse.
const RESPONSE_TOO_LARGE: &str = "response_too_large";

/// What a function returns for one event, and what it logs.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request to go on with, or a generated response.
    pub result: Value,
    /// The decision, for the operator.
    pub log: LogRecord,
    /// Why the event could not be read, if it could not; the request is denied for that.
    pub error: Option<EventError>,
}

/// Answers one event. One that cannot be read is denied with status 500.
pub fn answer<B: AsRef<[u8]>>(gate: &Gate<B>, event: Value, now: UnixSeconds) -> Answer {
    match Event::read(event) {
        Ok(event) => {
            let outcome = event.with_request(now, |request| gate.ask(request, &mut Context::new()));
            conclude(event, outcome)
        }
        Err(error) => refuse(error),
    }
}

/// The answer for an event that the gate has decided. A response that CloudFront would refuse for its
/// size becomes a denial with status 500.
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

/// The answer to what is not a CloudFront request event: denied with status 500.
pub fn refuse(error: EventError) -> Answer {
    let outcome = Outcome::internal("", BAD_EVENT);
    let result = result::plain(&outcome.action);
    Answer {
        result,
        log: outcome.log,
        error: Some(error),
    }
}
