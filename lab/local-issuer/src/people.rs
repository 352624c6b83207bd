//! The people who can sign in. Nobody has a password.

use core::fmt;

use serde_json::{Map, Value};

/// The people who can sign in, by name.
#[derive(Clone, Debug)]
pub struct People(Vec<Person>);

/// A person who can sign in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// `sub` and user name.
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) groups: Vec<String>,
    /// The scopes of access tokens, separated by spaces.
    pub(crate) scope: String,
    /// Additional claims of ID tokens.
    pub(crate) claims: Map<String, Value>,
}

/// The error for a string that is not a JSON list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPeople;

impl fmt::Display for BadPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected a JSON list of objects with `name`, `email`, `groups`, `scope` and `claims`",
        )
    }
}

impl core::error::Error for BadPeople {}

impl People {
    /// The people of the sample site.
    ///
    /// # Errors
    ///
    /// Never: a test checks that the list in this crate is well-formed.
    pub fn sample() -> Result<People, BadPeople> {
        People::from_json(include_str!("../people.json"))
    }

    /// Parses people from a JSON list.
    ///
    /// # Errors
    ///
    /// Returns an error if the string is not such a list.
    pub fn from_json(text: &str) -> Result<People, BadPeople> {
        let list: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|_| BadPeople)?;
        list.iter()
            .map(person)
            .collect::<Option<_>>()
            .map(People)
            .ok_or(BadPeople)
    }

    /// Returns the person with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.name == name)
    }

    /// Returns all names, in the order of the list.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|person| person.name.as_str())
    }
}

fn person(entry: &Map<String, Value>) -> Option<Person> {
    let text = |name| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let groups = entry.get("groups")?.as_array()?.iter();
    Some(Person {
        name: text("name")?,
        email: text("email")?,
        groups: groups
            .map(|group| group.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        scope: text("scope")?,
        claims: entry.get("claims")?.as_object()?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_people_exist() {
        let people = People::sample().unwrap();
        let names: Vec<_> = people.names().collect();
        assert_eq!(names, ["alice", "dave", "ruth", "sam"]);
        assert!(people.named("mallory").is_none());
    }

    #[test]
    fn an_invalid_list_of_people_is_rejected() {
        for text in ["{}", "[1]", r#"[{"name":"a"}]"#, "["] {
            assert_eq!(People::from_json(text).err(), Some(BadPeople), "{text}");
        }
    }
}
