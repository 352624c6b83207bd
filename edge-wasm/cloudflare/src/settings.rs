//! The configuration in `wrangler.toml`: variables and bindings.
//!
//! | name | kind | meaning |
//! |---|---|---|
//! | `ORIGIN` | variable | scheme and host of the origin; if not set, requests are sent to their original
//! host |
//! | `ORIGIN` | service binding | the Worker that is the origin; `js/entry.js` sends requests to it |
//! | `HOSTS` | variable | the site's hosts, separated by spaces or commas; requests for others are rejected |
//! | `CACHE_CONTROL` | variable | `private` marks responses that required a token, which is the default; `origin` leaves them as they are |
//! | `POLICY` | KV namespace | the source of newer policy images |
//! | `POLICY_TTL_SECS` | variable | how long a policy is used without reading KV, 1 to 86400; 60 if not set |
//! | `ROLLBACK_TO` | variable | with trust keys: the oldest version of a signed policy that is accepted from KV after newer ones |
//! | `LOG` | variable | `all` decisions are logged, which is the default, or only `denied` ones |

use core::fmt;

use tollgate_gate::PolicyVersion;
use worker::Env;
use worker::kv::KvStore;

use crate::facts::is_plain_authority;
use crate::note::Log;

const POLICY: &str = "POLICY";
const DEFAULT_POLICY_TTL_SECS: i64 = 60;
const LONGEST_POLICY_TTL_SECS: i64 = 86_400;

/// The configuration of a Worker.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) origin: Option<String>,
    pub(crate) hosts: Hosts,
    pub(crate) caching: Caching,
    pub(crate) kv: Option<KvStore>,
    pub(crate) policy_ttl_secs: i64,
    pub(crate) rollback_to: Option<PolicyVersion>,
    pub(crate) log: Log,
}

/// The hosts that requests may be for. Without a list, those that Cloudflare routes to the Worker.
#[derive(Clone)]
pub(crate) struct Hosts(Option<Vec<String>>);

/// The handling of `Cache-Control` in a response that required a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Shared caches must not store the response.
    Private,
    /// The origin's value is unchanged.
    Origin,
}

/// A variable with an invalid value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BadSettings {
    Origin,
    Hosts,
    CacheControl,
    PolicyTtl,
    RollbackTo,
    Log,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, BadSettings> {
        let variable = |name| env.var(name).ok().map(|value| value.to_string());
        Ok(Self {
            origin: variable("ORIGIN").map(origin).transpose()?,
            hosts: Hosts(variable("HOSTS").map(|list| hosts(&list)).transpose()?),
            caching: match variable("CACHE_CONTROL").as_deref() {
                None | Some("private") => Caching::Private,
                Some("origin") => Caching::Origin,
                Some(_) => return Err(BadSettings::CacheControl),
            },
            kv: env.kv(POLICY).ok(),
            policy_ttl_secs: match variable("POLICY_TTL_SECS") {
                None => DEFAULT_POLICY_TTL_SECS,
                Some(secs) => secs
                    .parse()
                    .ok()
                    .filter(|secs| (1..=LONGEST_POLICY_TTL_SECS).contains(secs))
                    .ok_or(BadSettings::PolicyTtl)?,
            },
            rollback_to: variable("ROLLBACK_TO")
                .map(|version| {
                    let number = version.parse().ok();
                    let version = number.and_then(PolicyVersion::new);
                    version.ok_or(BadSettings::RollbackTo)
                })
                .transpose()?,
            log: match variable("LOG").as_deref() {
                None | Some("all") => Log::All,
                Some("denied") => Log::Denied,
                Some(_) => return Err(BadSettings::Log),
            },
        })
    }
}

impl Hosts {
    /// Whether a request's host, with or without a port, is in the list.
    pub(crate) fn contain(&self, authority: &str) -> bool {
        let Some(hosts) = &self.0 else {
            return true;
        };
        hosts.iter().any(|host| {
            let (start, rest) = authority.split_at_checked(host.len()).unwrap_or_default();
            let has_port = rest.starts_with(':') && is_plain_authority(authority);
            start.eq_ignore_ascii_case(host) && (rest.is_empty() || has_port)
        })
    }
}

fn hosts(list: &str) -> Result<Vec<String>, BadSettings> {
    let separates = |c: char| c == ',' || c.is_ascii_whitespace();
    let hosts: Vec<_> = list
        .split(separates)
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .collect();
    let are_plain = hosts.iter().all(|host| is_plain_authority(host));
    if hosts.is_empty() || !are_plain {
        return Err(BadSettings::Hosts);
    }
    Ok(hosts)
}

/// Scheme and authority only: with a path prefix, the origin would receive a path other than the checked one.
fn origin(text: String) -> Result<String, BadSettings> {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(is_plain) => Ok(text),
        _ => Err(BadSettings::Origin),
    }
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "ORIGIN must be a scheme and a host without a path: https://host",
            Self::Hosts => "HOSTS must be a list of hosts: learn.example.com www.example.com",
            Self::CacheControl => "CACHE_CONTROL is `private` or `origin`",
            Self::PolicyTtl => "POLICY_TTL_SECS must be a number of seconds from 1 to 86400",
            Self::RollbackTo => "ROLLBACK_TO must be the version of a signed policy",
            Self::Log => "LOG is `all` or `denied`",
        })
    }
}
