//! Objects in an S3 bucket.
//!
//! The key is used exactly as given. Failures are distinguished by HTTP status; the text in S3's response is
//! dropped.

use core::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region, SharedHttpClient};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{
    Builder as HttpClientBuilder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use super::{Chunks, Facts, LinkWant, Store, StoreError, Want};

/// Time limits for a connection, and then for the first byte of a response.
const CONNECT: Duration = Duration::from_secs(1);
const FIRST_BYTE: Duration = Duration::from_secs(4);
/// One attempt and one retry.
const ATTEMPTS: u32 = 2;

/// The location of the bucket, and the credentials for it.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The name of the bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// A URL to use instead of the region's S3 endpoint; the bucket's name is then part of the path.
    pub endpoint: Option<String>,
    /// The access key ID.
    pub key_id: String,
    /// The access key's secret.
    pub secret: String,
    /// The session token of a temporary key.
    pub session: Option<String>,
}

/// The HTTP client for S3.
pub fn http_client() -> SharedHttpClient {
    HttpClientBuilder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}

/// A bucket.
pub struct S3 {
    client: Client,
    bucket: String,
}

impl S3 {
    /// A client for the bucket. Sends nothing yet.
    pub fn new(settings: &S3Settings, http: SharedHttpClient) -> Self {
        let credentials = Credentials::new(
            &settings.key_id,
            &settings.secret,
            settings.session.clone(),
            None,
            "environment",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(FIRST_BYTE)
            .build();
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts)
            .http_client(http);
        if let Some(endpoint) = &settings.endpoint {
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        Self {
            client: Client::from_conf(config.build()),
            bucket: settings.bucket.clone(),
        }
    }
}

impl Store for S3 {
    type Body = ByteStream;

    async fn head(&self, key: &str) -> Result<Facts, StoreError> {
        let asked = self.client.head_object().bucket(&self.bucket).key(key);
        let found = asked.send().await.map_err(|error| failure(&error))?;
        Ok(Facts {
            length_bytes: length(found.content_length())?,
            range: None,
            tag: found.e_tag().map(str::to_owned),
        })
    }

    async fn get(&self, key: &str, want: &Want) -> Result<(Facts, ByteStream), StoreError> {
        let asked = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_range(want.range.map(|range| range.to_string()))
            .set_if_none_match(want.unless_tag.clone());
        let found = asked.send().await.map_err(|error| failure(&error))?;
        let facts = Facts {
            length_bytes: length(found.content_length())?,
            range: found.content_range().map(str::to_owned),
            tag: found.e_tag().map(str::to_owned),
        };
        Ok((facts, found.body))
    }

    async fn link(&self, key: &str, want: &LinkWant) -> Result<String, StoreError> {
        let life = Duration::from_secs(want.life_secs);
        let life = PresigningConfig::expires_in(life).map_err(|_| StoreError::Broken)?;
        let (bucket, key) = (&self.bucket, key);
        let link = if want.is_head {
            let asked = self.client.head_object().bucket(bucket).key(key);
            asked
                .response_content_type(&want.content_type)
                .response_content_disposition(&want.disposition)
                .presigned(life)
                .await
                .map_err(|_| StoreError::Broken)
        } else {
            let asked = self.client.get_object().bucket(bucket).key(key);
            asked
                .response_content_type(&want.content_type)
                .response_content_disposition(&want.disposition)
                .presigned(life)
                .await
                .map_err(|_| StoreError::Broken)
        };
        link.map(|request| request.uri().to_owned())
    }
}

impl Chunks for ByteStream {
    async fn next(&mut self) -> Option<Result<Vec<u8>, StoreError>> {
        let chunk = ByteStream::next(self).await?;
        Some(
            chunk
                .map(|bytes| bytes.to_vec())
                .map_err(|_| StoreError::Unavailable),
        )
    }
}

/// A missing length is an error.
fn length(length: Option<i64>) -> Result<u64, StoreError> {
    length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(StoreError::Broken)
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> StoreError {
    let Some(response) = error.raw_response() else {
        return match error {
            SdkError::ConstructionFailure(_) => StoreError::Broken,
            _ => StoreError::Unavailable,
        };
    };
    match response.status().as_u16() {
        404 => StoreError::Missing,
        304 => StoreError::Unchanged,
        416 => {
            let range = response.headers().get("content-range");
            let total = range.and_then(|range| range.strip_prefix("bytes */")?.parse().ok());
            StoreError::NoSuchBytes(total)
        }
        401 | 403 => StoreError::Refused,
        429 | 500 | 503 | 504 => StoreError::Unavailable,
        _ => StoreError::Broken,
    }
}
