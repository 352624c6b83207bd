//! The configuration of an issuer: accepted tokens, app client IDs and keys.
//!
//! Plain data from a policy image, validated when a [`Verifier`](crate::Verifier) is built from it.
//! Not here: parsing claims ([`Claims`](crate::Claims)).

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize};
use tollgate_core::glob;

use crate::algorithm::Algorithm;
use crate::error::ClaimName;

/// The configuration of one token issuer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuerConfig {
    /// Its name in the configuration.
    pub name: String,
    /// Accepted spellings of `iss`, compared byte for byte. The first is the issuer's name in
    /// [`Facts`](tollgate_core::Facts), whichever spelling a token uses.
    pub issuers: Vec<String>,
    /// Accepted app client IDs.
    pub clients: Vec<String>,
    /// The kind of tokens it issues.
    pub kind: IssuerKind,
    /// The algorithms its tokens may use.
    pub algorithms: Vec<Algorithm>,
    /// The claims to read, and what they may grant.
    pub claims: ClaimRules,
    /// Its public keys: a JSON Web Key Set (JWKS) as a string.
    pub jwks: Option<String>,
    /// Secrets shared with it.
    pub secrets: Vec<Secret>,
    /// The URL from which its public keys can be refreshed. Fetching is the host's task.
    pub refresh: Option<String>,
}

/// The claims to read from an issuer's tokens, and what they may grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRules {
    /// The claim that must name the app client. `None` is `aud`, or for Cognito the claim that
    /// `token_use` implies.
    pub client: Option<String>,
    /// The claim with the groups. `None` means that the issuer has no groups.
    pub groups: Option<ClaimPath>,
    /// The claim with the scopes. `None` is `scope`, or else `scp`.
    pub scopes: Option<ClaimPath>,
    /// Patterns of the groups that this issuer may grant, as it writes them; `*` matches any
    /// string. `None` allows every group. Other groups count as absent.
    pub granted_groups: Option<Vec<String>>,
    /// Prepended to each of its groups.
    pub groups_prefix: String,
    /// Prepended to `sub`.
    pub subject_prefix: String,
}

impl IssuerConfig {
    /// The configured name of a claim, for messages.
    pub fn claim_name(&self, claim: ClaimName) -> String {
        let rules = &self.claims;
        match claim {
            ClaimName::Groups => rules.groups.as_ref().map(ClaimPath::to_string),
            ClaimName::Scopes => rules.scopes.as_ref().map(ClaimPath::to_string),
            ClaimName::Client => rules.client.clone(),
            _ => None,
        }
        .unwrap_or_else(|| claim.standard().into())
    }
}

impl ClaimRules {
    /// The name of one of this issuer's groups in rules; `None` if the issuer may not grant it.
    pub fn group<'a>(&self, group: &'a str) -> Option<Cow<'a, str>> {
        let matches = |pattern: &String| glob::matches(pattern.as_bytes(), group.as_bytes());
        let granted = self.granted_groups.as_ref();
        granted
            .is_none_or(|patterns| patterns.iter().any(matches))
            .then(|| prefixed(&self.groups_prefix, group))
    }

    /// The name of one of this issuer's subjects in rules.
    pub fn subject<'a>(&self, subject: &'a str) -> Cow<'a, str> {
        prefixed(&self.subject_prefix, subject)
    }
}

fn prefixed<'a>(prefix: &str, name: &'a str) -> Cow<'a, str> {
    if prefix.is_empty() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned([prefix, name].concat())
    }
}

/// The path to a claim: its name, or the names that lead to it through nested objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// A top-level claim.
    pub fn top(name: &str) -> Self {
        Self(Vec::from([name.into()]))
    }

    /// The claim at this path of names; `None` if `names` is empty.
    pub fn nested(names: Vec<String>) -> Option<Self> {
        (!names.is_empty()).then_some(Self(names))
    }

    /// The names, outermost first.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The outermost name.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

/// Prints the names separated by dots.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if at == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

/// The claim with Cognito's groups.
pub const COGNITO_GROUPS_CLAIM: &str = "cognito:groups";

/// The rules that determine the app client a token was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IssuerKind {
    /// Amazon Cognito: `token_use` is the kind of token. ID tokens have `aud`, access tokens
    /// `client_id`.
    Cognito {
        /// Whether ID tokens are accepted.
        id: bool,
        /// Whether access tokens are accepted.
        access: bool,
    },
    /// Generic OpenID Connect: `aud`.
    Oidc,
}

/// A secret shared with an issuer, for HMAC.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its key ID, the `kid` of tokens.
    pub kid: String,
    /// The secret.
    pub key: Vec<u8>,
}

/// Omits the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?}, {} bytes)", self.kid, self.key.len())
    }
}

/// Both values that Cognito puts into `iss` for a user pool: the original form, and the form for
/// applications that moved to its newer endpoints.
pub fn cognito_issuers(region: &str, user_pool: &str) -> [String; 2] {
    ["cognito-idp", "issuer-cognito-idp"]
        .map(|service| format!("https://{service}.{region}.amazonaws.com/{user_pool}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cognito_has_two_names_for_a_pool() {
        assert_eq!(
            cognito_issuers("eu-west-1", "eu-west-1_TestPool1"),
            [
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1",
                "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1",
            ]
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret {
            kid: "hs-1".into(),
            key: b"hunter2".into(),
        };
        assert_eq!(format!("{secret:?}"), "Secret(\"hs-1\", 7 bytes)");
    }
}
