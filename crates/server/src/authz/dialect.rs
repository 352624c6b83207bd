//! The dialects of proxies: how each describes the request that it asks about.
//!
//! A dialect reads only its own header fields. A field of another dialect, a second value, or another spelling of
//! a name is an error: a proxy that was configured for this dialect sends none of them, so they come from the
//! client. Not here: the answer ([`reply`](super::reply)).

use core::fmt;

use http::header::HOST;
use http::{HeaderMap, HeaderName};
use tollgate_gate::{ADDED_HEADERS, OVERRIDES, is_spelling, is_spelling_of_own};

use super::asked::Asked;

const ORIGINAL_URI: &str = "x-original-uri";
const ORIGINAL_METHOD: &str = "x-original-method";
const ORIGINAL_URL: &str = "x-original-url";
const REAL_IP: &str = "x-real-ip";
const FORWARDED_METHOD: &str = "x-forwarded-method";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_URI: &str = "x-forwarded-uri";
const FORWARDED_FOR: &str = "x-forwarded-for";
const ENVOY_PATH: &str = "x-envoy-original-path";
const ENVOY_ADDRESS: &str = "x-envoy-external-address";

/// Every field that some dialect reads. Other spellings of these names are errors.
const NAMES: [&str; 11] = [
    ORIGINAL_URI,
    ORIGINAL_METHOD,
    ORIGINAL_URL,
    REAL_IP,
    FORWARDED_METHOD,
    FORWARDED_PROTO,
    FORWARDED_HOST,
    FORWARDED_URI,
    FORWARDED_FOR,
    ENVOY_PATH,
    ENVOY_ADDRESS,
];

/// The gate's own fields beside the identity, which every proxy replaces or removes. Others with the prefix would reach
/// the origin.
const REPLACED: [&str; 3] = [
    "x-tollgate-assertion",
    "x-tollgate-target",
    "x-tollgate-cache",
];

/// The way in which a proxy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// nginx: `auth_request`, which understands a few statuses only.
    Nginx,
    /// HAProxy, with the script that `tollgate build` writes.
    Haproxy,
    /// Traefik and Caddy.
    Forward,
    /// Envoy over HTTP.
    Envoy,
    /// Envoy over gRPC.
    Grpc,
    /// The Kubernetes controller of that name.
    IngressNginx,
}

/// Where the target is.
enum Target {
    /// In this field, as origin-form.
    Field(&'static str),
    /// In this field, as absolute URL.
    Url(&'static str),
    /// After the prefix, in the request line.
    Line,
}

/// The fields of one dialect.
struct Fields {
    target: Target,
    method: Option<&'static str>,
    host: Option<&'static str>,
    /// The client's address: the last entry of the first of these fields that is present.
    address: &'static [&'static str],
    /// Fields of other dialects that this proxy, or a proxy before it, may send. They are ignored.
    ignored: &'static [&'static str],
}

impl Dialect {
    /// All dialects.
    pub(super) const ALL: [Self; 6] = [
        Self::Nginx,
        Self::Haproxy,
        Self::Forward,
        Self::Envoy,
        Self::Grpc,
        Self::IngressNginx,
    ];

    /// The name in metrics and records.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Forward => "forward",
            Self::Envoy => "envoy",
            Self::Grpc => "envoy-grpc",
            Self::IngressNginx => "ingress-nginx",
        }
    }

    /// Whether it understands a few statuses only.
    pub(super) const fn is_nginx(self) -> bool {
        matches!(self, Self::Nginx | Self::IngressNginx)
    }

    const fn fields(self) -> Fields {
        match self {
            Self::Nginx | Self::Haproxy => Fields {
                target: Target::Field(ORIGINAL_URI),
                method: Some(ORIGINAL_METHOD),
                host: None,
                address: &[REAL_IP],
                ignored: &[],
            },
            Self::IngressNginx => Fields {
                target: Target::Url(ORIGINAL_URL),
                method: Some(ORIGINAL_METHOD),
                host: None,
                address: &[REAL_IP],
                ignored: &[FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO],
            },
            Self::Forward => Fields {
                target: Target::Field(FORWARDED_URI),
                method: Some(FORWARDED_METHOD),
                host: Some(FORWARDED_HOST),
                address: &[FORWARDED_FOR],
                ignored: &[FORWARDED_PROTO, REAL_IP],
            },
            Self::Envoy => Fields {
                target: Target::Line,
                method: None,
                host: None,
                address: &[ENVOY_ADDRESS, FORWARDED_FOR],
                ignored: &[FORWARDED_PROTO, FORWARDED_HOST, REAL_IP],
            },
            // The request is in the message, and these are fields of the client's request.
            Self::Grpc => Fields {
                target: Target::Line,
                method: None,
                host: None,
                address: &[],
                ignored: &[FORWARDED_PROTO, FORWARDED_HOST, FORWARDED_FOR, REAL_IP],
            },
        }
    }

    /// Reads the request that a proxy asks about. `line` is the method and the target of the request line, or of
    /// the message.
    pub(super) fn read(
        self,
        line: (&str, &[u8]),
        mut headers: Vec<(HeaderName, Vec<u8>)>,
    ) -> Result<Asked, BadQuestion> {
        let fields = self.fields();
        self.check(&fields, &headers)?;
        let one = |name: &'static str| only(&headers, name);
        let required = |name: &'static str| one(name)?.ok_or(BadQuestion::Missing(name));
        let (target, url_host) = match fields.target {
            Target::Line => (line.1.to_vec(), None),
            Target::Field(name) => (required(name)?.to_vec(), None),
            Target::Url(name) => {
                let (host, target) = split_url(required(name)?).ok_or(BadQuestion::Url(name))?;
                (target.to_vec(), Some(host.to_vec()))
            }
        };
        let method = match fields.method {
            None => line.0.to_owned(),
            Some(name) => {
                let method = core::str::from_utf8(required(name)?).ok();
                let is_token = |method: &&str| http::Method::from_bytes(method.as_bytes()).is_ok();
                let method = method.filter(is_token);
                method.ok_or(BadQuestion::Method(name))?.to_owned()
            }
        };
        let host = match fields.host {
            Some(name) => one(name)?.map(<[u8]>::to_vec),
            None => url_host,
        };
        let mut ip = None;
        for name in fields.address {
            if let (None, Some(list)) = (&ip, one(name)?) {
                ip = last_entry(list);
            }
        }
        headers.retain(|(name, _)| !NAMES.contains(&name.as_str()));
        if let Some(host) = host {
            headers.retain(|(name, _)| name != HOST);
            headers.push((HOST, host));
        }
        Ok(Asked {
            method,
            target,
            headers,
            ip,
        })
    }

    /// Rejects fields that a proxy with this dialect does not send.
    fn check(self, fields: &Fields, headers: &[(HeaderName, Vec<u8>)]) -> Result<(), BadQuestion> {
        for (name, _) in headers {
            let name = name.as_str();
            if let Some(known) = NAMES.into_iter().find(|known| is_spelling(name, known)) {
                if known != name {
                    return Err(BadQuestion::Alias(name.to_owned()));
                }
                if !fields.has(known) {
                    return Err(BadQuestion::Foreign(known, self));
                }
            }
            let is_canonical = |names: &[&str]| names.contains(&name);
            let is_override = OVERRIDES.iter().any(|known| is_spelling(name, known));
            let is_alias = is_override && !is_canonical(&OVERRIDES)
                || is_spelling_of_own(name)
                    && !is_canonical(&ADDED_HEADERS)
                    && !is_canonical(&REPLACED);
            if is_alias {
                return Err(BadQuestion::Alias(name.to_owned()));
            }
        }
        Ok(())
    }
}

impl Fields {
    /// Whether the proxy may send this field of some dialect.
    fn has(&self, name: &str) -> bool {
        let target = match self.target {
            Target::Field(name) | Target::Url(name) => Some(name),
            Target::Line => None,
        };
        [target, self.method, self.host].contains(&Some(name))
            || self.address.contains(&name)
            || self.ignored.contains(&name)
            // Envoy in front of another proxy sends it, and it names neither a path nor a method.
            || name == ENVOY_ADDRESS
    }
}

/// Returns the only value of a field.
fn only<'h>(
    headers: &'h [(HeaderName, Vec<u8>)],
    name: &'static str,
) -> Result<Option<&'h [u8]>, BadQuestion> {
    let mut values = headers.iter().filter(|(known, _)| known == name);
    let first = values.next();
    if values.next().is_some() {
        return Err(BadQuestion::Twice(name));
    }
    Ok(first.map(|(_, value)| value.as_slice()))
}

/// The last entry of a list of addresses, which the proxy that asks wrote; earlier ones come from the client.
fn last_entry(list: &[u8]) -> Option<String> {
    let list = core::str::from_utf8(list).ok()?;
    list.rsplit(',').next().map(|last| last.trim().to_owned())
}

/// Splits an absolute URL into host and target.
fn split_url(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [&b"http://"[..], b"https://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme))?;
    let end = rest.iter().position(|byte| *byte == b'/')?;
    rest.split_at_checked(end)
}

/// Converts a header map.
pub(super) fn lines(map: &HeaderMap) -> Vec<(HeaderName, Vec<u8>)> {
    map.iter()
        .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
        .collect()
}

/// The reason why a question of a proxy is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadQuestion {
    /// A required field is missing.
    Missing(&'static str),
    /// A field has two values.
    Twice(&'static str),
    /// A field of another dialect.
    Foreign(&'static str, Dialect),
    /// Another spelling of a name, or an unknown one of the gate's own.
    Alias(String),
    /// The method is not one.
    Method(&'static str),
    /// The URL is not absolute.
    Url(&'static str),
}

impl BadQuestion {
    /// All codes.
    pub(super) const CODES: [&'static str; 6] = [
        "missing_header",
        "header_twice",
        "other_dialect",
        "header_alias",
        "bad_method",
        "bad_url",
    ];

    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing_header",
            Self::Twice(_) => "header_twice",
            Self::Foreign(..) => "other_dialect",
            Self::Alias(_) => "header_alias",
            Self::Method(_) => "bad_method",
            Self::Url(_) => "bad_url",
        }
    }
}

impl fmt::Display for BadQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "`{name}` is missing: the proxy must set it"),
            Self::Twice(name) => {
                write!(
                    f,
                    "`{name}` occurs twice: the proxy must replace the client's"
                )
            }
            Self::Foreign(name, dialect) => write!(
                f,
                "`{name}` does not belong to the dialect `{}`: the proxy must remove the client's",
                dialect.name()
            ),
            Self::Alias(name) => write!(
                f,
                "`{}` looks like a name that an origin may trust, and no client needs it",
                name.escape_default()
            ),
            Self::Method(name) => write!(f, "`{name}` is not a method"),
            Self::Url(name) => write!(f, "`{name}` is not an absolute `http` or `https` URL"),
        }
    }
}

#[cfg(test)]
mod tests;
