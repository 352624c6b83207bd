//! Events in the format that AWS documents.

use serde_json::{Value, json};

pub(crate) const API: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod";

/// A REST API's proxy event.
pub(crate) fn rest(method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let lists: Value = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!([value])))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let last: Value = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": last,
        "multiValueHeaders": lists,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": { "proxy": path },
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "identity": { "sourceIp": "203.0.113.7", "userAgent": "Mozilla/5.0" },
            "path": format!("/prod{path}"),
            "requestTimeEpoch": 1_800_000_000_500_i64,
            "stage": "prod",
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// A REST API calls its authorizer with the same request.
pub(crate) fn rest_request(method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let mut event = rest(method, path, headers);
    event["type"] = json!("REQUEST");
    event["methodArn"] = json!(format!("{API}/{method}{path}"));
    event
}

/// A REST API calls its authorizer with a token.
pub(crate) fn rest_token(method: &str, path: &str, token: Option<&str>) -> Value {
    json!({
        "type": "TOKEN",
        "methodArn": format!("{API}/{method}{path}"),
        "authorizationToken": token,
    })
}

/// A function URL's event.
pub(crate) fn function_url(method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let headers: Value = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc123",
            "domainName": "abc123.lambda-url.eu-west-1.on.aws",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "Mozilla/5.0",
            },
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1_800_000_000_500_i64,
        },
        "isBase64Encoded": false,
    })
}

/// A proxy event of an HTTP API, which contains the decoded path.
pub(crate) fn http(method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let mut event = function_url(method, path, headers);
    event["requestContext"]["domainName"] = json!("abc123.execute-api.eu-west-1.amazonaws.com");
    event
}

/// An HTTP API calls its authorizer with the same request.
pub(crate) fn http_request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    identity_source: Value,
) -> Value {
    let mut event = http(method, path, headers);
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!(format!("{API}/{method}{path}"));
    event["identitySource"] = identity_source;
    event
}
