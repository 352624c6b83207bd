//! The kind of an event, identified by its shape.
//!
//! The shapes are mutually exclusive, and an event of no known shape is rejected. Not here: the content of
//! events, and whether they are for this function.

use core::fmt;

use serde_json::Value;

/// The known kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A CloudFront request event.
    CloudFront,
    /// A REST API calls its authorizer with the token only.
    RestToken,
    /// A REST API, or an HTTP API in format 1.0, calls its authorizer with the request.
    RestRequest,
    /// An HTTP API calls its authorizer in format 2.0.
    HttpAuthorizer,
    /// A request through a REST API, or an HTTP API in format 1.0.
    RestProxy,
    /// A request through an HTTP API in format 2.0, or to a function URL.
    HttpProxy,
}

/// The reason why an event is rejected. The caller, or the configuration that connects it to this function, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// It has no known shape.
    Unknown,
    /// It is for a function with another role.
    Role,
    /// This member is missing or invalid.
    Member(&'static str),
    /// It does not name an API method, or not that of the request.
    Arn,
}

impl Shape {
    /// Returns the shape of an event, if it is known.
    pub fn of(event: &Value) -> Option<Self> {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let kind = event.get("type").filter(|kind| !kind.is_null());
        let version = event.get("version").filter(|version| !version.is_null());
        let is_first = version.is_none_or(|version| version == "1.0");
        let is_second = version.is_some_and(|version| version == "2.0");
        let context = event.get("requestContext").filter(|c| c.is_object());
        match kind.map(Value::as_str) {
            Some(Some("TOKEN")) if text("methodArn").is_some() && version.is_none() => {
                Some(Self::RestToken)
            }
            Some(Some("REQUEST")) if text("methodArn").is_some() && is_first => {
                Some(Self::RestRequest)
            }
            Some(Some("REQUEST")) if text("routeArn").is_some() && is_second => {
                Some(Self::HttpAuthorizer)
            }
            Some(_) => None,
            None if event.pointer("/Records/0/cf").is_some() => Some(Self::CloudFront),
            None if is_second && context.is_some_and(|context| context.get("http").is_some()) => {
                Some(Self::HttpProxy)
            }
            // Events of a load balancer have the same members, but are not supported.
            None if is_first
                && text("httpMethod").is_some()
                && context.is_some_and(|context| context.get("elb").is_none()) =>
            {
                Some(Self::RestProxy)
            }
            None => None,
        }
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the event has no known shape"),
            Self::Role => f.write_str("the event is for a function with another role"),
            Self::Member(name) => write!(f, "`{name}` of the event is missing or invalid"),
            Self::Arn => f.write_str("the event's ARN does not match its request"),
        }
    }
}

impl core::error::Error for ShapeError {}
