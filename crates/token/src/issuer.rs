//! What is configured about an issuer: whose tokens are taken, for whom, and with which keys.
//!
//! Plain data that travels inside a policy image. It is judged when a
//! [`Verifier`](crate::Verifier) is made of it, not before.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::algorithm::Algorithm;

/// One issuer of tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuerConfig {
    /// Its name in the configuration.
    pub name: String,
    /// Accepted values of `iss`, compared byte for byte.
    pub issuers: Vec<String>,
    /// Accepted clients: `aud`, or `client_id` in Cognito's access tokens.
    pub clients: Vec<String>,
    /// Which kind of token it issues.
    pub kind: IssuerKind,
    /// Algorithms its tokens may have.
    pub algorithms: Vec<Algorithm>,
    /// The claim that holds the groups.
    pub groups_claim: String,
    /// Its public keys: a JSON Web Key Set as text.
    pub jwks: Option<String>,
    /// Secrets shared with it.
    pub secrets: Vec<Secret>,
    /// Where its public keys can be fetched again. Fetching is the host's work.
    pub refresh: Option<String>,
}

/// The claim with the groups, if nothing else is configured: Cognito's.
pub const DEFAULT_GROUPS_CLAIM: &str = "cognito:groups";

/// Which rules say for whom a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IssuerKind {
    /// Amazon Cognito: `token_use` says what a token is; ID tokens have `aud`, access tokens
    /// `client_id`.
    Cognito {
        /// Whether ID tokens are taken.
        id: bool,
        /// Whether access tokens are taken.
        access: bool,
    },
    /// OpenID Connect in general: `aud`.
    Oidc,
}

/// A secret shared with an issuer, for HMAC.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name, as tokens give it in `kid`.
    pub kid: String,
    /// The secret.
    pub key: Vec<u8>,
}

/// Never shows the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?}, {} bytes)", self.kid, self.key.len())
    }
}

/// Both values that Cognito puts into `iss` for a user pool: the original form, and the one it gives
/// to applications moved to its newer endpoints.
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
