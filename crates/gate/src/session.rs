//! Session tokens: small tokens of our own, minted from a verified sign-in token, for edges and requests
//! where that one is too large or too slow to check.
//!
//! A session is a JWT of an ordinary configured issuer with HS256 secrets, the *session issuer*; any
//! verifier of HS256 can check it. The first of its secrets, or the one that `[session]` names, signs, and
//! all of them verify: a new key joins the list, later signs, and the old one leaves when its last session
//! has ended.
//!
//! A session grants exactly what its sign-in token would, for no longer. It therefore counts as a token of
//! the issuer where the user signed in, whose configuration is applied to it at every use, and contains
//! everything that the rules read. What was read when it was minted is part of it as *marks*; a policy that
//! reads more does not accept it (`session_outdated`), and the next token of
//! the request is considered. So a new rule for a group, or against one, reaches every session.
//!
//! # Layout
//!
//! `header.payload.signature`, less than 1,024 bytes, or none is minted. Everything is in this order,
//! without spaces; strings escape `"`, `\` and controls only.
//!
//! Header: `{"alg":"HS256","kid":"…","typ":"JWT"}`.
//!
//! | payload | type | value |
//! |---|---|---|
//! | `iss` | string | the session issuer's own `issuer`, its first if there are several |
//! | `aud` | string | the site's name |
//! | `iat` | number | when it was minted |
//! | `exp` | number | `iat` and the configured lifetime, at most the sign-in token's `exp` |
//! | `sub` | string | the sign-in token's; omitted if it has none |
//! | `auth_time` | number | the sign-in token's `auth_time`, or else its `iat`, or else `iat` |
//! | `idp` | string | the name of the issuer where the user signed in |
//! | `reads` | string | the marks of what was read, in a row |
//! | `base` | string | the course's base, decoded, if the session is for one course only |
//! | `groups` | strings | those of the token's groups that rules name; omitted if there are none |
//! | `elsewhere` | boolean | `true` if the token refers to another place for its groups; else omitted |
//! | `scopes` | strings | those of the token's scopes that rules name; omitted if there are none |
//! | `claims` | object | the declared claims that the token has; `{}` for one of another type; omitted if there are none |
//!
//! The [CWT form](cwt) has the same content under the numbers of RFC 8392.
//!
//! # Cookies
//!
//! `<name>=<token>; Path=/; Max-Age=<seconds>; Secure; HttpOnly; SameSite=Lax`. With cookies by course
//! there is one per course, `Path` is the course's base, and the names are only those that rules for
//! paths under it read, so that users with many courses still get small ones. Such a session counts only
//! under its base.
//!
//! Sessions are never minted from a session, nor from a token in the query: a link must not be able to
//! sign a user in as someone else for longer than a click. A cookie that no longer verifies is cleared.
//!
//! Not here: verification of signatures, which is the token layer's, and signing, which is its provider's.

mod claims;
mod cookie;
pub mod cwt;
mod read;

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use tollgate_core::{Image, UnixSeconds};
use tollgate_token::{Algorithm, Claims, Groups, IssuerConfig, Lifetime, Verifier, base64url};

use crate::config::{ConfigError, GateConfig, TokenSource, is_http_token_byte};

/// Longest session token, in bytes: cookies and the small edges have no room for more.
pub const MAX_SESSION_BYTES: usize = 1_023;
/// The longest that a session may live, in seconds.
pub const MAX_LIFETIME_SECS: u32 = 86_400;
/// The least that a session may live, in seconds.
pub const MIN_LIFETIME_SECS: u32 = 60;
/// Most cookies in one answer; browsers keep a bounded number for a host.
pub const MAX_COOKIES: usize = 16;
/// The detail code for a session that would be too long to mint.
pub const TOO_LARGE: &str = "session_too_large";

pub use claims::header;

/// How sessions are minted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionConfig {
    /// The session issuer's position among the issuers.
    pub issuer: u32,
    /// The name of the secret that signs.
    pub kid: String,
    /// How long a session lives, in seconds.
    pub lifetime_secs: u32,
    /// The form of the token.
    pub form: SessionForm,
    /// The cookie's name.
    pub cookie: String,
    /// The cookie's `SameSite`.
    pub same_site: SameSite,
    /// Whether every answer to a request with a sign-in token brings a session.
    pub on_sign_in: bool,
    /// The path where a `POST` with a sign-in token returns a session, if there is one.
    pub endpoint: Option<String>,
    /// The mark of each issuer by position: which of its tokens are accepted, and what is read of them. Empty
    /// for the session issuer, where nobody signs in.
    pub issuers: Vec<String>,
    /// The marks of the declared claims.
    pub claims: Vec<String>,
    /// What cookies are for: one entry with the path `/`, or one for each course, none below another.
    pub paths: Vec<SessionPath>,
}

/// The length of a mark: the name of one thing that a policy reads, or a part of the name of many.
pub const MARK_BYTES: usize = 5;

/// The form of session tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionForm {
    /// A JWT.
    Jwt,
    /// A CWT in COSE_Mac0, base64url, for functions of your own that read it. Gates do not.
    Cwt,
}

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SameSite {
    /// Sent along links from elsewhere, not with what other sites embed.
    Lax,
    /// Sent from the site itself only.
    Strict,
    /// Sent from everywhere.
    None,
}

/// What one cookie is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPath {
    /// The cookie's `Path`, percent-encoded.
    pub path: String,
    /// The base that sessions are bound to, decoded and without a slash at the end; `None` for the whole site.
    pub base: Option<String>,
    /// The groups that rules under it name.
    pub groups: Names,
    /// The scopes that rules under it name.
    pub scopes: Names,
    /// The marks of these names.
    pub marks: Vec<String>,
}

/// Names that a policy reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// These, sorted.
    pub exact: Vec<String>,
    /// Those with such a beginning and such an end.
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
    /// Whether a gate can mint sessions like this.
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
        // Gates read sessions that are JWTs; a CWT in a source would be an invalid token to them.
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

    /// The cookie for this raw path, if there is one.
    pub(crate) fn path_for(&self, raw: &[u8]) -> Option<&SessionPath> {
        self.paths.iter().find(|path| path.covers(raw))
    }

    /// Whether the issuer at this position signs sessions.
    pub fn is_issuer(&self, position: usize) -> bool {
        usize::try_from(self.issuer) == Ok(position)
    }

    /// The value of `Set-Cookie` that clears the cookie for this raw path, if there is one.
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

    /// Whether these claims have a name that is read here.
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

/// A verified sign-in token, as far as a session needs it.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) claims: Claims,
    pub(crate) lifetime: Lifetime,
    /// The position of its issuer.
    pub(crate) issuer: usize,
}

/// Everything a session is minted from.
pub(crate) struct Mint<'a, B> {
    pub(crate) config: &'a SessionConfig,
    pub(crate) gate: &'a GateConfig,
    pub(crate) image: &'a Image<B>,
    pub(crate) verifier: &'a Verifier,
    pub(crate) now: UnixSeconds,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// It would be longer than [`MAX_SESSION_BYTES`].
    TooLarge,
    /// The sign-in token ends now, or something inside failed.
    None,
}

impl<B: AsRef<[u8]>> Mint<'_, B> {
    /// The value of `Set-Cookie` for one path.
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
        // CloudFront counts a CWT in bytes before base64url, which is less.
        if token.len() > MAX_SESSION_BYTES {
            Err(NoSession::TooLarge)
        } else {
            Ok(token)
        }
    }
}
