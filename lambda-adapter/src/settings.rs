//! The configuration: environment variables, all of them listed in [`VARIABLES`].
//!
//! An unknown name that starts with `TOLLGATE_`, and a value that is not listed, are errors: a function must
//! not start with a configuration other than the intended one. Not here: the policy.

mod content;
mod variables;

use core::fmt;
use std::collections::BTreeMap;
use std::path::PathBuf;

use tollgate_gate::PolicyVersion;

use crate::authorizer::{AuthorizerSettings, HttpFormat};
use crate::clock::Clock;
use crate::content::ContentSettings;
use crate::store::s3::S3Settings;

pub use variables::{VARIABLES, Variable};

/// The complete configuration.
pub struct Settings {
    /// The file with the policy image; next to the program if not set.
    pub policy: Option<PathBuf>,
    /// The file with trust keys for the image. If not set, the file next to the program, if it exists.
    pub trust: Option<PathBuf>,
    /// The oldest accepted version of a signed policy.
    pub oldest_policy: Option<PolicyVersion>,
    /// The source of the time.
    pub clock: Clock,
    /// The role, with its configuration.
    pub role: RoleSettings,
}

/// The role of a function, as configured.
pub enum RoleSettings {
    /// Decides whether requests to an API are allowed.
    Authorizer(AuthorizerSettings),
    /// Responds to requests with files.
    Content(Box<(ContentSettings, S3Settings)>),
    /// Handles CloudFront's request events.
    CloudFront,
}

/// The reason why a configuration is rejected. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// This variable must be set, for this role or because of another one.
    Missing(&'static str),
    /// The value of this variable is invalid.
    Value(&'static str),
    /// The variable is unknown.
    Unknown {
        /// Its name.
        name: String,
    },
    /// This variable contains or names a key or file that cannot be used.
    Key(&'static str),
}

/// The environment variables.
struct Environment<'a>(&'a BTreeMap<String, String>);

impl Settings {
    /// Reads the configuration from environment variables.
    ///
    /// # Errors
    ///
    /// Returns the first error.
    pub fn read(environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let is_known = |name: &String| VARIABLES.iter().any(|variable| variable.name == name);
        let ours = |name: &&String| name.starts_with("TOLLGATE_");
        if let Some(name) = environment.keys().filter(ours).find(|name| !is_known(name)) {
            return Err(SettingsError::Unknown { name: name.clone() });
        }
        let environment = Environment(environment);
        let clock = environment.choice(
            "TOLLGATE_CLOCK",
            &[("system", Clock::System), ("event", Clock::Event)],
        )?;
        let role = match environment.required("TOLLGATE_ROLE")? {
            "authorizer" => RoleSettings::Authorizer(authorizer(&environment)?),
            "content" => RoleSettings::Content(Box::new((
                content::read(&environment)?,
                content::bucket(&environment)?,
            ))),
            "cloudfront" => RoleSettings::CloudFront,
            _ => return Err(SettingsError::Value("TOLLGATE_ROLE")),
        };
        Ok(Self {
            policy: environment.optional("TOLLGATE_POLICY").map(PathBuf::from),
            trust: environment.trust()?,
            oldest_policy: environment.oldest_policy()?,
            clock,
            role,
        })
    }
}

fn authorizer(environment: &Environment<'_>) -> Result<AuthorizerSettings, SettingsError> {
    let token_header = environment.optional("TOLLGATE_TOKEN_HEADER");
    let token_header = token_header.unwrap_or("authorization");
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !token_header.bytes().all(is_name_byte) {
        return Err(SettingsError::Value("TOLLGATE_TOKEN_HEADER"));
    }
    let formats = [("iam", HttpFormat::Iam), ("simple", HttpFormat::Simple)];
    let http_format = environment.choice("TOLLGATE_HTTP_FORMAT", &formats)?;
    let name = "TOLLGATE_AUTHORIZER_CACHE";
    environment.choice(name, &[("off", ()), ("path", ())])?;
    if http_format == HttpFormat::Simple {
        // A simple response names no path: cached by token only, it would allow all other paths.
        environment.required(name)?;
    }
    Ok(AuthorizerSettings {
        base_path: environment.base_path()?,
        token_header: token_header.to_ascii_lowercase(),
        http_format,
    })
}

impl<'a> Environment<'a> {
    /// The value of a variable; an empty one counts as not set.
    fn optional(&self, name: &str) -> Option<&'a str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<&'a str, SettingsError> {
        self.optional(name).ok_or(SettingsError::Missing(name))
    }

    /// The meaning of the variable's value, or the first one if it is not set.
    fn choice<T: Copy>(&self, name: &'static str, words: &[(&str, T)]) -> Result<T, SettingsError> {
        let wrong = SettingsError::Value(name);
        let found = match self.optional(name) {
            None => words.first(),
            Some(value) => words.iter().find(|(word, _)| *word == value),
        };
        found.map(|(_, meaning)| *meaning).ok_or(wrong)
    }

    /// Unlike others, this variable must not be empty: that would mean trust in any signer.
    fn trust(&self) -> Result<Option<PathBuf>, SettingsError> {
        let name = "TOLLGATE_TRUST";
        match self.0.get(name).map(String::as_str) {
            None => Ok(None),
            Some("") => Err(SettingsError::Value(name)),
            Some(file) => Ok(Some(PathBuf::from(file))),
        }
    }

    fn oldest_policy(&self) -> Result<Option<PolicyVersion>, SettingsError> {
        let name = "TOLLGATE_OLDEST_POLICY";
        let version = |text: &str| PolicyVersion::new(text.parse().ok()?);
        self.optional(name)
            .map(|text| version(text).ok_or(SettingsError::Value(name)))
            .transpose()
    }

    fn base_path(&self) -> Result<String, SettingsError> {
        let name = "TOLLGATE_BASE_PATH";
        match self.optional(name) {
            None => Ok(String::new()),
            Some(path) if path.starts_with('/') && !path.ends_with('/') => Ok(path.to_owned()),
            Some(_) => Err(SettingsError::Value(name)),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => match VARIABLES.iter().find(|known| known.name == *name) {
                Some(known) => write!(f, "{name} must be set: {}", known.values),
                None => write!(f, "{name} must be set"),
            },
            Self::Value(name) => match VARIABLES.iter().find(|known| known.name == *name) {
                Some(known) => write!(f, "{name} must be {}", known.values),
                None => write!(f, "invalid value of {name}"),
            },
            Self::Unknown { name } => write!(f, "unknown variable {name}"),
            Self::Key(name) => write!(
                f,
                "{name} contains or names a key or file that cannot be used"
            ),
        }
    }
}

impl core::error::Error for SettingsError {}

#[cfg(test)]
mod tests;
