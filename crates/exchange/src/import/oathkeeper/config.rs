//! Oathkeeper's own configuration, which its access rules inherit from.
//!
//! Not here: the access rules.

use serde_json::{Map, Value};

use super::super::{ImportError, document};
use super::Matching;

/// The configuration.
#[derive(Clone, Debug)]
pub(super) struct Config(Value);

impl Config {
    /// Parses a configuration, JSON or YAML.
    ///
    /// # Errors
    /// Returns an error if the text is not a configuration.
    pub(super) fn read(text: &str) -> Result<Self, ImportError> {
        let value = document::read(text)?;
        let is_one = ["authenticators", "access_rules", "authorizers", "mutators"]
            .iter()
            .any(|name| value.get(name).is_some());
        match is_one {
            true => Ok(Self(value)),
            false => Err(ImportError::Shape {
                accepted: "give Oathkeeper's configuration with `--config`, and its access rules as the file",
                found: "it is not Oathkeeper's configuration: it has no `authenticators`"
                    .to_owned(),
            }),
        }
    }

    /// The matching strategy, if the configuration sets one.
    ///
    /// # Errors
    /// Returns an error if Oathkeeper has no such strategy.
    pub(super) fn matching(&self) -> Result<Option<Matching>, ImportError> {
        match self.0.pointer("/access_rules/matching_strategy") {
            None | Some(Value::Null) => Ok(Some(Matching::Regexp)),
            Some(value) => match value.as_str() {
                Some("regexp" | "") => Ok(Some(Matching::Regexp)),
                Some("glob") => Ok(Some(Matching::Glob)),
                _ => Err(ImportError::Unreadable {
                    place: "`matching_strategy`".to_owned(),
                    found: document::shown(value),
                    expected: "write `regexp` or `glob`",
                }),
            },
        }
    }

    /// Whether the handler can be used.
    pub(super) fn enables(&self, kind: &str, name: &str) -> bool {
        let enabled = self.0.pointer(&format!("/{kind}/{name}/enabled"));
        enabled == Some(&Value::Bool(true))
    }

    /// The settings of an authenticator, overridden by those of a rule.
    pub(super) fn merged(&self, name: &str, own: &Value) -> Value {
        let mut merged = Map::new();
        for value in [
            self.0.pointer(&format!("/authenticators/{name}/config")),
            Some(own),
        ] {
            let members = value.and_then(Value::as_object).into_iter().flatten();
            merged.extend(members.map(|(name, value)| (name.clone(), value.clone())));
        }
        Value::Object(merged)
    }
}
