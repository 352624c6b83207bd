//! Calls of the platforms' APIs as data: exactly what a dry run prints and a run sends.
//!
//! Not here: signing ([`aws`](crate::aws), [`edgegrid`](crate::edgegrid)), sending ([`world`](crate::world)), and the order
//! of calls, which is in the file of each platform.

use core::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::PublishError;
use crate::xml::first_of;

/// What a part of a path keeps.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// In the type of an error: Akamai rejects the signature, its time or the token, also with status 400.
pub(crate) const AKAMAI_AUTHENTICATION: &str = "pep-authn";

/// A service at one of its endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Distributions and functions; one endpoint for the world.
    CloudFront,
    /// The contents of KeyValueStores of an account, signed for all regions (SigV4A).
    KeyValueStore {
        /// The account's number, which is the first part of the host.
        account: String,
    },
    /// Lambda in a region.
    Lambda {
        /// The region.
        region: String,
    },
    /// S3, with the bucket in the path.
    S3 {
        /// The region of the bucket.
        region: String,
    },
    /// Workers and their KV namespaces.
    Cloudflare,
    /// Akamai's EdgeWorkers. The host belongs to the credentials.
    EdgeWorkers,
}

impl Service {
    /// The name in signatures.
    pub const fn signing_name(&self) -> &'static str {
        match self {
            Self::CloudFront => "cloudfront",
            Self::KeyValueStore { .. } => "cloudfront-keyvaluestore",
            Self::Lambda { .. } => "lambda",
            Self::S3 { .. } => "s3",
            Self::Cloudflare => "cloudflare",
            Self::EdgeWorkers => "edgeworkers",
        }
    }

    /// The variable that replaces the endpoint.
    pub const fn endpoint_variable(&self) -> &'static str {
        match self {
            Self::CloudFront => "AWS_ENDPOINT_URL_CLOUDFRONT",
            Self::KeyValueStore { .. } => "AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE",
            Self::Lambda { .. } => "AWS_ENDPOINT_URL_LAMBDA",
            Self::S3 { .. } => "AWS_ENDPOINT_URL_S3",
            Self::Cloudflare => "CLOUDFLARE_API_BASE_URL",
            Self::EdgeWorkers => "AKAMAI_HOST",
        }
    }

    /// The region in signatures; `None` for all regions, which only SigV4A can express.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::CloudFront => Some("us-east-1"),
            Self::KeyValueStore { .. } | Self::Cloudflare | Self::EdgeWorkers => None,
            Self::Lambda { region } | Self::S3 { region } => Some(region),
        }
    }

    /// The host of the service.
    pub fn host(&self) -> String {
        match self {
            Self::CloudFront => "cloudfront.amazonaws.com".to_owned(),
            Self::KeyValueStore { account } => {
                format!("{account}.cloudfront-kvs.global.api.aws")
            }
            Self::Lambda { region } => format!("lambda.{region}.amazonaws.com"),
            Self::S3 { region } => format!("s3.{region}.amazonaws.com"),
            Self::Cloudflare => "api.cloudflare.com".to_owned(),
            // Every API client has a host of its own, which is not printed.
            Self::EdgeWorkers => "AKAMAI_HOST".to_owned(),
        }
    }

    /// The start of every path of the service.
    pub const fn root(&self) -> &'static str {
        match self {
            Self::Cloudflare => "/client/v4",
            Self::EdgeWorkers => "/edgeworkers/v1",
            Self::CloudFront
            | Self::KeyValueStore { .. }
            | Self::Lambda { .. }
            | Self::S3 { .. } => "",
        }
    }
}

/// One call. The body is not printed, because it may contain session secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The name of the operation, which is also its name in IAM policies.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, percent-encoded.
    pub path: String,
    /// The query without `?`, percent-encoded.
    pub query: String,
    /// Headers of this operation, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl Call {
    /// A call without a body.
    pub fn new(service: Service, name: &'static str, method: &'static str, path: String) -> Self {
        Self {
            service,
            name,
            method,
            path,
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same call with a body.
    #[must_use]
    pub fn with_body(mut self, kind: &'static str, body: Vec<u8>) -> Self {
        self.headers.push(("content-type", kind.to_owned()));
        self.body = body;
        self
    }

    /// The same call with one more pair in the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(&format!("{name}={}", part(value)));
        self
    }

    /// The same call with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The action; for AWS, it is the one that an IAM policy must allow.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.signing_name(), self.name)
    }

    /// The URL.
    pub fn url(&self) -> String {
        let query = if self.query.is_empty() { "" } else { "?" };
        format!(
            "https://{}{}{}{query}{}",
            self.service.host(),
            self.service.root(),
            self.path,
            self.query
        )
    }

    /// The call in one line. Bodies are described by length and digest.
    pub fn line(&self) -> String {
        let mut text = format!("{} {} {}", self.action(), self.method, self.url());
        for (name, value) in &self.headers {
            if *name != "content-type" {
                text.push_str(&format!(" {name}: {value}"));
            }
        }
        if !self.body.is_empty() {
            let digest = digest(&self.body);
            let digest = digest.get(..16).unwrap_or(&digest);
            text.push_str(&format!(
                " body: {} bytes, sha256 {digest}…",
                self.body.len()
            ));
        }
        text
    }

    /// The call for programs.
    pub fn json(&self) -> Value {
        let headers: Vec<Value> = self
            .headers
            .iter()
            .map(|(name, value)| json!([name, value]))
            .collect();
        json!({
            "action": self.action(),
            "method": self.method,
            "url": self.url(),
            "headers": headers,
            "body_bytes": self.body.len(),
            "body_sha256": digest(&self.body),
        })
    }
}

/// A value as a part of a path or query.
pub(crate) fn part(value: &str) -> String {
    utf8_percent_encode(value, PART).to_string()
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of bytes, in lower-case hexadecimal digits.
pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The response to a call.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` if it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The SHA-256 of the body, in hexadecimal digits.
    pub fn digest(&self) -> String {
        digest(&self.body)
    }

    /// The list at a place of a JSON response.
    ///
    /// # Errors
    /// Returns an error if there is none: an empty list in its place would be a wrong answer about what is live.
    pub(crate) fn list(&self, call: &Call, place: &str) -> Result<Vec<Value>, PublishError> {
        let list = self
            .json()
            .pointer(place)
            .and_then(Value::as_array)
            .cloned();
        list.ok_or_else(|| PublishError::Unexpected {
            action: call.action(),
            problem: format!("has no list at `{place}`"),
        })
    }

    /// The code and the message of an error, in either of AWS's formats, in Cloudflare's or in Akamai's.
    pub fn error(&self) -> (String, String) {
        let text = self.text();
        if text.trim_start().starts_with('<') {
            let of = |name: &str| first_of(&text, name).unwrap_or_default();
            return (of("Code"), of("Message"));
        }
        let object = self.json();
        // Cloudflare's format.
        if let Some(first) = object.pointer("/errors/0") {
            let of = |name: &str| match first.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => String::new(),
            };
            return (of("code"), of("message"));
        }
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| object.get(*name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        let code = text(&["__type", "Code", "code", "errorCode"]);
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        let code = match text(&["type"]).contains(AKAMAI_AUTHENTICATION) {
            true => AKAMAI_AUTHENTICATION.to_owned(),
            false => code,
        };
        (code, text(&["Message", "message", "detail", "title"]))
    }
}
