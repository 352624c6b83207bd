//! The configuration of content delivery.

use tollgate_signed_urls::{Resource, Signer, SigningHash, SigningKey};

use super::{Environment, SettingsError};
use crate::content::{CloudFront, ContentSettings, Delivery, From, Oversize};
use crate::store::s3::S3Settings;

/// The ways of delivery by name.
#[derive(Clone, Copy)]
enum Way {
    Body,
    Stream,
    Presigned,
    SignedUrl,
    SignedCookies,
}

pub(super) fn read(environment: &Environment<'_>) -> Result<ContentSettings, SettingsError> {
    let way = environment.choice(
        "TOLLGATE_DELIVERY",
        &[
            ("body", Way::Body),
            ("stream", Way::Stream),
            ("presigned", Way::Presigned),
            ("signed-url", Way::SignedUrl),
            ("signed-cookies", Way::SignedCookies),
        ],
    )?;
    let oversize = [
        ("presigned", Oversize::Presigned),
        ("refuse", Oversize::Refuse),
    ];
    let dispositions = [("attachment", false), ("inline", true)];
    let from = [("fn", From::Parameter), ("path", From::Path)];
    Ok(ContentSettings {
        from: environment.choice("TOLLGATE_CONTENT_FROM", &from)?,
        base_path: environment.base_path()?,
        delivery: match way {
            Way::Body => Delivery::Body,
            Way::Stream => Delivery::Stream,
            Way::Presigned => Delivery::Presigned,
            Way::SignedUrl => Delivery::SignedUrl(cloudfront(environment)?),
            Way::SignedCookies => Delivery::SignedCookies(cloudfront(environment)?),
        },
        oversize: environment.choice("TOLLGATE_OVERSIZE", &oversize)?,
        checks_object: environment
            .choice("TOLLGATE_CHECK_OBJECT", &[("on", true), ("off", false)])?,
        is_inline: environment.choice("TOLLGATE_DISPOSITION", &dispositions)?,
        origins: origins(environment)?,
    })
}

/// The location of the bucket. Lambda sets the variables that start with `AWS_`.
pub(super) fn bucket(environment: &Environment<'_>) -> Result<S3Settings, SettingsError> {
    let endpoint = environment
        .optional("AWS_ENDPOINT_URL_S3")
        .or(environment.optional("AWS_ENDPOINT_URL"));
    Ok(S3Settings {
        bucket: environment.required("TOLLGATE_BUCKET")?.to_owned(),
        region: environment.required("AWS_REGION")?.to_owned(),
        endpoint: endpoint.map(str::to_owned),
        key_id: environment.required("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret: environment.required("AWS_SECRET_ACCESS_KEY")?.to_owned(),
        session: environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
    })
}

/// Every origin must be written exactly as browsers send it; `*` and `null` identify no single origin.
fn origins(environment: &Environment<'_>) -> Result<Vec<String>, SettingsError> {
    let name = "TOLLGATE_CORS_ORIGINS";
    let Some(list) = environment.optional(name) else {
        return Ok(Vec::new());
    };
    let is_host_byte =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
    let is_origin = |text: &str| {
        let host = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_host_byte))
    };
    list.split(',')
        .map(str::trim)
        .map(|origin| is_origin(origin).then(|| origin.to_owned()))
        .collect::<Option<_>>()
        .ok_or(SettingsError::Value(name))
}

fn cloudfront(environment: &Environment<'_>) -> Result<CloudFront, SettingsError> {
    let host = environment.required("TOLLGATE_CLOUDFRONT_HOST")?;
    if Resource::exact(host, "/").is_err() {
        return Err(SettingsError::Value("TOLLGATE_CLOUDFRONT_HOST"));
    }
    let hashes = [("sha256", SigningHash::Sha256), ("sha1", SigningHash::Sha1)];
    let hash = environment.choice("TOLLGATE_SIGNING_HASH", &hashes)?;
    let (name, pem) = match environment.optional("TOLLGATE_SIGNING_KEY_FILE") {
        Some(file) => {
            let name = "TOLLGATE_SIGNING_KEY_FILE";
            let pem = std::fs::read_to_string(file).map_err(|_| SettingsError::Key(name))?;
            (name, pem)
        }
        None => {
            let name = "TOLLGATE_SIGNING_KEY";
            (name, environment.required(name)?.to_owned())
        }
    };
    let key = SigningKey::from_pem(&pem, hash).map_err(|_| SettingsError::Key(name))?;
    let name = "TOLLGATE_SIGNING_KEY_ID";
    let signer =
        Signer::new(key, environment.required(name)?).map_err(|_| SettingsError::Value(name))?;
    let domain = environment.optional("TOLLGATE_COOKIE_DOMAIN");
    if domain.is_some_and(|domain| Resource::exact(domain, "/").is_err()) {
        return Err(SettingsError::Value("TOLLGATE_COOKIE_DOMAIN"));
    }
    Ok(CloudFront {
        host: host.to_owned(),
        signer,
        binds_address: environment.choice("TOLLGATE_BIND_IP", &[("off", false), ("on", true)])?,
        cookie_domain: domain.map(str::to_owned),
    })
}
