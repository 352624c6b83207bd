//! Akamai API credentials: where they come from, as for Akamai's own tools.
//!
//! They are in four environment variables, or in a section of a file, `~/.edgerc`. Both are never mixed, and never
//! printed. Not here: signatures ([`edgegrid`](crate::edgegrid)).

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::PublishError;
use crate::line::endpoint;

/// The variables with credentials, in the order of [`KEYS`].
const VARIABLES: [&str; 4] = [
    "AKAMAI_HOST",
    "AKAMAI_CLIENT_TOKEN",
    "AKAMAI_CLIENT_SECRET",
    "AKAMAI_ACCESS_TOKEN",
];
/// The keys of a section.
const KEYS: [&str; 4] = ["host", "client_token", "client_secret", "access_token"];
/// The most bytes of a body that are signed, if nothing else is set.
const MAX_BODY_BYTES: usize = 131_072;

/// Credentials of an API client. They are not printed, also not for debugging.
pub struct Credentials {
    /// The URL of the API client's host, without a path.
    pub base: String,
    /// The client token.
    pub client_token: String,
    /// The client secret.
    pub client_secret: String,
    /// The access token.
    pub access_token: String,
    /// How many bytes of a body are signed.
    pub max_body_bytes: usize,
    /// The account switch key, for API clients that manage several accounts.
    pub account: Option<String>,
}

/// Finds credentials: in the named file or section; else in the environment; else in the default file.
///
/// # Errors
/// Returns an error without any value if there are none, or only some.
pub fn find(
    file: Option<&Path>,
    section: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Credentials, PublishError> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let values = VARIABLES.map(set);
    let is_named = file.is_some() || section.is_some();
    if !is_named && values.iter().any(Option::is_some) {
        let more = [set("AKAMAI_MAX_BODY"), set("AKAMAI_ACCOUNT_KEY")];
        return credentials(values, more, &|at| {
            format!(
                "`{}` is not set, but others of the four variables are",
                VARIABLES.get(at).unwrap_or(&"")
            )
        });
    }
    let file = file
        .map(Path::to_owned)
        .or_else(|| set("AKAMAI_EDGERC").map(PathBuf::from));
    let file = file.or_else(|| Some(std::env::home_dir()?.join(".edgerc")));
    let Some(file) = file else {
        return Err(PublishError::EdgeGrid(
            "`AKAMAI_HOST` is not set, and there is no home directory with an `.edgerc`".to_owned(),
        ));
    };
    let shown = file.display();
    let text = fs::read_to_string(&file).map_err(|error| {
        PublishError::EdgeGrid(match is_named || set("AKAMAI_EDGERC").is_some() {
            true => format!("`{shown}` cannot be read: {error}"),
            false => format!("`AKAMAI_HOST` is not set, and `{shown}` cannot be read: {error}"),
        })
    })?;
    let section = section
        .map(str::to_owned)
        .or_else(|| set("AKAMAI_EDGERC_SECTION"));
    let section = section.unwrap_or_else(|| "default".to_owned());
    let Some(pairs) = pairs(&text, &section) else {
        return Err(PublishError::EdgeGrid(format!(
            "`{shown}` has no section `{section}`"
        )));
    };
    let value = |key: &str| {
        // Of several pairs, the last one counts, as for Akamai's tools.
        let mut pairs = pairs.iter().rev();
        let found = pairs.find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    };
    let more = [value("max_body"), value("account_key")];
    credentials(KEYS.map(value), more, &|at| {
        let key = KEYS.get(at).unwrap_or(&"");
        format!("the section `{section}` of `{shown}` has no `{key}`")
    })
}

/// The pairs of a section; `None` if it does not exist.
fn pairs(text: &str, section: &str) -> Option<Vec<(String, String)>> {
    let mut found = None;
    let mut is_inside = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            is_inside = name.strip_suffix(']').map(str::trim) == Some(section);
            if is_inside {
                found.get_or_insert_with(Vec::new);
            }
        } else if let (true, Some(found), Some((key, value))) =
            (is_inside, &mut found, line.split_once('='))
        {
            let value = value.trim();
            let unquoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            found.push((
                key.trim().replace('-', "_"),
                unquoted.unwrap_or(value).to_owned(),
            ));
        }
    }
    found
}

fn credentials(
    values: [Option<String>; 4],
    [max_body, account]: [Option<String>; 2],
    missing: &dyn Fn(usize) -> String,
) -> Result<Credentials, PublishError> {
    let mut at = 0;
    let [host, client_token, client_secret, access_token] = values.map(|value| {
        let value = value.map(|value| value.trim().to_owned());
        let value = value.filter(|value| !value.is_empty()).ok_or(at);
        at += 1;
        value
    });
    let given = |value: Result<String, usize>| {
        let value = value.map_err(|at| PublishError::EdgeGrid(missing(at)))?;
        // A space or a semicolon would be another field of the header.
        let is_token = value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';');
        match is_token {
            true => Ok(value),
            false => Err(PublishError::EdgeGrid(
                "a host, a token or the secret has characters that none of them has".to_owned(),
            )),
        }
    };
    let max_body_bytes = match max_body {
        None => MAX_BODY_BYTES,
        Some(text) => text.trim().parse().map_err(|_| {
            PublishError::EdgeGrid("the limit of signed bytes (max_body) is no number".to_owned())
        })?,
    };
    Ok(Credentials {
        base: base(&given(host)?)?,
        client_token: given(client_token)?,
        client_secret: given(client_secret)?,
        access_token: given(access_token)?,
        max_body_bytes,
        account: account
            .map(|account| account.trim().to_owned())
            .filter(|account| !account.is_empty()),
    })
}

/// The URL of a host, which may be written as a URL, too.
fn base(host: &str) -> Result<String, PublishError> {
    let url = match host.contains("://") {
        true => host.to_owned(),
        false => format!("https://{host}"),
    };
    let base = endpoint("host", &url).map_err(|error| match error {
        PublishError::Setting { problem, .. } => {
            PublishError::EdgeGrid(format!("the host {problem}"))
        }
        other => other,
    })?;
    let (_, rest) = base.split_once("://").unwrap_or_default();
    match rest.contains('/') {
        true => Err(PublishError::EdgeGrid(
            "the host has a path: write only its name, such as `akab-….luna.akamaiapis.net`"
                .to_owned(),
        )),
        false => Ok(base),
    }
}
