//! The Lambda@Edge snippet that many sites run: one user pool, perhaps one group, the whole site.

use std::collections::BTreeMap;

use serde_json::Value;

use super::write::{head, issuer, list, quoted};
use super::{ImportError, Imported};

/// What the snippet is set up with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The AWS region.
    pub region: Option<String>,
    /// The user pool's id.
    pub user_pool: Option<String>,
    /// The app client's id.
    pub client: Option<String>,
    /// The group that may have the site; without one everybody who is signed in.
    pub group: Option<String>,
}

/// The names that settings go by, in small letters without `_`, `-` and `.`.
const NAMES: [(&str, &[&str]); 4] = [
    (
        "region",
        &["region", "awsregion", "cognitoregion", "userpoolregion"],
    ),
    (
        "user_pool",
        &[
            "userpool",
            "userpoolid",
            "cognitouserpoolid",
            "pool",
            "poolid",
            "cognitouserpool",
        ],
    ),
    (
        "client",
        &[
            "client",
            "clientid",
            "userpoolappid",
            "userpoolclientid",
            "appclientid",
            "audience",
            "userpoolwebclientid",
        ],
    ),
    (
        "group",
        &[
            "group",
            "requiredgroup",
            "usergroup",
            "cognitogroup",
            "allowedgroup",
        ],
    ),
];

/// Reads settings: a JSON object, or lines of `name = value` or `name: value` as in an ini file or a module.
///
/// # Errors
/// If the text starts like JSON and is none.
pub fn settings(text: &str) -> Result<Settings, ImportError> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    if text.trim_start().starts_with('{') {
        let value: Value =
            serde_json::from_str(text).map_err(|error| ImportError::Format(error.to_string()))?;
        collect(&value, &mut found);
    } else {
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with(['#', ';', '[']) || line.starts_with("//") {
                continue;
            }
            let Some((name, value)) = line.split_once('=').or_else(|| line.split_once(':')) else {
                continue;
            };
            let name = name
                .rsplit(char::is_whitespace)
                .find(|word| !word.is_empty());
            let value = value.trim().trim_end_matches([';', ',']).trim();
            let value = value.trim_matches(['"', '\'', '`']);
            found.insert(plain(name.unwrap_or_default()), value.to_owned());
        }
    }
    let setting = |wanted: &str| {
        let (_, names) = NAMES.iter().find(|(name, _)| *name == wanted)?;
        let value = names.iter().find_map(|name| found.get(*name))?;
        (!value.is_empty()).then(|| value.clone())
    };
    Ok(Settings {
        region: setting("region"),
        user_pool: setting("user_pool"),
        client: setting("client"),
        group: setting("group"),
    })
}

fn collect(value: &Value, found: &mut BTreeMap<String, String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => {
                found.insert(plain(name), text.clone());
            }
            inner => collect(inner, found),
        }
    }
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// A policy that lets in whom the snippet lets in. `keys` is the pool's key set, if it is at hand.
///
/// # Errors
/// If a policy would need more than the settings say.
pub fn snippet(settings: &Settings, keys: Option<&str>) -> Result<Imported, ImportError> {
    let pool = settings.user_pool.as_ref();
    let pool = pool.ok_or(ImportError::Missing("which user pool signs tokens"))?;
    // A pool's id starts with its region.
    let region = match &settings.region {
        Some(region) => region.clone(),
        None => match pool.split_once('_') {
            Some((region, _)) => region.to_owned(),
            None => return Err(ImportError::Missing("in which region the user pool is")),
        },
    };
    if !is_region(&region) {
        let (what, value) = ("AWS region", region);
        return Err(ImportError::Unusable { what, value });
    }
    if pool
        .split_once('_')
        .is_none_or(|(first, _)| first != region)
    {
        let (what, value) = ("user pool of this region", pool.clone());
        return Err(ImportError::Unusable { what, value });
    }
    let client = settings.client.clone();
    let client = client.ok_or(ImportError::Missing("which app client tokens are for"))?;
    let mut out = Imported {
        notes: vec![
            "the function let every method pass; here only GET and HEAD pass".to_owned(),
            "tokens of other app clients of the pool are refused".to_owned(),
        ],
        ..Imported::default()
    };
    let mut text = head("imported", "the settings of a Lambda@Edge function");
    let published =
        format!("https://cognito-idp.{region}.amazonaws.com/{pool}/.well-known/jwks.json");
    let table = format!(
        "name = \"cognito\"\ncognito = {{ region = {}, user_pool = {} }}\nclients = {}\n\
         token_use = [\"id\"]\nalgorithms = [\"RS256\"]\n",
        quoted(&region),
        quoted(pool),
        list(&[client])
    );
    text.push_str(&issuer(&table, &published, keys, &mut out));
    text.push_str("\n[[rule]]\nid = \"everything\"\nallow = [\"/**\"]\n");
    match &settings.group {
        Some(group) => text.push_str(&format!(
            "groups = {}\n",
            list(core::slice::from_ref(group))
        )),
        None => text.push_str("signed_in = true\n"),
    }
    out.files.insert(0, ("site.toml".to_owned(), text));
    Ok(out)
}

fn is_region(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.contains('-') && text.chars().all(plain)
}
