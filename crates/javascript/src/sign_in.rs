//! The data for sign-in, which the generated code reads next to the rules: a full edge runs the flow, and a restricted
//! one redirects to it.
//!
//! Not here: the code that reads it (`parts/answer.js`).

use serde_json::{Value, json};
use tollgate_gate::config::{DenyAnswer, DenyConfig, GateConfig};
use tollgate_gate::public_text;

use super::error::JavaScriptError;
use super::features::Features;

/// The headers by which requests are recognized as navigations, in the order in which the code expects them.
const HEADERS: [&str; 5] = [
    "sec-purpose",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "x-requested-with",
    "accept",
];
/// The query with the path to which the flow returns.
const RETURN: &str = "?to=";
/// The status of other requests than navigations.
const UNAUTHORIZED: u16 = 401;

/// Returns the data, `null` for a site without sign-in: the prefix of the endpoints, the headers, the location of
/// sign-in without the path to return to, the body for other requests than navigations, and the location of a refresh.
///
/// # Errors
/// Returns an error if denials lead to different paths for sign-in, which the compiler never writes.
pub(super) fn data(config: &GateConfig) -> Result<Value, JavaScriptError> {
    let location = location(&config.deny)?;
    if location.is_none() && config.sign_in.is_none() {
        return Ok(Value::Null);
    }
    let location = location.unwrap_or_default();
    let error = public_text(UNAUTHORIZED).trim_end();
    let body = format!(
        "{{\"status\":{UNAUTHORIZED},\"error\":\"{error}\",\"sign_in\":{}}}\n",
        json!(location)
    );
    let sign_in = config.sign_in.as_ref();
    Ok(json!([
        sign_in.map(|sign_in| sign_in.endpoint("")),
        HEADERS,
        format!("{location}{RETURN}"),
        body,
        sign_in.map(|sign_in| sign_in.endpoint("refresh") + RETURN),
    ]))
}

/// Notes what refreshing sessions needs, where the edge verifies sessions of a site with sign-in.
pub(super) fn need_refresh(config: &GateConfig, features: &mut Features) {
    if config.sign_in.is_some() && features.has("sessions") {
        features.need("refresh");
        features.need("navigates");
    }
}

/// The features of code that refreshes no sessions.
pub(super) fn without_refresh(features: &Features) -> Features {
    let rest = features.without("refresh");
    if rest.has("sign_in") {
        rest
    } else {
        rest.without("navigates")
    }
}

/// The path to which denials lead for sign-in.
fn location(deny: &DenyConfig) -> Result<Option<&str>, JavaScriptError> {
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        pages: _,
        cors: _,
    } = deny;
    let mut location = None;
    for answer in [no_token, bad_token, forbidden] {
        let DenyAnswer::SignIn(path) = answer else {
            continue;
        };
        if *location.get_or_insert(path.as_str()) != path {
            return Err(JavaScriptError::Gate);
        }
    }
    Ok(location)
}
