//! The result for CloudFront: the request with the gate's edits, or a generated response.
//!
//! Not here: the decision.

use serde_json::{Map, Value, json};
use tollgate_gate::{Action, Forward, RequestEdits, Response, ResponseEdits};

use super::event::{Event, EventKind};
use super::headers;

/// Largest response that CloudFront accepts at viewer-request, headers and body, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 40 * 1_024;
/// The same at origin-request.
const MAX_ORIGIN_RESPONSE_BYTES: usize = 1_024 * 1_024;

/// The response is larger than CloudFront accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Returns the result for `event` that carries out `action`.
///
/// # Errors
///
/// Returns an error if the response is larger than CloudFront accepts for this event.
pub fn result(event: Event, action: &Action) -> Result<Value, TooLarge> {
    let most = match event.kind {
        EventKind::ViewerRequest => MAX_RESPONSE_BYTES,
        EventKind::OriginRequest => MAX_ORIGIN_RESPONSE_BYTES,
    };
    match action {
        Action::Forward(forward) => Ok(forwarded(event, forward)),
        Action::Serve(own) | Action::Refuse(own) if size_bytes(own) > most => Err(TooLarge),
        Action::Serve(own) | Action::Refuse(own) => Ok(generated(own)),
    }
}

/// The event's own request with the edits.
fn forwarded(mut event: Event, forward: &Forward) -> Value {
    let Forward {
        request:
            RequestEdits {
                target,
                headers: edits,
                added,
            },
        // A request event cannot edit the response; `check` and `build` report that.
        response: ResponseEdits {
            set_cookies: _,
            cache: _,
        },
    } = forward;
    if let Some(target) = target {
        let target = String::from_utf8_lossy(target);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        event.request.insert("uri".to_owned(), json!(path));
        event.request.insert("querystring".to_owned(), json!(query));
    }
    if let Some(Value::Object(headers)) = event.request.get_mut("headers") {
        // In reverse order, so that a removal does not shift the positions of later edits.
        for edit in edits.iter().rev() {
            if let Some(line) = event.lines.get(edit.index)
                && !headers::is_read_only(event.kind, &line.name)
            {
                change(headers, &line.name, line.position, edit.value.as_deref());
            }
        }
        for (name, value) in added {
            let line = json!([{ "key": shown_name(name), "value": value }]);
            headers.insert((*name).to_owned(), line);
        }
    }
    Value::Object(event.request)
}

/// Changes or removes one line of a header; a header without lines is removed.
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

/// The response to a failure, which is always small.
pub(crate) fn plain(failure: &Action) -> Value {
    match failure {
        Action::Serve(own) | Action::Refuse(own) => generated(own),
        Action::Forward(_) => json!({ "status": "500" }),
    }
}

fn generated(response: &Response) -> Value {
    let Response {
        status,
        headers: fields,
        body,
    } = response;
    let mut headers = Map::new();
    for (name, value) in fields {
        if headers::may_respond(name) {
            let line = json!({ "key": shown_name(name), "value": value });
            let lines = headers.entry(name.to_ascii_lowercase());
            // A name may occur several times, as `Set-Cookie` does.
            if let Value::Array(lines) = lines.or_insert_with(|| json!([])) {
                lines.push(line);
            }
        }
    }
    let mut response = Map::new();
    let mut set = |name: &str, value: Value| _ = response.insert(name.to_owned(), value);
    set("status", json!(status.to_string()));
    set("statusDescription", json!(description(*status)));
    set("headers", Value::Object(headers));
    if !body.is_empty() {
        set("bodyEncoding", json!("text"));
        set("body", json!(body));
    }
    Value::Object(response)
}

/// The size as CloudFront counts it: every header line with its separators, and the body.
fn size_bytes(respond: &Response) -> usize {
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
    let known = http::StatusCode::from_u16(status).ok();
    known
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Denied")
}
