//! The reasons why the files of an issuer are not pinned.

use core::fmt;

use serde_json::{Value, json};
use tollgate_author::pin::Unusable;

use crate::client::FetchError;

/// An issuer whose files are not pinned.
#[derive(Debug)]
pub(crate) struct NotPinned {
    /// The `name` of the issuer.
    pub(crate) issuer: String,
    pub(crate) url: String,
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum Reason {
    Fetch(FetchError),
    /// No request could be sent.
    NoClient(std::io::Error),
    Unusable(Unusable),
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            issuer,
            url,
            reason,
        } = self;
        write!(f, "issuer `{issuer}`: `{url}`: ")?;
        match reason {
            Reason::Fetch(error) => write!(f, "{error}"),
            Reason::NoClient(error) => write!(f, "{error}"),
            Reason::Unusable(problem) => write!(f, "{problem}"),
        }
    }
}

impl NotPinned {
    /// Help, one line each.
    pub(crate) fn help(&self) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match &self.reason {
            Reason::Fetch(FetchError::Redirect(_)) => one(
                "write the address that it redirects to into its `[[issuer]]`: `issuer`, or `refresh` for the key set",
            ),
            Reason::Fetch(FetchError::Status(404)) => one(
                "compare `issuer` in its `[[issuer]]` with the `iss` of a token; if the issuer has no discovery document, write the \
                 URL of its key set there: `refresh = \"https://…\"`",
            ),
            Reason::Fetch(_) | Reason::NoClient(_) => Vec::new(),
            Reason::Unusable(Unusable::NotJson) => {
                one("open the URL in a browser to see what it is")
            }
            Reason::Unusable(Unusable::OtherIssuer(found)) => vec![format!(
                "if that is the `iss` of its tokens, write `issuer = {}` in its `[[issuer]]`",
                Value::from(found.as_str())
            )],
            Reason::Unusable(Unusable::NoKeySet) => {
                one("write the URL of its key set into its `[[issuer]]`: `refresh = \"https://…\"`")
            }
            Reason::Unusable(Unusable::Rejected(problems)) => {
                let help = problems.iter().flat_map(|(_, help)| help);
                help.cloned().collect()
            }
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "severity": "error",
            "message": self.to_string(),
            "issuer": self.issuer,
            "url": self.url,
            "help": self.help(),
        })
    }
}
