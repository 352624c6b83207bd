//! The outcome as a Workers object: a `Response`, or the `Request` to forward.
//!
//! The request for the origin is checked after the runtime has built it: its path must equal the evaluated
//! path byte for byte, otherwise nothing is sent. Not here: sending.

use tollgate_gate::{Action, CacheEdit, Outcome, Request, RequestEdits, Response, ResponseEdits};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::Array;
use worker::{Headers, ResponseBuilder, web_sys};

use crate::facts::{COOKIE, Facts, JOINT, is_plain_authority, split};

const CACHE_CONTROL: &str = "cache-control";

/// The request for the origin.
pub(crate) enum Sent {
    /// The request to send.
    Request(web_sys::Request),
    /// The runtime cannot build it.
    Unbuildable,
    /// The runtime built a request for a path other than the checked one.
    OtherPath,
}

/// The response where no gate is available.
pub(crate) fn failure(method: &str, detail: &'static str) -> Result<JsValue, JsValue> {
    response(&Outcome::internal(method, detail).action)
}

/// The response in an outcome that does not forward.
pub(crate) fn response(action: &Action) -> Result<JsValue, JsValue> {
    match action {
        Action::Serve(own) | Action::Refuse(own) => build(own),
        Action::Forward(_) => Err(JsValue::from_str("a denial that forwards")),
    }
}

fn build(respond: &Response) -> Result<JsValue, JsValue> {
    let headers = Headers::new();
    for (name, value) in &respond.headers {
        // Not `set`: a response can have several cookies.
        headers.append(name, value)?;
    }
    let builder = ResponseBuilder::new()
        .with_status(respond.status)
        .with_headers(headers);
    let response = match &*respond.body {
        "" => builder.empty(),
        body => builder.fixed(body.as_bytes().into()),
    };
    Ok(web_sys::Response::from(response).into())
}

/// Returns a request to send to JavaScript: an array of the request and the edits to its response, as
/// arguments of [`edit_response`].
pub(crate) fn to_send(request: web_sys::Request, edits: &ResponseEdits) -> JsValue {
    let ResponseEdits { set_cookies, cache } = edits;
    let cookies: Array = set_cookies
        .iter()
        .map(|cookie| JsValue::from_str(cookie))
        .collect();
    let cache = CacheEdit::ALL.iter().position(|known| known == cache);
    let cache = u32::try_from(cache.unwrap_or_default()).unwrap_or_default();
    Array::of3(&request, &JsValue::from(cache), &cookies).into()
}

/// Applies the edits of [`to_send`] to the headers of a response.
pub(crate) fn edit_response(
    headers: &web_sys::Headers,
    cache: u32,
    cookies: &Array,
) -> Result<(), JsValue> {
    for cookie in cookies.iter().filter_map(|cookie| cookie.as_string()) {
        headers.append("set-cookie", &cookie)?;
    }
    let cache = usize::try_from(cache)
        .ok()
        .and_then(|at| CacheEdit::ALL.get(at));
    let cache = cache.copied().unwrap_or(CacheEdit::NoStore);
    let value = headers.get(CACHE_CONTROL)?;
    let lines: Vec<&str> = value.iter().map(String::as_str).collect();
    if let Some(value) = cache.cache_control(&lines) {
        headers.set(CACHE_CONTROL, &value)?;
    }
    for name in cache.removed() {
        headers.delete(name)?;
    }
    Ok(())
}

/// Builds the request to send, with the edits to `asked`. If the runtime rejects it, the cause is a value of
/// the client: its `Host` becomes a part of the URL.
pub(crate) fn forward(
    request: &web_sys::Request,
    facts: &Facts,
    asked: &Request<'_>,
    changes: &RequestEdits,
    origin: Option<&str>,
) -> Sent {
    if origin.is_none() && !is_plain_authority(facts.authority()) {
        return Sent::Unbuildable;
    }
    let is_as_it_came = changes.headers.is_empty() && changes.added.is_empty();
    if origin.is_none() && changes.target.is_none() && is_as_it_came {
        // Unchanged: the runtime sends the URL that it received.
        return Sent::Request(request.unchecked_ref::<web_sys::Request>().to_owned());
    }
    let (site, target) = facts.url();
    let changed = changes.target.as_deref().map(str::from_utf8).transpose();
    let Ok(changed) = changed else {
        return Sent::Unbuildable;
    };
    let target = changed.unwrap_or(target);
    let url = [origin.unwrap_or(site), target].concat();
    // All other properties come from the original request: method, body, redirects, Cloudflare's own
    // settings.
    let sent = web_sys::Request::new_with_str_and_init(&url, request.unchecked_ref());
    let Ok(sent) = sent else {
        return Sent::Unbuildable;
    };
    if !is_same_path(path(split(&sent.url()).1), path(target)) {
        return Sent::OtherPath;
    }
    match edit_headers(&sent.headers(), asked, changes) {
        Ok(()) => Sent::Request(sent),
        Err(_) => Sent::Unbuildable,
    }
}

/// Applies edits, which refer to lines, to headers, which are by name.
fn edit_headers(
    headers: &web_sys::Headers,
    asked: &Request<'_>,
    changes: &RequestEdits,
) -> Result<(), JsValue> {
    for edit in &changes.headers {
        let Some((name, _)) = asked.headers.get(edit.index) else {
            return Err(JsValue::from_str("an edit to a header that does not exist"));
        };
        // Only cookies have several lines. Setting them once per edit is sufficient.
        let kept: Vec<&str> = changes
            .headers_for(asked)
            .filter(|(kept, _)| kept == name && *name == COOKIE)
            .filter_map(|(_, value)| str::from_utf8(value).ok())
            .collect();
        if kept.is_empty() {
            headers.delete(name)?;
        } else {
            headers.set(name, &kept.join(JOINT))?;
        }
    }
    for (name, value) in &changes.added {
        headers.set(name, value)?;
    }
    Ok(())
}

fn path(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// Whether a URL that the runtime built has the checked path. URLs encode `^` as `%5E`, which is equivalent.
fn is_same_path(built: &str, checked: &str) -> bool {
    built == checked || built == checked.replace('^', "%5E")
}
