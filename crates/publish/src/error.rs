//! Why a publication failed, and what to do about it.

use core::fmt;

/// The reason of a failure. None of them contains credentials or bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// No credentials, or none that can be used.
    Credentials(String),
    /// No Cloudflare API token, or none that can be used.
    Token(String),
    /// No Akamai API credentials, or none that can be used.
    EdgeGrid(String),
    /// A setting is missing or invalid.
    Setting {
        /// The name, as in `publish.toml`.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A call was not answered.
    Network {
        /// The action.
        action: String,
        /// The cause.
        message: String,
    },
    /// A call was refused for lack of a permission.
    Denied {
        /// The action that must be allowed.
        action: String,
        /// The service's message.
        message: String,
    },
    /// A call failed.
    Service {
        /// The action.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The service's error code.
        code: String,
        /// The service's message.
        message: String,
    },
    /// A call succeeded, and its response is not what the service documents.
    Unexpected {
        /// The action.
        action: String,
        /// What is wrong with the response, after "the response".
        problem: String,
    },
    /// Something does not exist.
    Missing {
        /// What.
        what: String,
        /// How to create it.
        help: String,
    },
    /// Something was changed by another program or person meanwhile.
    Changed {
        /// What was changed.
        what: String,
    },
    /// A wait ended without its condition.
    Late {
        /// What was awaited.
        what: String,
        /// How long, in seconds.
        secs: u64,
    },
    /// The new code does not work.
    Broken {
        /// What failed.
        what: String,
        /// The platform's message.
        message: String,
    },
    /// Akamai ended an activation without completing it.
    Aborted {
        /// The activation.
        what: String,
        /// Its status.
        status: String,
    },
    /// What is live is not Tollgate's.
    Foreign {
        /// What.
        what: String,
    },
    /// The entries of a policy were removed.
    Retired {
        /// The policy.
        policy: String,
        /// What can still be restored.
        left: Vec<String>,
    },
    /// There is nothing to roll back to.
    NoEarlier,
    /// The named policy was never published there.
    Unknown {
        /// The policy.
        policy: String,
        /// The known ones.
        known: Vec<String>,
    },
    /// The platform cannot do this.
    Unsupported {
        /// What was asked.
        what: String,
        /// What to do instead.
        help: String,
    },
}

impl PublishError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Credentials(_) | Self::Token(_) | Self::EdgeGrid(_) => "credentials",
            Self::Setting { .. } => "setting",
            Self::Network { .. } => "network",
            Self::Denied { .. } => "denied",
            Self::Service { .. } => "service",
            Self::Missing { .. } => "missing",
            Self::Changed { .. } => "changed",
            Self::Late { .. } => "late",
            Self::Broken { .. } | Self::Aborted { .. } => "broken",
            Self::Foreign { .. } => "foreign",
            Self::Retired { .. } => "retired",
            Self::NoEarlier => "no_earlier",
            Self::Unknown { .. } => "unknown_policy",
            Self::Unexpected { .. } => "unexpected",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// The advice for the reader.
    pub fn help(&self) -> String {
        match self {
            Self::Credentials(_) => "log in with `aws sso login` or `aws configure`, or set AWS_PROFILE; `aws sts get-caller-identity` shows who you are".to_owned(),
            Self::Token(_) => "create an API token at dash.cloudflare.com (My Profile, API Tokens) and set CLOUDFLARE_API_TOKEN; docs/publishing.md lists its permissions".to_owned(),
            Self::EdgeGrid(_) => "create an API client in Control Center (Identity & access) with READ-WRITE for EdgeWorkers, and save its credentials in `~/.edgerc` or in AKAMAI_HOST, AKAMAI_CLIENT_TOKEN, AKAMAI_CLIENT_SECRET and AKAMAI_ACCESS_TOKEN; docs/publishing.md describes both".to_owned(),
            Self::Setting { name, .. } if name.starts_with("CLOUDFLARE_") || name.starts_with("AWS_") => format!("correct, set or unset `{name}` in the environment"),
            Self::Setting { name, .. } => format!("set `{name}` in the table of the target in `publish.toml`, or give its option"),
            Self::Network { .. } => "check the connection, then run the command again: it continues where it stopped".to_owned(),
            Self::Denied { action, .. } if action.starts_with("cloudflare:") => "check that CLOUDFLARE_API_TOKEN is valid, belongs to this account, and has the permissions in docs/publishing.md".to_owned(),
            Self::Denied { action, .. } if action.starts_with("edgeworkers:") => "check that the credentials are valid, that their API client has READ-WRITE for EdgeWorkers and may use the account, and that the clock of this machine is right".to_owned(),
            Self::Denied { action, .. } => format!("allow `{action}` for your role; docs/publishing.md has the IAM policy"),
            Self::Service { .. } => "run the command again: it continues where it stopped".to_owned(),
            Self::Missing { help, .. } | Self::Unsupported { help, .. } => help.clone(),
            Self::Changed { .. } => "find out who changed it with `tollgate status`, then run the command again: it begins with what is there now".to_owned(),
            Self::Late { .. } => "run the command again: it continues where it stopped, and waits again".to_owned(),
            Self::Broken { .. } => "nothing was put into force; report this with the message".to_owned(),
            Self::Aborted { .. } => "`tollgate status` reports what is active; look up the activation in Control Center, then run the command again".to_owned(),
            Self::Foreign { .. } => "name another function, or give `--replace-foreign` if it may be replaced".to_owned(),
            Self::Retired { left, .. } => match left.as_slice() {
                [] => "check out the revision of that policy, and publish it".to_owned(),
                left => format!("check out the revision of that policy and publish it; these can be restored: {}", left.join(", ")),
            },
            Self::NoEarlier => "check out the revision of the policy that you want, and publish it".to_owned(),
            Self::Unknown { known, .. } => match known.as_slice() {
                [] => "no policy was published there with `tollgate publish`".to_owned(),
                known => format!("published there: {}", known.join(", ")),
            },
            Self::Unexpected { .. } => "check the endpoint, and report this if it is the service's own; nothing was changed because of it".to_owned(),
        }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(cause) => write!(f, "no AWS credentials: {cause}"),
            Self::Token(cause) => write!(f, "no Cloudflare API token: {cause}"),
            Self::EdgeGrid(cause) => write!(f, "no Akamai API credentials: {cause}"),
            Self::Setting { name, problem } => write!(f, "`{name}` {problem}"),
            Self::Network { action, message } => write!(f, "no answer to `{action}`: {message}"),
            Self::Denied { action, message } => {
                write!(f, "you are not allowed to `{action}`: {message}")
            }
            Self::Service {
                action,
                status,
                code,
                message,
            } => write!(f, "`{action}` failed with {status} {code}: {message}"),
            Self::Missing { what, .. } => write!(f, "{what} does not exist"),
            Self::Changed { what } => {
                write!(
                    f,
                    "{what} was changed by someone else; nothing of theirs was overwritten"
                )
            }
            Self::Late { what, secs } => write!(f, "{what} took longer than {secs} s"),
            Self::Broken { what, message } => write!(f, "{what} failed: {message}"),
            Self::Aborted { what, status } => {
                write!(f, "Akamai ended {what} with the status `{status}`")
            }
            Self::Foreign { what } => write!(f, "{what} was not generated by Tollgate"),
            Self::Retired { policy, .. } => {
                write!(
                    f,
                    "the entries of policy `{policy}` were removed, so it cannot be restored"
                )
            }
            Self::NoEarlier => f.write_str("no earlier policy can be restored"),
            Self::Unknown { policy, .. } => write!(f, "policy `{policy}` was not found there"),
            Self::Unexpected { action, problem } => {
                write!(f, "the response to `{action}` {problem}")
            }
            Self::Unsupported { what, .. } => write!(f, "{what}"),
        }
    }
}

impl core::error::Error for PublishError {}
