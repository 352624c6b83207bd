//! What goes back to CloudFront: the request with the gate's changes, or a generated response.
//!
//! Not here: the decision. A result that CloudFront would refuse becomes a plain one that it takes.

use serde_json::{Map, Value, json};
use tollgate_gate::{Action, Forward, Outcome, Respond};

use super::event::Event;
use super::headers;

/// Largest response that CloudFront takes at viewer-request, headers and body, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 40 * 1_024;

/// The detail code for a response that CloudFront would refuse.
const RESPONSE_TOO_LARGE: &str = "response_too_large";

/// The result for `event` that does what `action` says.
pub fn result(event: Event, action: &Action) -> Value {
    match action {
        Action::Forward(forward) => forwarded(event, forward),
        Action::Respond(_) => response(action),
    }
}

/// The event's own request, changed.
fn forwarded(mut event: Event, forward: &Forward) -> Value {
    if let Some(target) = &forward.target {
        let mut parts = target.splitn(2, |byte| *byte == b'?');
        let mut set = |name: &str| {
            let part = parts.next().unwrap_or_default();
            let text = String::from_utf8_lossy(part).into_owned();
            event.request.insert(name.to_owned(), Value::String(text));
        };
        // The path changes where the name of an index document is appended.
        set("uri");
        set("querystring");
    }
    if let Some(Value::Object(headers)) = event.request.get_mut("headers") {
        // From the back, so that a removal moves nothing that is still to be changed.
        for edit in forward.headers.iter().rev() {
            if let Some(line) = event.lines.get(edit.index)
                && !headers::is_read_only(event.kind, &line.name)
            {
                change(headers, &line.name, line.position, edit.value.as_deref());
            }
        }
    }
    Value::Object(event.request)
}

/// Changes or removes one line of a header; a header without lines goes.
fn change(headers: &mut Map<String, Value>, name: &str, position: usize, value: Option<&[u8]>) {
    let Some(Value::Array(lines)) = headers.get_mut(name) else {
        return;
    };
    match (value, lines.get_mut(position)) {
        (Some(value), Some(line)) => {
            let value = String::from_utf8_lossy(value).into_owned();
            if let Some(line) = line.as_object_mut() {
                line.insert("value".to_owned(), Value::String(value));
            }
        }
        (None, Some(_)) => _ = lines.remove(position),
        (_, None) => {}
    }
    if lines.is_empty() {
        headers.remove(name);
    }
}

/// A generated response. What is no response, or too large for one, is a plain 500.
pub(crate) fn response(action: &Action) -> Value {
    if let Action::Respond(respond) = action
        && size_bytes(respond) <= MAX_RESPONSE_BYTES
    {
        return generated(respond);
    }
    match &Outcome::internal("", RESPONSE_TOO_LARGE).action {
        Action::Respond(respond) => generated(respond),
        Action::Forward(_) => json!({ "status": "500" }),
    }
}

fn generated(respond: &Respond) -> Value {
    let mut headers = Map::new();
    for (name, value) in &respond.headers {
        if headers::may_respond(name) {
            let line = json!([{ "key": shown_name(name), "value": value }]);
            headers.insert(name.to_ascii_lowercase(), line);
        }
    }
    let mut response = Map::new();
    let mut set = |name: &str, value: Value| _ = response.insert(name.to_owned(), value);
    set("status", json!(respond.status.to_string()));
    set("statusDescription", json!(description(respond.status)));
    set("headers", Value::Object(headers));
    if !respond.body.is_empty() {
        set("bodyEncoding", json!("text"));
        set("body", json!(respond.body));
    }
    Value::Object(response)
}

/// What CloudFront counts: every header line with its separators, and the body.
fn size_bytes(respond: &Respond) -> usize {
    let headers = respond
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4);
    headers.sum::<usize>() + respond.body.len()
}

/// `www-authenticate` as `Www-Authenticate`.
fn shown_name(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    let mut starts = true;
    for c in name.chars() {
        shown.push(if starts { c.to_ascii_uppercase() } else { c });
        starts = c == '-';
    }
    shown
}

fn description(status: u16) -> &'static str {
    match status {
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        _ => "Denied",
    }
}
