//! What an operator can set in `wrangler.toml`: variables and bindings.
//!
//! | name | kind | meaning |
//! |---|---|---|
//! | `ORIGIN` | variable | scheme and host that requests go to; without it to where they were addressed |
//! | `ORIGIN` | service binding | the Worker that requests go to; `js/entry.js` sends them there |
//! | `POLICY` | KV namespace | where newer policy images come from |
//! | `POLICY_TTL_SECS` | variable | how long a policy decides without a look at KV, 1 to 86400; 60 if it is not set |
//! | `ROLLBACK_TO` | variable | with trust keys: the oldest version of a signed policy that is taken from KV after newer ones |
//! | `LOG` | variable | `all` decisions are logged, which is the default, or only what is `denied` |

use core::fmt;

use tollgate_gate::PolicyVersion;
use worker::Env;
use worker::kv::KvStore;

use crate::note::Log;

const POLICY: &str = "POLICY";
const DEFAULT_POLICY_TTL_SECS: i64 = 60;
const LONGEST_POLICY_TTL_SECS: i64 = 86_400;

/// The settings of a Worker.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) origin: Option<String>,
    pub(crate) kv: Option<KvStore>,
    pub(crate) policy_ttl_secs: i64,
    pub(crate) rollback_to: Option<PolicyVersion>,
    pub(crate) log: Log,
}

/// A variable that means nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BadSettings {
    Origin,
    PolicyTtl,
    RollbackTo,
    Log,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, BadSettings> {
        let variable = |name| env.var(name).ok().map(|value| value.to_string());
        Ok(Self {
            origin: variable("ORIGIN").map(origin).transpose()?,
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

/// Scheme and authority alone: with a path in front the origin would be asked for another path than the
/// one that was checked.
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
            Self::Origin => "ORIGIN is a scheme and a host and nothing after it: https://host",
            Self::PolicyTtl => "POLICY_TTL_SECS is a number of seconds from 1 to 86400",
            Self::RollbackTo => "ROLLBACK_TO is the version of a signed policy",
            Self::Log => "LOG is `all` or `denied`",
        })
    }
}
