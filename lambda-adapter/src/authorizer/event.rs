//! The three authorizer events as gate requests.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::arn::MethodArn;
use crate::http::{self, HttpRequest};
use crate::raw_path;
use crate::shape::{Shape, ShapeError};

/// The configuration of an authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizerSettings {
    /// The prefix of every path in API Gateway's events, which is not part of the policy's paths.
    pub base_path: String,
    /// The header of a TOKEN authorizer's token.
    pub token_header: String,
    /// The response format that the HTTP API expects.
    pub http_format: HttpFormat,
}

/// The two response formats of an HTTP API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpFormat {
    /// An IAM policy, as for a REST API.
    #[default]
    Iam,
    /// `isAuthorized`, which names no path. The operator declares that API Gateway caches no responses, or
    /// caches them by method and path.
    Simple,
}

/// The request of an authorizer event.
pub(crate) struct Asked {
    pub(crate) request: HttpRequest,
    /// The raw path to evaluate.
    pub(crate) path: String,
    pub(super) way: Way,
}

/// The form of a response that allows this request and no other.
pub(super) enum Way {
    /// A policy for this ARN.
    Policy(MethodArn),
    /// A simple response.
    Simple,
}

impl Asked {
    /// Parses an authorizer event of a known shape.
    pub(crate) fn read(
        event: &Value,
        shape: Shape,
        settings: &AuthorizerSettings,
    ) -> Result<Self, ShapeError> {
        match shape {
            Shape::RestToken => token(event, settings),
            Shape::RestRequest => {
                let request = http::read_first(event)?;
                let arn = arn(event, "methodArn")?;
                with_policy(request, arn, settings)
            }
            Shape::HttpAuthorizer => {
                let request = http::read_second(event)?;
                match settings.http_format {
                    HttpFormat::Iam => with_policy(request, arn(event, "routeArn")?, settings),
                    HttpFormat::Simple => {
                        let path = below_base(&request, settings)?;
                        let way = Way::Simple;
                        Ok(Self { request, path, way })
                    }
                }
            }
            Shape::CloudFront | Shape::RestProxy | Shape::HttpProxy => Err(ShapeError::Role),
        }
    }

    /// Whether the response can allow this path without allowing others.
    pub(crate) fn is_exact(&self) -> bool {
        match &self.way {
            Way::Policy(arn) => arn.exact().is_some(),
            Way::Simple => true,
        }
    }
}

/// Parses a TOKEN event. It contains only the ARN and the token, so the address is unknown.
fn token(event: &Value, settings: &AuthorizerSettings) -> Result<Asked, ShapeError> {
    let arn = arn(event, "methodArn")?;
    let token = match event.get("authorizationToken") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) => Some(token.clone()),
        Some(_) => return Err(ShapeError::Member("authorizationToken")),
    };
    let request = HttpRequest {
        method: arn.method().to_owned(),
        path: arn.path().to_owned(),
        query: String::new(),
        headers: token
            .map(|token| (settings.token_header.clone(), token))
            .into_iter()
            .collect(),
        ip: None,
        time: None,
    };
    Ok(Asked {
        path: below_base(&request, settings)?,
        request,
        way: Way::Policy(arn),
    })
}

/// Builds a request whose response is a policy. The ARN must match the request, otherwise the policy would
/// allow something other than what was evaluated. Its path may be decoded, and lacks the mapping of a custom
/// domain.
fn with_policy(
    request: HttpRequest,
    arn: MethodArn,
    settings: &AuthorizerSettings,
) -> Result<Asked, ShapeError> {
    let path = below_base(&request, settings)?;
    let is_same_path = [&request.path, &path].into_iter().any(|path| {
        arn.path() == path || arn.path() == percent_decode_str(path).decode_utf8_lossy()
    });
    if !is_same_path || arn.method() != request.method {
        return Err(ShapeError::Arn);
    }
    Ok(Asked {
        path,
        request,
        way: Way::Policy(arn),
    })
}

fn arn(event: &Value, name: &'static str) -> Result<MethodArn, ShapeError> {
    let arn = event.get(name).and_then(Value::as_str);
    MethodArn::read(arn.ok_or(ShapeError::Member(name))?)
}

fn below_base(request: &HttpRequest, settings: &AuthorizerSettings) -> Result<String, ShapeError> {
    raw_path::without_base(&request.path, &settings.base_path)
        .map(str::to_owned)
        .ok_or(ShapeError::Member("path"))
}
