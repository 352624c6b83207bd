//! The configuration of sessions, as it is in the image.
//!
//! Not here: what makes it valid ([`config`](crate::config)), and what is done with it
//! ([`session`](crate::session)).

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// The longest session lifetime, in seconds.
pub const MAX_LIFETIME_SECS: u32 = 86_400;
/// The shortest session lifetime, in seconds.
pub const MIN_LIFETIME_SECS: u32 = 60;

/// The session configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionConfig {
    /// The session issuer's position among the issuers.
    pub issuer: u32,
    /// The name of the secret that signs.
    pub kid: String,
    /// The session lifetime, in seconds.
    pub lifetime_secs: u32,
    /// The form of the token.
    pub form: SessionForm,
    /// The cookie's name.
    pub cookie: String,
    /// The cookie's `SameSite`.
    pub same_site: SameSite,
    /// Whether every response to an allowed request with a sign-in token sets a session.
    pub on_sign_in: bool,
    /// The path where a `POST` with a sign-in token returns a session, if enabled.
    pub endpoint: Option<String>,
    /// The mark of each issuer by position: which of its tokens are accepted, and which of their claims are
    /// read. Empty for the session issuer, where no user signs in.
    pub issuers: Vec<String>,
    /// The marks of the declared claims.
    pub claims: Vec<String>,
    /// The cookie paths: one entry with the path `/`, or one per course, none below another.
    pub paths: Vec<SessionPath>,
}

/// The length of a mark: an identifier of one thing that a policy reads, or a part of the identifier of
/// several.
pub const MARK_BYTES: usize = 5;

/// The form of session tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionForm {
    /// A JWT.
    Jwt,
    /// A CWT in COSE_Mac0, base64url, for your own functions that read it. Gates do not accept it.
    Cwt,
}

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SameSite {
    /// Sent with top-level navigation from other sites, but not with embedded requests.
    Lax,
    /// Sent only with requests from the site itself.
    Strict,
    /// Sent with all requests.
    None,
}

/// The scope of one cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPath {
    /// The cookie's `Path`, percent-encoded.
    pub path: String,
    /// The base path that sessions are bound to, decoded and without a trailing slash; `None` for the whole
    /// site.
    pub base: Option<String>,
    /// The group names that rules under it contain.
    pub groups: Names,
    /// The scope names that rules under it contain.
    pub scopes: Names,
    /// The marks of these names.
    pub marks: Vec<String>,
}

/// Names that a policy reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Exact names, sorted.
    pub exact: Vec<String>,
    /// Prefix and suffix of names.
    pub around: Vec<(String, String)>,
}

impl Names {
    /// Whether the policy reads this name.
    pub fn contain(&self, name: &str) -> bool {
        let is_around = |(start, end): &(String, String)| {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_str())
                && name.ends_with(end.as_str())
        };
        let is_exact = |known: &String| known.as_str().cmp(name);
        self.exact.binary_search_by(is_exact).is_ok() || self.around.iter().any(is_around)
    }

    /// Whether the exact names are sorted, as `contain` needs them.
    pub(crate) fn is_sound(&self) -> bool {
        self.exact.is_sorted_by(|a, b| a < b)
    }
}

impl SessionConfig {
    /// Whether the issuer at this position signs sessions.
    pub fn is_issuer(&self, position: usize) -> bool {
        usize::try_from(self.issuer) == Ok(position)
    }
}
