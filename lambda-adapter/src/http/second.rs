//! Format 2.0: HTTP APIs and function URLs.

use serde_json::Value;

use super::{HttpRequest, map, optional_text, text, time};
use crate::raw_path;
use crate::shape::ShapeError;

/// A part of the host name of every function URL.
const FUNCTION_URL: &str = ".lambda-url.";

/// Parses the request in a proxy event or in an authorizer's event.
pub(crate) fn read(event: &Value) -> Result<HttpRequest, ShapeError> {
    let path = text(event, "/rawPath")?;
    // Despite its name it is decoded, except for function URLs.
    let host = optional_text(event, "/requestContext/domainName")?;
    let is_raw = host.is_some_and(|host| host.contains(FUNCTION_URL));
    // Repeated lines of a header are joined by commas; only cookies are separate.
    let mut headers = map(event, "/headers")?;
    let wrong = ShapeError::Member("/cookies");
    match event.pointer("/cookies") {
        None | Some(Value::Null) => {}
        Some(cookies) => {
            for cookie in cookies.as_array().ok_or(wrong)? {
                let cookie = cookie.as_str().ok_or(wrong)?.to_owned();
                headers.push(("cookie".to_owned(), cookie));
            }
        }
    }
    Ok(HttpRequest {
        method: text(event, "/requestContext/http/method")?,
        path: if is_raw {
            path
        } else {
            raw_path::from_decoded(&path)
        },
        query: optional_text(event, "/rawQueryString")?.unwrap_or_default(),
        headers,
        ip: optional_text(event, "/requestContext/http/sourceIp")?,
        time: time(event, "/requestContext/timeEpoch")?,
    })
}
