//! The settings in a source, and their meaning by name.
//!
//! Not here: the languages they are written in ([`javascript`](super::javascript),
//! [`lines`](super::lines)).

use super::super::ImportError;

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) found: Found,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Text(String),
    List(Vec<String>),
    /// An expression whose value is known only at run time.
    Expression(String),
    /// A number, an object or another value that is not a string.
    Other(String),
}

/// A setting that a policy needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Region,
    UserPool,
    Client,
    Group,
}

/// The names of the settings of a field, without platform prefixes, in lower case and without
/// punctuation.
const NAMES: [(Field, &[&str]); 4] = [
    (Field::Region, &["region", "userpoolregion"]),
    (
        Field::UserPool,
        &[
            "userpoolid",
            "userpool",
            "userpoolsid",
            "pool",
            "poolid",
            "userpoolarn",
        ],
    ),
    (
        Field::Client,
        &[
            "clientid",
            "client",
            "userpoolappid",
            "userpoolclientid",
            "userpoolwebclientid",
            "userpoolswebclientid",
            "appclientid",
            "webclientid",
            "audience",
        ],
    ),
    (
        Field::Group,
        &[
            "group",
            "groups",
            "groupname",
            "requiredgroup",
            "requiredgroups",
            "allowedgroup",
            "allowedgroups",
            "usergroup",
            "userpoolgroupname",
        ],
    ),
];
/// Prefixes that platforms require.
const PREFIXES: [&str; 9] = [
    "vite",
    "reactapp",
    "nextpublic",
    "nuxtpublic",
    "expopublic",
    "public",
    "aws",
    "amplify",
    "cognito",
];
/// Words in the names of settings that restrict access.
const RESTRICTING: [&str; 10] = [
    "group",
    "role",
    "permission",
    "restrict",
    "whitelist",
    "blacklist",
    "allowlist",
    "denylist",
    "allowed",
    "required",
];
/// Words in names that look like restrictions, but are none.
const HARMLESS: [&str; 11] = [
    "oauth",
    "method",
    "header",
    "origin",
    "flow",
    "callback",
    "logout",
    "attribute",
    "characters",
    "rolearn",
    "identitypool",
];

impl Field {
    pub(super) const ALL: [Self; 4] = [Self::Region, Self::UserPool, Self::Client, Self::Group];

    /// Its name in messages.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Region => "AWS region",
            Self::UserPool => "user pool",
            Self::Client => "app client",
            Self::Group => "group",
        }
    }

    /// The option that sets it, as an imperative.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Region => "give it with `--region REGION`",
            Self::UserPool => "give it with `--user-pool ID`",
            Self::Client => "give it with `--client ID`",
            Self::Group => "give it with `--group NAME`",
        }
    }

    /// The expected names, in their usual spelling.
    pub(super) fn looked_for(self) -> Vec<&'static str> {
        match self {
            Self::Region => vec!["region", "COGNITO_REGION"],
            Self::UserPool => {
                vec![
                    "userPoolId",
                    "userPoolArn",
                    "COGNITO_USER_POOL_ID",
                    "aws_user_pools_id",
                ]
            }
            Self::Client => vec![
                "userPoolAppId",
                "clientId",
                "userPoolClientId",
                "COGNITO_CLIENT_ID",
                "aws_user_pools_web_client_id",
            ],
            Self::Group => vec!["requiredGroup", "group"],
        }
    }

    fn of(name: &str) -> Option<Self> {
        let names = spellings(name);
        let is_one = |known: &&str| names.iter().any(|name| name == known);
        let found = NAMES.iter().find(|(_, known)| known.iter().any(&is_one));
        found.map(|(field, _)| *field)
    }
}

impl Setting {
    /// The name in lower case without punctuation.
    pub(super) fn plain(&self) -> String {
        plain(&self.name)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.found {
            Found::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it may restrict access in a way that is not supported.
    pub(super) fn restricts(&self) -> bool {
        let name = self.plain();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let is_nothing = match &self.found {
            Found::Text(text) => text.is_empty(),
            Found::List(list) => list.is_empty(),
            Found::Other(text) => matches!(text.as_str(), "" | "null" | "~" | "false" | "{}"),
            Found::Expression(_) => false,
        };
        !is_nothing && Field::of(&self.name).is_none() && has(&RESTRICTING) && !has(&HARMLESS)
    }
}

/// The value of a field in the settings.
///
/// # Errors
/// Returns an error if the settings contradict each other, or contain no readable value.
pub(super) fn value(field: Field, settings: &[Setting]) -> Result<Option<String>, ImportError> {
    let mut values: Vec<(String, usize)> = Vec::new();
    for setting in settings
        .iter()
        .filter(|setting| Field::of(&setting.name) == Some(field))
    {
        let found = match &setting.found {
            Found::Text(text) => text.clone(),
            Found::List(list) => match list.as_slice() {
                [] => continue,
                [one] => one.clone(),
                _ => {
                    return Err(ImportError::Restriction {
                        name: setting.name.clone(),
                        line: setting.line,
                    });
                }
            },
            // A variable of the same name is read at its definition, and many things are called
            // client.
            Found::Expression(text)
                if plain(text) == setting.plain()
                    && (field != Field::Group || is_given_elsewhere(setting, settings)) =>
            {
                continue;
            }
            Found::Expression(_) if ["client", "pool"].contains(&setting.plain().as_str()) => {
                continue;
            }
            Found::Expression(text) => {
                return Err(ImportError::Unusable {
                    what: "text that can be read without running the program",
                    value: text.clone(),
                    line: Some(setting.line),
                    option: field.option(),
                });
            }
            Found::Other(_) if field != Field::Group => continue,
            Found::Other(_) if !setting.is_set() => continue,
            Found::Other(_) => {
                return Err(ImportError::Restriction {
                    name: setting.name.clone(),
                    line: setting.line,
                });
            }
        };
        let found = match field {
            Field::UserPool => found.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => found,
        };
        if !found.is_empty() && !values.iter().any(|(value, _)| *value == found) {
            values.push((found, setting.line));
        }
    }
    if values.len() > 1 {
        let shown = values
            .iter()
            .map(|(value, line)| format!("`{value}` (line {line})"));
        return Err(ImportError::Conflict {
            what: field.what(),
            values: shown.collect(),
            option: field.option(),
        });
    }
    Ok(values.pop().map(|(value, _)| value))
}

/// Whether another setting of the same name has a readable value.
fn is_given_elsewhere(setting: &Setting, settings: &[Setting]) -> bool {
    settings.iter().any(|other| {
        other.plain() == setting.plain() && matches!(other.found, Found::Text(_) | Found::List(_))
    })
}

impl Setting {
    fn is_set(&self) -> bool {
        !matches!(&self.found, Found::Other(text) if matches!(text.as_str(), "" | "null" | "~" | "false" | "{}"))
    }
}

/// The name, and the name without each prefix that platforms add.
fn spellings(name: &str) -> Vec<String> {
    let mut all = vec![plain(name)];
    let mut at = 0;
    while let Some(name) = all.get(at).cloned() {
        at += 1;
        let shorter = PREFIXES
            .iter()
            .filter_map(|prefix| name.strip_prefix(prefix));
        let shorter: Vec<String> = shorter
            .filter(|rest| !rest.is_empty())
            .map(str::to_owned)
            .collect();
        all.extend(shorter);
    }
    all
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
