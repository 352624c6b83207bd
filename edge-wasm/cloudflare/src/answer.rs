//! An outcome in the form that Workers take: a `Response`, or the `Request` to send on.
//!
//! What goes to the origin is checked once more after the runtime has built it: its path is the one
//! that was decided about, byte for byte, or nothing is sent. Not here: sending.

use tollgate_gate::{Action, Forward, Outcome, Respond};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use worker::{ResponseBuilder, web_sys};

use crate::facts::{COOKIE, Facts, JOINT, split};
use crate::note;

/// The answer for an outcome.
pub(crate) fn make(
    request: &web_sys::Request,
    facts: &Facts,
    outcome: &Outcome,
    origin: Option<&str>,
) -> Result<JsValue, JsValue> {
    match &outcome.action {
        Action::Respond(respond) => response(respond),
        Action::Forward(changes) => match forward(request, facts, changes, origin)? {
            Some(request) => Ok(request.into()),
            None => {
                note::trouble(
                    "forward_refused",
                    "the runtime built another path than was checked",
                );
                failure(facts.method(), "changed_path")
            }
        },
    }
}

/// The answer when there is no outcome.
pub(crate) fn failure(method: &str, detail: &'static str) -> Result<JsValue, JsValue> {
    match Outcome::internal(method, detail).action {
        Action::Respond(respond) => response(&respond),
        Action::Forward(_) => Err(JsValue::from_str("a failure is no way in")),
    }
}

fn response(respond: &Respond) -> Result<JsValue, JsValue> {
    let mut builder = ResponseBuilder::new().with_status(respond.status);
    for (name, value) in &respond.headers {
        builder = builder.with_header(name, value)?;
    }
    let response = match &*respond.body {
        "" => builder.empty(),
        body => builder.fixed(body.as_bytes().into()),
    };
    Ok(web_sys::Response::from(response).into())
}

/// The request to send, or `None` if its path is not the checked one.
fn forward(
    request: &web_sys::Request,
    facts: &Facts,
    changes: &Forward,
    origin: Option<&str>,
) -> Result<Option<web_sys::Request>, JsValue> {
    if origin.is_none() && changes.target.is_none() && changes.headers.is_empty() {
        // As it came: the runtime sends the URL that it gave us.
        return Ok(Some(request.unchecked_ref::<web_sys::Request>().to_owned()));
    }
    let (site, target) = facts.url();
    let changed = changes.target.as_deref().map(str::from_utf8);
    let target = changed
        .transpose()
        .map_err(|_| JsValue::from_str("a target of text"))?
        .unwrap_or(target);
    let url = [origin.unwrap_or(site), target].concat();
    // The old request says everything else: method, body, redirects, Cloudflare's own settings.
    let sent = web_sys::Request::new_with_str_and_init(&url, request.unchecked_ref())?;
    if !is_same_path(path(split(&sent.url()).1), path(target)) {
        return Ok(None);
    }
    edit_headers(&sent.headers(), facts, changes)?;
    Ok(Some(sent))
}

/// Applies the changes, which are told by line, to headers that know names only.
fn edit_headers(
    headers: &web_sys::Headers,
    facts: &Facts,
    changes: &Forward,
) -> Result<(), JsValue> {
    let borrowed = facts.borrow();
    let asked = borrowed.as_request();
    for edit in &changes.headers {
        let Some((name, _)) = asked.headers.get(edit.index) else {
            return Err(JsValue::from_str("a change to a header that is not there"));
        };
        // Only cookies come in several lines; once for each change is often enough.
        let kept: Vec<&str> = changes
            .headers_for(&asked)
            .filter(|(kept, _)| kept == name && *name == COOKIE)
            .filter_map(|(_, value)| str::from_utf8(value).ok())
            .collect();
        if kept.is_empty() {
            headers.delete(name)?;
        } else {
            headers.set(name, &kept.join(JOINT))?;
        }
    }
    Ok(())
}

fn path(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// Whether a URL that the runtime built has the checked path. URLs spell `^` as `%5E`, which is the same name.
fn is_same_path(built: &str, checked: &str) -> bool {
    built == checked || built == checked.replace('^', "%5E")
}
