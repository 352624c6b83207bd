//! Imports the settings of a function that checks the tokens of one Cognito user pool for the whole
//! site, possibly for one group: cognito-at-edge, cloudfront-authorization-at-edge, and similar
//! functions.
//!
//! Not here: the languages of settings ([`javascript`], [`lines`]), and the meaning of their names
//! ([`found`]).

mod found;
mod javascript;
mod lines;

use serde_json::Value;
use tollgate_core::MethodSet;

use super::draft::{Entry, Pattern, Rule};
use super::issuer::{Issuer, KeySet, tables};
use super::shape::Shape;
use super::write::{Site, comment, list, quoted};
use super::{ImportError, Imported};
use found::{Field, Found, Setting};

/// The settings of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The AWS region. The user pool's ID also starts with it.
    pub region: Option<String>,
    /// The user pool's ID.
    pub user_pool: Option<String>,
    /// The app client's ID.
    pub client: Option<String>,
    /// The group that has access; without one, every user of the pool has.
    pub group: Option<String>,
    /// The location of tokens.
    pub tokens: Tokens,
    /// The pool's key set, if the settings contain it.
    pub keys: Option<String>,
    /// Errors in single settings. They count only if no option overrides the setting.
    problems: Vec<ImportError>,
    /// The error in the group. It counts only if no option overrides the group.
    restriction: Option<ImportError>,
    /// The names that were found, with their lines.
    found: Vec<String>,
    /// Whether the source contains decisions of its own.
    has_code: bool,
}

/// A location of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// The settings do not contain it.
    #[default]
    Unknown,
    /// In the cookies of Amplify, whose names contain the user name.
    Amplify,
    /// In the cookie `ID-TOKEN`.
    IdToken,
}

/// Parses settings: JavaScript, JSON, an environment file, or any file with `name = value` or
/// `name: value`.
///
/// # Errors
/// Returns an error if the text starts like an object but is not one.
pub fn settings(text: &str) -> Result<Settings, ImportError> {
    let text = text.trim_start_matches('\u{FEFF}');
    let script = javascript::read(text);
    if script.is_none() && text.trim_start().starts_with('{') {
        let error = serde_json::from_str::<Value>(text).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        return Err(ImportError::format(error));
    }
    let script = script.unwrap_or_else(|| javascript::Script {
        settings: lines::read(text),
        ..javascript::Script::default()
    });
    Ok(understood(&script))
}

fn understood(script: &javascript::Script) -> Settings {
    const MOST_NAMES: usize = 12;
    let mut settings = Settings {
        has_code: script.has_code,
        ..Settings::default()
    };
    let named = |name: &str| {
        script
            .settings
            .iter()
            .find(|setting| setting.plain() == name)
    };
    // The outputs of Amplify list all groups of the pool, which restricts nothing.
    let is_list =
        |setting: &Setting| setting.plain() == "groups" && matches!(setting.found, Found::Other(_));
    let is_front_end = named("auth").is_some() && named("version").is_some();
    let own = script
        .settings
        .iter()
        .filter(|setting| !(is_front_end && is_list(setting)));
    let own: Vec<Setting> = own.cloned().collect();
    for field in Field::ALL {
        let value = found::value(field, &own).unwrap_or_else(|problem| {
            match field {
                Field::Group => settings.restriction = Some(problem),
                _ => settings.problems.push(problem),
            }
            None
        });
        match field {
            Field::Region => settings.region = value,
            Field::UserPool => settings.user_pool = value,
            Field::Client => settings.client = value,
            Field::Group => settings.group = value,
        }
    }
    let names = script.settings.iter().take(MOST_NAMES);
    settings.found = names
        .map(|setting| format!("`{}` (line {})", setting.name, setting.line))
        .collect();
    if let Some(setting) = own.iter().find(|setting| setting.restricts()) {
        settings
            .restriction
            .get_or_insert_with(|| ImportError::Restriction {
                name: setting.name.clone(),
                line: setting.line,
            });
    }
    let cookies = named("cookiecompatibility").and_then(Setting::text);
    settings.tokens = match cookies.map(str::to_lowercase).as_deref() {
        Some("elasticsearch") => Tokens::IdToken,
        Some(_) => Tokens::Amplify,
        None if script.is_authenticator || named("userpoolappid").is_some() => Tokens::Amplify,
        None => Tokens::Unknown,
    };
    if let Some(Found::Other(keys)) = named("jwks").map(|setting| &setting.found)
        && let Ok(value) = serde_json::from_str::<Value>(keys)
        && value
            .get("keys")
            .and_then(Value::as_array)
            .is_some_and(|keys| !keys.is_empty())
    {
        settings.keys = Some(keys.clone());
    }
    settings
}

/// Imports the settings of a function. `keys` is the pool's key set, if known.
///
/// # Errors
/// Returns an error if a policy needs more than the settings contain, or if they may restrict access in a
/// way that is not understood.
pub fn snippet(settings: &Settings, keys: Option<&str>) -> Result<Imported, ImportError> {
    let pool = needed(Field::UserPool, &settings.user_pool, settings)?;
    let client = needed(Field::Client, &settings.client, settings)?;
    let region = region(settings, pool)?;
    if let (None, Some(problem)) = (&settings.group, &settings.restriction) {
        return Err(problem.clone());
    }
    let mut out = Imported::default();
    let mut site = Site::new(
        "imported",
        "the settings of a function that checks Cognito tokens",
    );
    let issuer = Issuer {
        name: "cognito".to_owned(),
        lines: format!(
            "cognito = {{ region = {}, user_pool = {} }}\nclients = {}\ntoken_use = [\"id\"]\nalgorithms = [\"RS256\"]\n",
            quoted(region),
            quoted(pool),
            list(&[client])
        ),
        published: vec![format!(
            "https://cognito-idp.{region}.amazonaws.com/{pool}/.well-known/jwks.json"
        )],
    };
    let keys = keys.or(settings.keys.as_deref()).map(|text| KeySet {
        issuer: None,
        text: text.to_owned(),
    });
    let (table, _) = tables(&[issuer], keys.as_slice(), &mut out);
    site.tables = format!(
        "{table}\n{}",
        token_table(settings.tokens, client, &mut out)
    );
    let id = site.id("everything");
    let who = match &settings.group {
        Some(group) => {
            if group.contains(['{', '}']) || group.chars().any(char::is_control) {
                return Err(ImportError::Unusable {
                    what: "a group that a rule can name",
                    value: group.clone(),
                    line: None,
                    option: Field::Group.option(),
                });
            }
            format!("groups = {}\n", list(&[group]))
        }
        None => "signed_in = true\n".to_owned(),
    };
    let mut rule = Rule::allow(&id, &who, MethodSet::READ);
    rule.patterns.push(Pattern::from(&Shape::everything()));
    site.entries.push(Entry::Rule(rule));
    out.notes
        .push("the function allows every method; the imported rule allows GET and HEAD".to_owned());
    out.notes
        .push("tokens of other app clients of the user pool are denied".to_owned());
    if settings.has_code {
        out.notes.push(
            "the program contains decisions of its own: check that it allows every user of the pool, or of the group".to_owned(),
        );
    }
    out.files.insert(0, ("site.toml".to_owned(), site.text()));
    Ok(out)
}

/// `[token]`: where the policy reads tokens.
fn token_table(tokens: Tokens, client: &str, out: &mut Imported) -> String {
    match tokens {
        Tokens::IdToken => "[token]\nfrom = [\"cookie:ID-TOKEN\"]\n".to_owned(),
        Tokens::Unknown => {
            let note = "tokens are read from the `Authorization` header; if the function reads a cookie, add it to `from`: `\"cookie:NAME\"`";
            out.notes.push(note.to_owned());
            format!(
                "{}[token]\nfrom = [\"header:authorization\"]\n",
                comment(note)
            )
        }
        Tokens::Amplify => {
            let warning = format!(
                "no browser is signed in yet: the function reads the cookie `CognitoIdentityServiceProvider.{client}.USER.idToken`, and \
                 no token source can name a cookie whose name contains the user's. The policy reads the `Authorization` header. \
                 Either send `Authorization: Bearer ID_TOKEN` from the front end, or let the sign-in set the ID token in a \
                 cookie of one name and add it to `from`: `\"cookie:id_token\"`"
            );
            let text = format!(
                "{}[token]\nfrom = [\"header:authorization\"]\n",
                comment(&warning)
            );
            out.warnings.push(warning);
            text
        }
    }
}

fn needed<'a>(
    field: Field,
    value: &'a Option<String>,
    settings: &Settings,
) -> Result<&'a str, ImportError> {
    if let Some(value) = value {
        return Ok(value);
    }
    let is_own = |problem: &&ImportError| problem.help() == Some(field.option());
    if let Some(problem) = settings.problems.iter().find(is_own) {
        return Err(problem.clone());
    }
    Err(ImportError::Missing {
        what: field.what(),
        names: field.looked_for(),
        found: settings.found.clone(),
        option: field.option(),
    })
}

/// The region: the prefix of the user pool's ID.
fn region<'a>(settings: &Settings, pool: &'a str) -> Result<&'a str, ImportError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let parts = pool.split_once('_').filter(|(region, id)| {
        region.contains('-')
            && region.chars().all(plain)
            && !id.is_empty()
            && id.chars().all(|c| c.is_ascii_alphanumeric())
    });
    let (region, _) = parts.ok_or_else(|| ImportError::Unusable {
        what: "the ID of a user pool, such as `eu-west-1_Ab1Cd2Ef3`",
        value: pool.to_owned(),
        line: None,
        option: Field::UserPool.option(),
    })?;
    match &settings.region {
        Some(other) if other != region => Err(ImportError::Unusable {
            what: "the region of the user pool",
            value: other.clone(),
            line: None,
            option: Field::Region.option(),
        }),
        _ => Ok(region),
    }
}

#[cfg(test)]
mod tests;
