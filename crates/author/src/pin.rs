//! The public files of issuers that a policy pins: key sets and discovery documents.
//!
//! Reads `site.toml` leniently, because a policy does not compile before these files exist. Whether a file may be
//! pinned is decided by the compiler, which reads it as part of a small policy. Not here: fetching and writing.

mod change;
mod site;
mod trial;

use core::fmt;

use serde_json::{Map, Value};
use tollgate_compiler::diagnostic::shown;

pub use change::{Change, Member, changes};
pub use site::{BadSite, sources};

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// An issuer of `site.toml` whose keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The `name` of the issuer.
    pub name: String,
    /// The accepted spellings of its `iss`; the first one is a URL, unless the key set is at [`refresh`](Self::refresh).
    issuers: Vec<String>,
    /// `cognito`, as region and user pool.
    cognito: Option<(String, String)>,
    algorithms: Vec<String>,
    is_lenient: bool,
    refresh: Option<String>,
    /// The file with the key set.
    pub keys: PinnedFile,
    /// The file with the discovery document, if it is read.
    pub document: Option<PinnedFile>,
}

/// A file in the policy directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedFile {
    /// Its path, relative to that directory.
    pub path: String,
    /// The line of TOML that refers to the file, if `site.toml` does not contain it yet.
    pub line: Option<Line>,
}

/// A line to add to `site.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The table, as its header is written.
    pub table: &'static str,
    /// The line.
    pub text: String,
}

/// The reason why a file that was fetched is not pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is not a JSON object.
    NotJson,
    /// It is the discovery document of another issuer.
    OtherIssuer(String),
    /// The discovery document has no valid `jwks_uri`.
    NoKeySet,
    /// The compiler rejects it: messages and help.
    Rejected(Vec<(String, Vec<String>)>),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("the response is not a JSON object"),
            Self::OtherIssuer(found) => {
                write!(f, "it is the discovery document of `{}`", shown(found))
            }
            Self::NoKeySet => f.write_str("the discovery document has no valid `jwks_uri`"),
            Self::Rejected(problems) => {
                let texts: Vec<&str> = problems.iter().map(|(text, _)| text.as_str()).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl core::error::Error for Unusable {}

/// A file to pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its text: JSON, one member per line.
    pub text: String,
    /// Facts that the author should know.
    pub notes: Vec<String>,
}

/// A discovery document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file to pin.
    pub pinned: Pinned,
    keys_url: Option<String>,
}

impl Source {
    /// The URL of the discovery document; `None` if neither sign-in nor the key set needs it.
    pub fn document_url(&self) -> Option<String> {
        let first = self.issuers.first().filter(|url| is_fetchable(url))?;
        let is_needed = self.document.is_some() || self.refresh.is_none();
        is_needed.then(|| format!("{}{WELL_KNOWN}", first.trim_end_matches('/')))
    }

    /// Reads a discovery document.
    ///
    /// # Errors
    ///
    /// Returns an error if the document is not this issuer's, or lacks a member that its use requires.
    pub fn read_document(&self, body: &[u8]) -> Result<Document, Unusable> {
        let members = members(body)?;
        let found = members.get("issuer").and_then(Value::as_str);
        let found = found.unwrap_or_default();
        if !self.issuers.iter().any(|known| known == found) {
            return Err(Unusable::OtherIssuer(found.to_owned()));
        }
        let is_local = found.starts_with("http://");
        let keys_url = members.get("jwks_uri").and_then(Value::as_str);
        let keys_url = keys_url
            .filter(|url| is_fetchable(url) && (is_local || url.starts_with("https://")))
            .map(str::to_owned);
        if keys_url.is_none() && self.refresh.is_none() {
            return Err(Unusable::NoKeySet);
        }
        let text = pretty(&Value::Object(members));
        let notes = match &self.document {
            Some(file) => trial::document(self, &file.path, &text)?,
            None => Vec::new(),
        };
        Ok(Document {
            pinned: Pinned { text, notes },
            keys_url,
        })
    }

    /// The URL of the key set: `refresh`, which the edges use, or else the one in the discovery document.
    pub fn keys_url(&self, document: Option<&Document>) -> Option<String> {
        let named = document.and_then(|document| document.keys_url.clone());
        self.refresh.clone().or(named)
    }

    /// Reads a key set.
    ///
    /// # Errors
    ///
    /// Returns an error if the set has no key for the issuer's algorithms, or one that the policy may not contain.
    pub fn read_keys(&self, body: &[u8], document: Option<&Document>) -> Result<Pinned, Unusable> {
        let set = members(body)?;
        let original = String::from_utf8_lossy(body);
        // The text as it was received: duplicate names would be lost in the other one.
        let mut notes = trial::keys(self, &self.keys.path, &original)?;
        let named = document.and_then(|document| document.keys_url.as_deref());
        if let (Some(refresh), Some(named)) = (self.refresh.as_deref(), named)
            && refresh != named
        {
            notes.push(format!(
                "`refresh` is `{}`, and the discovery document names `{}`",
                shown(refresh),
                shown(named)
            ));
        }
        Ok(Pinned {
            text: pretty(&Value::Object(set)),
            notes,
        })
    }

    /// The lines to add to `site.toml` so that the files are read.
    pub fn lines(&self, document: Option<&Document>) -> Vec<Line> {
        let mut lines: Vec<Line> = self.keys.line.iter().cloned().collect();
        let url = document.and_then(|document| document.keys_url.as_deref());
        if let (true, None, Some(url)) = (self.keys.line.is_some(), &self.refresh, url)
            && !url.contains(['?', '#'])
        {
            lines.push(Line {
                table: "[[issuer]]",
                text: format!("refresh = {}", toml_text(url)),
            });
        }
        let file = self.document.iter();
        lines.extend(file.filter_map(|file| file.line.clone()));
        lines
    }
}

/// Whether `body` is a file that a later fetch may replace: a key set without private keys, or with `is_document` a
/// discovery document.
pub fn is_replaceable(body: &[u8], is_document: bool) -> bool {
    let Ok(members) = members(body) else {
        return false;
    };
    if is_document {
        return members.contains_key("issuer");
    }
    let keys = members.get("keys").and_then(Value::as_array);
    keys.is_some_and(|keys| {
        let is_private = |key: &Value| ["d", "k", "p"].iter().any(|name| key.get(name).is_some());
        !keys.iter().any(is_private)
    })
}

fn members(body: &[u8]) -> Result<Map<String, Value>, Unusable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|_| Unusable::NotJson)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Whether a URL may be fetched: HTTPS, or HTTP on loopback.
fn is_fetchable(url: &str) -> bool {
    let is_local = url.strip_prefix("http://").is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| {
            host.strip_prefix(local)
                .is_some_and(|port| port.is_empty() || port.starts_with(':'))
        })
    });
    is_local || url.starts_with("https://")
}

/// A string as TOML. JSON strings are TOML strings.
fn toml_text(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
