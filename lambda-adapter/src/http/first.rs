//! Format 1.0: REST APIs, and HTTP APIs that are configured for it.

use serde_json::Value;

use super::{HttpRequest, map, optional_text, text, time};
use crate::raw_path;
use crate::shape::ShapeError;

/// Parses the request in a proxy event or in an authorizer's REQUEST event. Members that are missing in tests
/// from the console may be null.
pub(crate) fn read(event: &Value) -> Result<HttpRequest, ShapeError> {
    let path = text(event, "/path")?;
    // Only HTTP APIs set a version, and they decode the path.
    let is_decoded = event.get("version").is_some_and(|version| version == "1.0");
    let query = pairs(
        event,
        "/multiValueQueryStringParameters",
        "/queryStringParameters",
    )?;
    let query = raw_path::query(
        query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    Ok(HttpRequest {
        method: text(event, "/httpMethod")?,
        path: if is_decoded {
            raw_path::from_decoded(&path)
        } else {
            path
        },
        query,
        headers: pairs(event, "/multiValueHeaders", "/headers")?,
        ip: optional_text(event, "/requestContext/identity/sourceIp")?,
        time: time(event, "/requestContext/requestTimeEpoch")?,
    })
}

/// Returns names with all values from the map of lists, and the names that are only in the map of last
/// values.
fn pairs(
    event: &Value,
    lists: &'static str,
    last: &'static str,
) -> Result<Vec<(String, String)>, ShapeError> {
    let mut pairs = Vec::new();
    let wrong = ShapeError::Member(lists);
    match event.pointer(lists) {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => {
            for (name, values) in members {
                for value in values.as_array().ok_or(wrong)? {
                    pairs.push((name.clone(), value.as_str().ok_or(wrong)?.to_owned()));
                }
            }
        }
        Some(_) => return Err(wrong),
    }
    // A caller that fills only one map must not hide a token in the other.
    for (name, value) in map(event, last)? {
        if !pairs
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(&name))
        {
            pairs.push((name, value));
        }
    }
    Ok(pairs)
}
