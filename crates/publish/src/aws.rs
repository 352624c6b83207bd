//! AWS: credentials and signatures.
//!
//! Credentials come from where every AWS tool finds them: the environment, profiles, single sign-on, roles of
//! instances and of CI jobs. They are never printed. Not here: the calls ([`call`](crate::call)), and sending (`line`).

use core::time::Duration;
use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::{v4, v4a};

use crate::call::{Call, Reply, Service};
use crate::error::PublishError;
use crate::line::{self, Line, Request, causes};
use crate::world::SendError;

/// Credentials are loaded again before they end.
const RENEW_SECS: u64 = 60;

/// Signs a call. `endpoint` replaces the service's own.
///
/// # Errors
/// Returns a message if the call cannot be signed.
pub fn signed(
    call: &Call,
    endpoint: Option<&str>,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<Request, String> {
    let base = match endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://{}", call.service.host()),
    };
    let host = base
        .split_once("://")
        .map_or(base.as_str(), |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host).to_owned();
    let query = if call.query.is_empty() { "" } else { "?" };
    let url = format!("{base}{}{query}{}", call.path, call.query);
    let mut headers = vec![("host".to_owned(), host)];
    let own = call.headers.iter();
    headers.extend(own.map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut settings = SigningSettings::default();
    if matches!(call.service, Service::S3 { .. }) {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = credentials.clone().into();
    let name = call.service.signing_name();
    let params: SigningParams<'_> = match call.service.region() {
        Some(region) => v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(name)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into(),
        None => v4a::SigningParams::builder()
            .identity(&identity)
            .region_set("*")
            .name(name)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into(),
    };
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Bytes(&call.body);
    let request = SignableRequest::new(call.method, url.as_str(), pairs, body)
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &params)
        .map_err(|error| error.to_string())?
        .into_parts();
    let made: Vec<_> = instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    headers.extend(made);
    Ok(Request {
        method: call.method,
        url,
        headers,
        body: call.body.clone(),
    })
}

/// A connection to AWS.
pub struct Aws {
    line: Line,
    config: SdkConfig,
    credentials: Option<Credentials>,
}

impl Aws {
    /// Prepares a connection with the credentials of a profile, or of the environment.
    ///
    /// # Errors
    /// Returns an error if this machine has no trusted certificates, or no task can run.
    pub fn connect(profile: Option<&str>) -> Result<Self, PublishError> {
        let line = Line::new()?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = profile {
            // The environment has credentials of another account, perhaps.
            let credentials = ProfileFileCredentialsProvider::builder().profile_name(profile);
            loader = loader
                .profile_name(profile)
                .credentials_provider(credentials.build());
        }
        let config = line.runtime.block_on(loader.load());
        Ok(Self {
            line,
            config,
            credentials: None,
        })
    }

    /// The region of the profile or the environment.
    pub fn region(&self) -> Option<String> {
        self.config.region().map(ToString::to_string)
    }

    /// Sends a call once.
    ///
    /// # Errors
    /// Returns an error if there are no credentials or no response.
    pub fn send(&mut self, call: &Call) -> Result<Reply, SendError> {
        let credentials = self.credentials().map_err(SendError::Fatal)?;
        let endpoint = endpoint(&call.service, &self.config).map_err(SendError::Fatal)?;
        let request = signed(call, endpoint.as_deref(), &credentials, SystemTime::now()).map_err(
            |message| {
                SendError::Fatal(PublishError::Network {
                    action: call.action(),
                    message,
                })
            },
        )?;
        self.line.send(request)
    }

    fn credentials(&mut self) -> Result<Credentials, PublishError> {
        let soon = SystemTime::now() + Duration::from_secs(RENEW_SECS);
        if let Some(known) = &self.credentials
            && known.expiry().is_none_or(|end| end > soon)
        {
            return Ok(known.clone());
        }
        let provider: SharedCredentialsProvider = self
            .config
            .credentials_provider()
            .ok_or_else(|| PublishError::Credentials("no source is configured".to_owned()))?;
        let found = self
            .line
            .runtime
            .block_on(provider.provide_credentials())
            .map_err(|error| PublishError::Credentials(causes(&error)))?;
        self.credentials = Some(found.clone());
        Ok(found)
    }
}

/// The endpoint that the environment or the profile sets for a service.
fn endpoint(service: &Service, config: &SdkConfig) -> Result<Option<String>, PublishError> {
    let name = service.endpoint_variable();
    let own = env::var(name).ok().filter(|url| !url.is_empty());
    let (name, url) = match own {
        Some(url) => (name, Some(url)),
        None => ("AWS_ENDPOINT_URL", config.endpoint_url().map(str::to_owned)),
    };
    let url = url.filter(|url| !url.is_empty());
    url.map(|url| line::endpoint(name, &url)).transpose()
}

/// The time in Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(i64::MAX)
}
