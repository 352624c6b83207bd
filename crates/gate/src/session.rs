//! Session tokens: small tokens that the gate mints from a verified sign-in token, for edges and requests
//! where that token is too large or too slow to verify.
//!
//! A session is a JWT of an ordinary configured issuer with HS256 secrets, the *session issuer*; any HS256
//! verifier can check it. The first secret, or the one that `[session]` names, signs; all of them verify. To
//! rotate, add a new key, sign with it later, and remove the old one when its last session has expired.
//!
//! A session grants exactly what its sign-in token would, and for no longer. It therefore counts as a token
//! of the issuer where the user signed in, whose configuration is applied at every use, and contains
//! everything that the rules read. *Marks* in the session record what was read when it was minted. A policy
//! that reads more rejects it (`session_outdated`), and the next token of the request is considered. So a new
//! rule about a group takes effect for every session, whether it allows or denies.
//!
//! # Layout
//!
//! `header.payload.signature`, less than 1,024 bytes; a longer session is not minted. All members are in this
//! order, without spaces; strings escape only `"`, `\` and control characters.
//!
//! Header: `{"alg":"HS256","kid":"…","typ":"JWT"}`.
//!
//! | payload | type | value |
//! |---|---|---|
//! | `iss` | string | the session issuer's `issuer`, the first if there are several |
//! | `aud` | string | the site's name |
//! | `iat` | number | when it was minted |
//! | `exp` | number | `iat` and the configured lifetime, at most the sign-in token's `exp` |
//! | `sub` | string | the sign-in token's; omitted if it has none |
//! | `auth_time` | number | the sign-in token's `auth_time`, otherwise its `iat`, otherwise `iat` |
//! | `idp` | string | the name of the issuer where the user signed in |
//! | `reads` | string | the marks of what was read, concatenated |
//! | `base` | string | the course's base path, decoded, if the session is for a single course |
//! | `groups` | strings | those of the token's groups that rules name; omitted if there are none |
//! | `elsewhere` | boolean | `true` if the token refers to another location for its groups; otherwise omitted |
//! | `scopes` | strings | those of the token's scopes that rules name; omitted if there are none |
//! | `claims` | object | the declared claims that the token has; `{}` for one of another type; omitted if there are none |
//!
//! The [CWT form](cwt) has the same content with the claim numbers of RFC 8392.
//!
//! # Cookies
//!
//! `<name>=<token>; Path=/; Max-Age=<seconds>; Secure; HttpOnly; SameSite=Lax`. With cookies by course there
//! is one per course, and `Path` is the base of the course. Such a session contains only the names that rules
//! for paths under the base read, so that users with many courses still get small cookies, and is valid only
//! under its base.
//!
//! Sessions are never minted from a session, nor from a token in the query: a link must not be able to sign a
//! user in as another user beyond a single request. A cookie that no longer verifies is cleared.
//!
//! Not here: signature verification (token layer) and signing (its provider).

mod claims;
mod cookie;
pub mod cwt;
mod read;

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use tollgate_core::{Image, UnixSeconds};
use tollgate_token::{Algorithm, Claims, Groups, IssuerConfig, Lifetime, Verifier, base64url};

use crate::config::{ConfigError, GateConfig, TokenSource, is_http_token_byte};

/// Longest session token, in bytes, because of the limits of cookies and of restricted edges.
pub const MAX_SESSION_BYTES: usize = 1_023;
/// The longest session lifetime, in seconds.
pub const MAX_LIFETIME_SECS: u32 = 86_400;
/// The shortest session lifetime, in seconds.
pub const MIN_LIFETIME_SECS: u32 = 60;
/// Maximum number of cookies in one response; browsers store a limited number per host.
pub const MAX_COOKIES: usize = 16;
/// The detail code for a session that would be too long to mint.
pub const TOO_LARGE: &str = "session_too_large";

pub use claims::header;

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

    fn is_sound(&self) -> bool {
        self.exact.is_sorted_by(|a, b| a < b)
    }
}

impl SessionConfig {
    /// Returns an error if sessions cannot be minted with this configuration.
    pub(crate) fn validate(&self, gate: &GateConfig) -> Result<(), ConfigError> {
        let issuer = usize::try_from(self.issuer).ok();
        let issuer = issuer.and_then(|at| gate.issuers.get(at));
        let can_sign = issuer.is_some_and(|issuer| {
            issuer.algorithms.contains(&Algorithm::HS256)
                && issuer.secrets.iter().any(|secret| secret.kid == self.kid)
                && issuer.clients.contains(&gate.site)
                && !issuer.issuers.is_empty()
        });
        let is_read = |source: &TokenSource| matches!(source, TokenSource::Cookie(name) if *name == self.cookie);
        let is_path = |path: &str| path.starts_with('/') && path.bytes().all(cookie::is_path_byte);
        let is_mark = |mark: &String| {
            mark.len() == MARK_BYTES && mark.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let is_sound = |path: &SessionPath| {
            is_path(&path.path)
                && path.groups.is_sound()
                && path.scopes.is_sound()
                && path.marks.iter().all(is_mark)
        };
        let has_marks = self.issuers.len() == gate.issuers.len()
            && self.claims.iter().all(is_mark)
            && self
                .issuers
                .iter()
                .enumerate()
                .all(|(at, mark)| is_mark(mark) != (usize::try_from(self.issuer) == Ok(at)));
        // Gates accept sessions that are JWTs; a CWT in a source would be an invalid token.
        let is_form_read = self.form == SessionForm::Jwt;
        let is_mintable = can_sign
            && has_marks
            && gate.sources.iter().any(is_read) == is_form_read
            && !self.cookie.is_empty()
            && self.cookie.bytes().all(is_http_token_byte)
            && (MIN_LIFETIME_SECS..=MAX_LIFETIME_SECS).contains(&self.lifetime_secs)
            && self.endpoint.as_deref().is_none_or(is_path)
            && !self.paths.is_empty()
            && self.paths.iter().all(is_sound);
        if is_mintable {
            Ok(())
        } else {
            Err(ConfigError::Session)
        }
    }

    /// Returns the cookie for this raw path, if there is one.
    pub(crate) fn path_for(&self, raw: &[u8]) -> Option<&SessionPath> {
        self.paths.iter().find(|path| path.covers(raw))
    }

    /// Whether the issuer at this position signs sessions.
    pub fn is_issuer(&self, position: usize) -> bool {
        usize::try_from(self.issuer) == Ok(position)
    }

    /// Returns the value of `Set-Cookie` that clears the cookie for this raw path, if there is one.
    pub fn cleared(&self, raw: &[u8]) -> Option<String> {
        let path = self.path_for(raw)?;
        Some(cookie::set(self, &path.path, "", 0))
    }
}

impl SessionPath {
    /// Whether browsers send the cookie for this raw path (RFC 6265 §5.1.4).
    fn covers(&self, raw: &[u8]) -> bool {
        let Some(rest) = raw.strip_prefix(self.path.as_bytes()) else {
            return false;
        };
        rest.is_empty() || rest.starts_with(b"/") || self.path.ends_with('/')
    }

    /// Whether these claims contain a name that rules under this path read.
    pub(crate) fn concerns(&self, parent: &Parent, issuer: &IssuerConfig) -> bool {
        let rules = &issuer.claims;
        let is_read = |group: &&str| {
            let group = rules.group(group);
            group.is_some_and(|group| self.groups.contain(&group))
        };
        let groups = match parent.claims.groups(rules.groups.as_ref()) {
            Ok(Groups::Listed(groups)) => groups,
            Ok(Groups::Elsewhere) | Err(_) => Vec::new(),
        };
        let scopes = parent.claims.scopes(rules.scopes.as_ref());
        groups.iter().any(is_read)
            || scopes
                .unwrap_or_default()
                .iter()
                .any(|name| self.scopes.contain(name))
    }
}

/// The parts of a verified sign-in token that a session needs.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) claims: Claims,
    pub(crate) lifetime: Lifetime,
    /// The position of its issuer.
    pub(crate) issuer: usize,
}

/// The inputs of session minting.
pub(crate) struct Mint<'a, B> {
    pub(crate) config: &'a SessionConfig,
    pub(crate) gate: &'a GateConfig,
    pub(crate) image: &'a Image<B>,
    pub(crate) verifier: &'a Verifier,
    pub(crate) now: UnixSeconds,
}

/// The reason why no session was minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// It would be longer than [`MAX_SESSION_BYTES`].
    TooLarge,
    /// The sign-in token expires now, or an internal operation failed.
    None,
}

impl<B: AsRef<[u8]>> Mint<'_, B> {
    /// Mints a session and returns the value of `Set-Cookie` for one path.
    pub(crate) fn cookie(&self, path: &SessionPath, parent: &Parent) -> Result<String, NoSession> {
        let UnixSeconds(now) = self.now;
        let UnixSeconds(parent_ends) = parent.lifetime.expires_at();
        let ends = parent_ends.min(now.saturating_add(i64::from(self.config.lifetime_secs)));
        let max_age = ends.saturating_sub(now);
        if now < 0 || max_age <= 0 {
            return Err(NoSession::None);
        }
        let token = self.token(path, parent, (now, ends))?;
        Ok(cookie::set(self.config, &path.path, &token, max_age))
    }

    fn token(
        &self,
        path: &SessionPath,
        parent: &Parent,
        times: (i64, i64),
    ) -> Result<String, NoSession> {
        let at = usize::try_from(self.config.issuer).map_err(|_| NoSession::None)?;
        let issuer = self.gate.issuers.get(at).ok_or(NoSession::None)?;
        let from = self
            .gate
            .issuers
            .get(parent.issuer)
            .ok_or(NoSession::None)?;
        let content =
            claims::Content::new(self, path, parent, from, issuer, times).ok_or(NoSession::None)?;
        let sign = |message: &[u8]| {
            self.verifier
                .mac(at, &self.config.kid, Algorithm::HS256, message)
        };
        let token = match self.config.form {
            SessionForm::Jwt => content.to_jwt(&self.config.kid, sign),
            SessionForm::Cwt => {
                let bytes = cwt::mint(&content, &self.config.kid, &path.path, sign);
                bytes.and_then(|bytes| String::from_utf8(base64url::encode(&bytes)).ok())
            }
        };
        let token = token.ok_or(NoSession::None)?;
        // CloudFront limits a CWT before base64url encoding, which is shorter.
        if token.len() > MAX_SESSION_BYTES {
            Err(NoSession::TooLarge)
        } else {
            Ok(token)
        }
    }
}
