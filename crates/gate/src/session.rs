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

use tollgate_core::{Image, UnixSeconds};
use tollgate_token::{Algorithm, Claims, Groups, IssuerConfig, Lifetime, Verifier, base64url};

use crate::config::GateConfig;
pub use crate::session_config::{
    MARK_BYTES, MAX_LIFETIME_SECS, MIN_LIFETIME_SECS, Names, SameSite, SessionConfig, SessionForm,
    SessionPath,
};

/// Longest session token, in bytes, because of the limits of cookies and of restricted edges.
pub const MAX_SESSION_BYTES: usize = 1_023;
/// Maximum number of cookies in one response; browsers store a limited number per host.
pub const MAX_COOKIES: usize = 16;
/// The detail code for a session that would be too long to mint.
pub const TOO_LARGE: &str = "session_too_large";

pub use claims::header;
pub(crate) use claims::{push_list, push_string};

impl GateConfig {
    /// Returns the encoded headers of sessions: one per secret of the session issuer.
    pub fn session_headers(&self) -> Vec<String> {
        let issuer = self.session.as_ref().and_then(|session| {
            let at = usize::try_from(session.issuer).ok()?;
            self.issuers.get(at)
        });
        let secrets = issuer.map_or(&[][..], |issuer| &issuer.secrets);
        secrets.iter().map(|secret| header(&secret.kid)).collect()
    }
}

impl SessionConfig {
    /// Returns the cookie for this raw path, if there is one.
    pub(crate) fn path_for(&self, raw: &[u8]) -> Option<&SessionPath> {
        self.paths.iter().find(|path| path.covers(raw))
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
