//! Key sets over HTTPS, through the HTTP client that S3 is asked with.
//!
//! Redirects are not followed, to any host. Not here: when to fetch, and what a good key set is.

use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::keeper::{FetchKeys, MAX_WAIT};

/// Longest key set that is read, in bytes; the gate takes no longer one.
const MAX_KEYS_BYTES: usize = 262_144;

/// The HTTP client for S3.
pub fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}

/// Fetches key sets.
pub struct Https(Connector);

impl Https {
    /// A client that keeps its connections.
    pub fn new() -> Self {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(MAX_WAIT)
            .read_timeout(MAX_WAIT)
            .build();
        Self(
            Connector::builder()
                .connector_settings(settings)
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build(),
        )
    }
}

impl Default for Https {
    fn default() -> Self {
        Self::new()
    }
}

impl FetchKeys for Https {
    async fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).ok()?;
        request.headers_mut().insert("accept", "application/json");
        let response = self.0.call(request).await.ok()?;
        if response.status().as_u16() != 200 {
            return None;
        }
        let mut body = aws_sdk_s3::primitives::ByteStream::new(response.into_body());
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.ok()?);
            if bytes.len() > MAX_KEYS_BYTES {
                return None;
            }
        }
        Some(bytes)
    }
}
