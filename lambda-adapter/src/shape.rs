//! Which event this is, told by its shape.
//!
//! The shapes exclude each other, and what fits none of them is nobody's: it is refused. Not here: what
//! stands in an event, and whether this function is there to answer it.

use core::fmt;

use serde_json::Value;

/// The events that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A CloudFront request event.
    CloudFront,
    /// A REST API asks its authorizer, and shows the token and nothing else.
    RestToken,
    /// A REST API, or an HTTP API in format 1.0, asks its authorizer and shows the request.
    RestRequest,
    /// An HTTP API asks its authorizer in format 2.0.
    HttpAuthorizer,
    /// A request through a REST API, or an HTTP API in format 1.0.
    RestProxy,
    /// A request through an HTTP API in format 2.0, or to a function URL.
    HttpProxy,
}

/// Why an event is refused. Whoever sent it, or wired this function to it, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// It has no known shape.
    Unknown,
    /// It is for a function in another role than this one.
    Role,
    /// This member is missing, or is not what it must be.
    Member(&'static str),
    /// It names no API method, or another one than it shows.
    Arn,
}

impl Shape {
    /// The shape of an event, if it has one.
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
            // A load balancer's events look alike, and are something else.
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
            Self::Role => f.write_str("the event is for a function in another role"),
            Self::Member(name) => write!(f, "`{name}` of the event is missing or wrong"),
            Self::Arn => f.write_str("the event's ARN is not that of the request it shows"),
        }
    }
}

impl core::error::Error for ShapeError {}
