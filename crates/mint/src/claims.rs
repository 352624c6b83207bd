//! Claims assembled from flags: a JSON object that preserves the order of its members.
//!
//! Not here: validation of claims.

use serde_json::Value;

use crate::error::MintError;

/// A JSON object of claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    members: Vec<(String, Value)>,
}

impl Claims {
    /// No claims.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses the claims of a JSON object. The last value of a repeated name wins.
    ///
    /// # Errors
    /// Returns an error if the string is not a JSON object.
    pub fn from_json(text: &str) -> Result<Self, MintError> {
        let object = serde_json::from_str::<serde_json::Map<String, Value>>(text);
        let members = object
            .map_err(|_| MintError::NotAnObject)?
            .into_iter()
            .collect();
        Ok(Self { members })
    }

    /// Sets a claim, replacing any previous value.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.put(name, value.into());
        self
    }

    /// Sets a claim to a JSON value given as a string.
    ///
    /// # Errors
    /// Returns an error if the string is not JSON.
    pub fn set_json(mut self, name: &str, json: &str) -> Result<Self, MintError> {
        let value = serde_json::from_str(json).map_err(|_| MintError::NotJson(name.into()))?;
        self.put(name, value);
        Ok(self)
    }

    /// Whether the claim exists.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    /// Returns the object as JSON without spaces.
    pub fn to_json(&self) -> String {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn put(&mut self, name: &str, value: Value) {
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name.into(), value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_add_and_replace_claims() {
        let claims = Claims::from_json(r#"{"sub":"a"}"#)
            .unwrap()
            .set("exp", 7)
            .set("sub", "b\"c")
            .set("cognito:groups", vec!["x", "y"])
            .set_json("level", "-3")
            .unwrap();
        assert_eq!(
            claims.to_json(),
            r#"{"sub":"b\"c","exp":7,"cognito:groups":["x","y"],"level":-3}"#
        );
        assert!(claims.has("exp") && !claims.has("iat"));
    }

    #[test]
    fn invalid_json_is_rejected() {
        assert_eq!(Claims::from_json("[]"), Err(MintError::NotAnObject));
        assert_eq!(Claims::from_json("{"), Err(MintError::NotAnObject));
        let error = Claims::new().set_json("level", "yes").unwrap_err();
        assert_eq!(error, MintError::NotJson("level".into()));
    }
}
