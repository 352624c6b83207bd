//! Requests as the events that AWS would create for them.

use anyhow::{Result, ensure};
use percent_encoding::percent_decode;
use serde_json::{Map, Value, json};
use tollgate_gate::Request;

/// The API in ARNs.
const API: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod";
/// The maximum length of an ARN in a policy, in bytes.
const MAX_ARN_BYTES: usize = 512;

/// Returns the event for a function that answers HTTP requests.
///
/// A function URL's event contains path and query as sent, but only one line per header. If a header appears
/// twice, the event is a REST API's, which contains every line.
pub(super) fn proxy(request: &Request<'_>) -> Value {
    if is_repeated(request) {
        first(request)
    } else {
        second(request)
    }
}

/// Whether the event for a request lacks the faults in its query: bytes that end a request line or a URL,
/// which no client sends.
pub(super) fn is_decoded(request: &Request<'_>) -> bool {
    let ends = |byte: &u8| *byte <= b' ' || *byte == 0x7F || *byte == b'#';
    let query = request.query().unwrap_or_default();
    is_repeated(request) && query.iter().any(ends)
}

/// Returns the event for a REST API's authorizer, and the ARN in question; `None` if AWS could not express
/// the request, or a policy could not express the result.
pub(super) fn authorizer(request: &Request<'_>) -> Option<(Value, String)> {
    let path = text(request.path());
    let arn = format!("{API}/{}{path}", request.method);
    let is_literal = !arn.contains(['*', '?', '$']) && arn.len() <= MAX_ARN_BYTES;
    let is_request = !request.method.is_empty() && path.starts_with('/');
    if !is_literal || request.query().is_some() || !is_request {
        return None;
    }
    let mut event = first(request);
    let members = event.as_object_mut()?;
    members.insert("type".to_owned(), json!("REQUEST"));
    members.insert("methodArn".to_owned(), json!(arn));
    Some((event, arn))
}

/// Format 1.0, as from a REST API: no `version`, and the path as sent.
fn first(request: &Request<'_>) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in request.headers {
        let lines = headers.entry(*name).or_insert_with(|| json!([]));
        if let Value::Array(lines) = lines {
            lines.push(json!(text(value)));
        }
    }
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(request.query().unwrap_or_default()) {
        let values = parameters.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    let parameters = request.query().map(|_| parameters);
    json!({
        "resource": "/{proxy+}",
        "path": text(request.path()),
        "httpMethod": request.method,
        "headers": null,
        "multiValueHeaders": headers,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": parameters,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "stage": "prod",
            "requestTimeEpoch": request.now.0 * 1_000,
            "identity": { "sourceIp": request.ip },
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// Format 2.0, as from a function URL.
fn second(request: &Request<'_>) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    let mut cookies = Vec::new();
    for (name, value) in request.headers {
        if name.eq_ignore_ascii_case("cookie") {
            cookies.push(text(value));
        } else {
            headers.insert((*name).to_owned(), json!(text(value)));
        }
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": text(request.path()),
        "rawQueryString": request.query().map(text).unwrap_or_default(),
        "cookies": (!cookies.is_empty()).then_some(cookies),
        "headers": headers,
        "requestContext": {
            "domainName": "abc123.lambda-url.eu-west-1.on.aws",
            "http": { "method": request.method, "sourceIp": request.ip },
            "stage": "$default",
            "timeEpoch": request.now.0 * 1_000,
        },
        "isBase64Encoded": false,
    })
}

/// Whether a header other than `cookie` has several lines.
fn is_repeated(request: &Request<'_>) -> bool {
    let names = || request.headers.iter().map(|(name, _)| *name).enumerate();
    names().any(|(at, name)| {
        !name.eq_ignore_ascii_case("cookie")
            && names().any(|(other, same)| other < at && same.eq_ignore_ascii_case(name))
    })
}

/// Checks that a link leads to exactly the requested object.
pub(super) fn is_link_to(link: &str, start: &str, wanted: &[u8]) -> Result<()> {
    let key = link
        .strip_prefix(start)
        .and_then(|rest| rest.split('?').next());
    let key: Option<Vec<u8>> = key.map(|key| percent_decode(key.as_bytes()).collect());
    ensure!(
        key.as_deref() == Some(wanted),
        "the link leads elsewhere: {link}"
    );
    Ok(())
}

/// Returns one character per byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
