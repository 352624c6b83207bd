//! The issuers of a `site.toml` that may have mistakes.
//!
//! Not here: diagnostics, which are the compiler's.

use core::fmt;

use tollgate_token::{Algorithm, KeyKind, cognito_issuers};
use toml::{Table, Value};

use super::{Line, PinnedFile, Source, is_fetchable, toml_text};

/// `site.toml` is not TOML, or has no issuer to fetch from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSite {
    /// It is not TOML.
    NotToml,
    /// No issuer publishes keys.
    NoIssuers,
}

impl fmt::Display for BadSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotToml => "it is not TOML",
            Self::NoIssuers => "it has no issuer that publishes keys",
        })
    }
}

impl core::error::Error for BadSite {}

/// Reads the issuers whose keys are published. An issuer with secrets only publishes none.
///
/// # Errors
///
/// Returns an error if the text is not TOML, or has no such issuer.
pub fn sources(site: &str) -> Result<Vec<Source>, BadSite> {
    let site = site.strip_prefix('\u{feff}').unwrap_or(site);
    let root: Table = site.parse().map_err(|_| BadSite::NotToml)?;
    let tables = root.get("issuer").and_then(Value::as_array);
    let tables = tables.into_iter().flatten().filter_map(Value::as_table);
    let mut sources: Vec<Source> = tables.filter_map(source).collect();
    if sources.is_empty() {
        return Err(BadSite::NoIssuers);
    }
    let sign_in = root.get("sign_in").and_then(Value::as_table);
    let is_only = sources.len() == 1;
    for source in &mut sources {
        source.document = document(sign_in, &source.name, is_only);
    }
    Ok(sources)
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    let text = table.get(key).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    match table.get(key) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => {
            let texts = list.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn source(table: &Table) -> Option<Source> {
    let name = text(table, "name")?;
    let cognito = table
        .get("cognito")
        .and_then(Value::as_table)
        .and_then(|pool| {
            let (region, pool) = (text(pool, "region")?, text(pool, "user_pool")?);
            Some((region.to_owned(), pool.to_owned()))
        });
    let issuers = match &cognito {
        Some((region, pool)) => cognito_issuers(region, pool).to_vec(),
        None => texts(table, "issuer"),
    };
    let algorithms = match table.contains_key("algorithms") {
        true => texts(table, "algorithms"),
        false => vec!["RS256".to_owned()],
    };
    let is_secret = |name: &String| {
        let algorithm = Algorithm::from_name(name);
        algorithm.is_some_and(|algorithm| algorithm.key_kind() == KeyKind::Hmac)
    };
    // Secrets are never published.
    let algorithms: Vec<String> = algorithms
        .into_iter()
        .filter(|name| !is_secret(name))
        .collect();
    let refresh = text(table, "refresh").filter(|url| is_fetchable(url));
    let is_found = refresh.is_some() || issuers.first().is_some_and(|url| is_fetchable(url));
    if algorithms.is_empty() || !is_found {
        return None;
    }
    let keys = match text(table, "jwks") {
        Some(path) => PinnedFile {
            path: path.to_owned(),
            line: None,
        },
        None => {
            let path = format!("keys/{name}.jwks.json");
            let text = format!("jwks = {}", toml_text(&path));
            PinnedFile {
                path,
                line: Some(Line {
                    table: "[[issuer]]",
                    text,
                }),
            }
        }
    };
    Some(Source {
        name: name.to_owned(),
        issuers,
        cognito,
        algorithms,
        is_lenient: table.get("lenient_jwks").and_then(Value::as_bool) == Some(true),
        refresh: refresh.map(str::to_owned),
        keys,
        document: None,
    })
}

/// The file for the discovery document of an issuer. Without `[sign_in]`, users may yet sign in at any of them.
fn document(sign_in: Option<&Table>, name: &str, is_only: bool) -> Option<PinnedFile> {
    let path = format!("keys/{name}.openid.json");
    let line = Line {
        table: "[sign_in]",
        text: format!("endpoints = {}", toml_text(&path)),
    };
    let new = PinnedFile {
        path,
        line: Some(line),
    };
    let Some(sign_in) = sign_in else {
        return Some(new);
    };
    let is_it = text(sign_in, "issuer").map_or(is_only, |issuer| issuer == name);
    let others = sign_in.get("provider").and_then(Value::as_array);
    let mut others = others.into_iter().flatten().filter_map(Value::as_table);
    let (provider, header) = if is_it {
        (sign_in, "[sign_in]")
    } else {
        let other = others.find(|other| text(other, "issuer") == Some(name))?;
        (other, "[[sign_in.provider]]")
    };
    Some(match text(provider, "endpoints") {
        Some(path) => PinnedFile {
            path: path.to_owned(),
            line: None,
        },
        None => PinnedFile {
            path: new.path,
            line: new.line.map(|line| Line {
                table: header,
                ..line
            }),
        },
    })
}
