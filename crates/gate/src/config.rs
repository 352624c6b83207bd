//! The configuration of a gate other than the rules: issuers with their keys, token sources, responses.
//!
//! It is an opaque section of the policy image, so that a single file is the whole deployment. The bytes are
//! one version byte, then [postcard](https://docs.rs/postcard). Not here: the TOML that policy authors write,
//! which the compiler turns into a [`GateConfig`].

mod sessions;

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};
use tollgate_core::Reason;
use tollgate_token::{
    COGNITO_GROUPS_CLAIM, ClaimName, ClaimPath, ClaimRules, Claims, IssuerConfig, IssuerKind,
    TokenError,
};

use crate::chars::is_http_token_byte;
use crate::session_config::SessionConfig;
use crate::sign_in_config::SignInConfig;

/// Version of the encoding, its first byte.
pub const CONFIG_VERSION: u8 = 6;
/// Maximum number of token sources.
pub const MAX_SOURCES: usize = 8;
/// Longest site name, in bytes.
pub const MAX_SITE_BYTES: usize = 128;
/// Maximum leeway for `nbf` and `iat`, in seconds.
pub const MAX_LEEWAY_SECS: u32 = 600;
/// The smallest allowed `max_token_bytes`: a smaller limit would reject every real token.
pub const MIN_TOKEN_BYTES: u32 = 256;
/// The largest allowed `max_token_bytes`.
pub const MAX_TOKEN_BYTES: u32 = 65_536;
/// Longest redirect location, in bytes.
pub const MAX_LOCATION_BYTES: usize = 2_048;

/// Longest page for a denial, in bytes.
pub const MAX_PAGE_BYTES: usize = 16_384;
/// Maximum number of origins in `cors`.
pub const MAX_CORS_ORIGINS: usize = 16;
/// Longest origin in `cors`, in bytes.
pub const MAX_ORIGIN_BYTES: usize = 256;

/// The status for internal failures.
pub(crate) const INTERNAL_STATUS: u16 = 500;

/// Everything a gate is configured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// The site's name: the realm of challenges, and a field of log records.
    pub site: String,
    /// The issuers whose tokens are accepted; empty for a site without sign-in.
    pub issuers: Vec<IssuerConfig>,
    /// Where a request can contain tokens; the first token that verifies is evaluated.
    pub sources: Vec<TokenSource>,
    /// The token sources that are removed before the request is forwarded.
    pub strip: Strip,
    /// Clock difference tolerated for `nbf` and `iat`, in seconds.
    pub leeway_secs: u32,
    /// Longest token that is accepted, in bytes.
    pub max_token_bytes: u32,
    /// The locations of nested declared claims, by slot.
    pub claim_places: Vec<(u16, ClaimPath)>,
    /// The additions to forwarded requests and to the responses to them.
    pub forward: ForwardConfig,
    /// The responses to denied requests.
    pub deny: DenyConfig,
    /// The session configuration, if sessions are enabled.
    pub session: Option<SessionConfig>,
    /// The sign-in configuration, if the gate signs users in.
    pub sign_in: Option<SignInConfig>,
}

/// The additions to forwarded requests and to the responses to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardConfig {
    /// Whether the origin receives the user's identity in `x-tollgate-…` header fields.
    pub identity: bool,
    /// Whether responses to requests that needed a token are marked `private`, on edges that can edit them.
    pub private: bool,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        Self {
            identity: false,
            private: true,
        }
    }
}

/// The token sources that are removed before the request is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strip {
    /// None.
    Nothing,
    /// Query parameters, because URLs end up in logs, caches and `Referer` headers.
    Query,
    /// All.
    Everything,
}

impl Strip {
    /// Whether this source is removed.
    pub const fn removes(self, source: &TokenSource) -> bool {
        match self {
            Self::Nothing => false,
            Self::Query => matches!(source, TokenSource::Query(_)),
            Self::Everything => true,
        }
    }
}

/// One location of a token in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenSource {
    /// A header field; any case. In `Authorization` the token follows `Bearer`.
    Header(String),
    /// A cookie; exactly this name.
    Cookie(String),
    /// A query parameter; exactly this name.
    Query(String),
}

/// The responses to denied requests. `bad_path`, `bad_method` and `internal` are not configurable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyConfig {
    /// A token could help, and the request has none.
    pub no_token: DenyAnswer,
    /// A token could help, and the request's token is invalid.
    pub bad_token: DenyAnswer,
    /// No token would help, or the request's token does not.
    pub forbidden: DenyAnswer,
    /// The HTML pages for browsers that navigate to a denied URL, by status.
    pub pages: Vec<DenyPage>,
    /// The origins whose scripts may read denials, as browsers send them in `Origin`.
    pub cors: Vec<String>,
}

/// The page for a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyPage {
    /// The status of the denials that the page is for.
    pub status: u16,
    /// The HTML document.
    pub html: String,
}

/// One kind of deny response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DenyAnswer {
    /// This status, 400 to 499.
    Status(u16),
    /// 302 to this location.
    Redirect(String),
    /// For a navigation, 302 to the gate's `sign-in` endpoint at this path, with the request's target; for other
    /// requests, 401.
    SignIn(String),
}

/// The reason why a configuration is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The bytes are not a configuration.
    Encoding,
    /// The bytes are a configuration of this other version.
    Version(u8),
    /// The site name is empty or longer than [`MAX_SITE_BYTES`].
    Site,
    /// More than [`MAX_SOURCES`] sources.
    TooManySources,
    /// A source is not `header:name`, `cookie:name` or `query:name`, or has an invalid name.
    Source,
    /// Two sources are the same.
    DuplicateSource,
    /// More leeway than [`MAX_LEEWAY_SECS`].
    Leeway,
    /// A token limit outside [`MIN_TOKEN_BYTES`] to [`MAX_TOKEN_BYTES`].
    TokenBytes,
    /// A deny status outside 400 to 499.
    DenyStatus(u16),
    /// A redirect location that is empty, too long, or not visible ASCII.
    Location,
    /// A page that is too long, or a second one for a status.
    Page,
    /// An origin in `cors` that is empty, too long, or not visible ASCII, or too many of them.
    Cors,
    /// Sessions cannot be minted with this configuration, or no gate would accept them.
    Session,
    /// Users cannot sign in with this configuration.
    SignIn,
}

impl GateConfig {
    /// Encodes the configuration for the image.
    ///
    /// # Errors
    ///
    /// Returns an error if [`GateConfig::validate`] does, so that every encoded image can be loaded.
    pub fn encode(&self) -> Result<Vec<u8>, ConfigError> {
        self.validate()?;
        let start = Vec::from([CONFIG_VERSION]);
        postcard::to_extend(self, start).map_err(|_| ConfigError::Encoding)
    }

    /// Decodes the result of [`GateConfig::encode`]. Never panics, whatever the bytes.
    ///
    /// # Errors
    ///
    /// Returns an error for another version, malformed bytes, trailing bytes, and values out of range.
    pub fn decode(bytes: &[u8]) -> Result<Self, ConfigError> {
        let (version, rest) = bytes.split_first().ok_or(ConfigError::Encoding)?;
        if *version != CONFIG_VERSION {
            return Err(ConfigError::Version(*version));
        }
        match postcard::take_from_bytes::<Self>(rest) {
            Ok((config, [])) => config.validate().map(|()| config),
            _ => Err(ConfigError::Encoding),
        }
    }

    /// Checks every range. The token layer validates issuers and keys when a gate is loaded.
    ///
    /// # Errors
    ///
    /// Returns the first error found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.site.is_empty() || self.site.len() > MAX_SITE_BYTES {
            return Err(ConfigError::Site);
        }
        if self.sources.len() > MAX_SOURCES {
            return Err(ConfigError::TooManySources);
        }
        for (at, source) in self.sources.iter().enumerate() {
            source.validate()?;
            if self
                .sources
                .iter()
                .take(at)
                .any(|earlier| earlier.is_same_place(source))
            {
                return Err(ConfigError::DuplicateSource);
            }
        }
        if self.leeway_secs > MAX_LEEWAY_SECS {
            return Err(ConfigError::Leeway);
        }
        if !(MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&self.max_token_bytes) {
            return Err(ConfigError::TokenBytes);
        }
        let DenyConfig {
            no_token,
            bad_token,
            forbidden,
            pages,
            cors,
        } = &self.deny;
        [no_token, bad_token, forbidden]
            .into_iter()
            .try_for_each(DenyAnswer::validate)?;
        for (at, page) in pages.iter().enumerate() {
            let is_second = pages
                .iter()
                .take(at)
                .any(|other| other.status == page.status);
            if is_second || page.html.len() > MAX_PAGE_BYTES {
                return Err(ConfigError::Page);
            }
        }
        // The compiler checks that it is an origin; here it only has to fit into a header.
        let is_text = |origin: &String| {
            (1..=MAX_ORIGIN_BYTES).contains(&origin.len())
                && origin.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if cors.len() > MAX_CORS_ORIGINS || !cors.iter().all(is_text) {
            return Err(ConfigError::Cors);
        }
        match &self.session {
            Some(session) if !sessions::is_mintable(session, self) => {
                return Err(ConfigError::Session);
            }
            Some(_) | None => {}
        }
        match &self.sign_in {
            Some(sign_in) if !sign_in.is_sound(self) => Err(ConfigError::SignIn),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the issuers where users sign in: all except the session issuer.
    pub fn sign_in_issuers(&self) -> impl Iterator<Item = &IssuerConfig> {
        let session = self.session.as_ref();
        let is_session = move |at: usize| session.is_some_and(|session| session.is_issuer(at));
        let issuers = self.issuers.iter().enumerate();
        issuers
            .filter(move |(at, _)| !is_session(*at))
            .map(|(_, issuer)| issuer)
    }

    /// Returns the location of a declared claim, if it is nested.
    pub fn claim_place(&self, slot: u16) -> Option<&ClaimPath> {
        let is_it = |(nested, _): &&(u16, ClaimPath)| *nested == slot;
        self.claim_places.iter().find(is_it).map(|(_, place)| place)
    }

    /// Returns the issuer to assume for unsigned claims: the one named by `iss`, otherwise the first that is
    /// not the session issuer, otherwise a default issuer.
    ///
    /// # Errors
    ///
    /// Returns an error if `iss` is not a string, or names no configured issuer.
    pub fn assumed_issuer(&self, claims: &Claims) -> Result<Cow<'_, IssuerConfig>, TokenError> {
        let iss = claims.string(ClaimName::Iss)?;
        let is_named = |issuer: &&IssuerConfig| {
            iss.is_some_and(|iss| issuer.issuers.iter().any(|known| known == iss))
        };
        let mut sign_in = self.sign_in_issuers();
        let issuer = match iss {
            Some(_) if self.issuers.is_empty() => None,
            Some(_) => Some(sign_in.find(is_named).ok_or(TokenError::WrongIssuer)?),
            None => sign_in.next(),
        };
        Ok(issuer.map_or_else(|| Cow::Owned(unlisted_issuer()), Cow::Borrowed))
    }
}

fn unlisted_issuer() -> IssuerConfig {
    IssuerConfig {
        name: String::from("unlisted"),
        issuers: Vec::new(),
        clients: Vec::new(),
        kind: IssuerKind::Oidc,
        algorithms: Vec::new(),
        claims: ClaimRules {
            groups: Some(ClaimPath::top(COGNITO_GROUPS_CLAIM)),
            ..ClaimRules::default()
        },
        jwks: None,
        secrets: Vec::new(),
        refresh: None,
    }
}

impl DenyConfig {
    /// Returns the response for this deny reason.
    pub const fn answer_to(&self, reason: Reason) -> Cow<'_, DenyAnswer> {
        match reason {
            Reason::NoToken => Cow::Borrowed(&self.no_token),
            Reason::BadToken => Cow::Borrowed(&self.bad_token),
            Reason::Forbidden | Reason::DeniedByRule => Cow::Borrowed(&self.forbidden),
            Reason::BadPath => Cow::Owned(DenyAnswer::Status(400)),
            Reason::BadMethod => Cow::Owned(DenyAnswer::Status(405)),
            // An allowed request has no deny response, so this is an internal failure.
            Reason::Allow | Reason::Internal => Cow::Owned(DenyAnswer::Status(INTERNAL_STATUS)),
        }
    }
}

impl TokenSource {
    /// Parses `header:name`, `cookie:name` or `query:name`, the syntax of policy files.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::Source`] for any other string.
    pub fn from_text(text: &str) -> Result<Self, ConfigError> {
        let source = match text.split_once(':') {
            Some(("header", name)) => Self::Header(name.to_ascii_lowercase()),
            Some(("cookie", name)) => Self::Cookie(name.into()),
            Some(("query", name)) => Self::Query(name.into()),
            _ => return Err(ConfigError::Source),
        };
        source.validate().map(|()| source)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let (name, is_allowed): (_, fn(u8) -> bool) = match self {
            // A whole `Cookie` field is not a token, and removing it would remove cookies of other
            // applications.
            Self::Header(name) if name.eq_ignore_ascii_case("cookie") => {
                return Err(ConfigError::Source);
            }
            Self::Header(name) | Self::Cookie(name) => (name, is_http_token_byte),
            Self::Query(name) => (name, is_unreserved_byte),
        };
        let is_sound = !name.is_empty() && name.bytes().all(is_allowed);
        if is_sound {
            Ok(())
        } else {
            Err(ConfigError::Source)
        }
    }

    fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(a), Self::Header(b)) => a.eq_ignore_ascii_case(b),
            _ => self == other,
        }
    }
}

impl DenyAnswer {
    fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Status(400..=499) => Ok(()),
            Self::Status(status) => Err(ConfigError::DenyStatus(*status)),
            Self::Redirect(location) | Self::SignIn(location) => {
                let is_sound = (1..=MAX_LOCATION_BYTES).contains(&location.len())
                    && location.bytes().all(|byte| byte.is_ascii_graphic());
                if is_sound {
                    Ok(())
                } else {
                    Err(ConfigError::Location)
                }
            }
        }
    }
}

impl Default for DenyConfig {
    fn default() -> Self {
        Self {
            no_token: DenyAnswer::Status(401),
            bad_token: DenyAnswer::Status(401),
            forbidden: DenyAnswer::Status(403),
            pages: Vec::new(),
            cors: Vec::new(),
        }
    }
}

/// An unreserved character of RFC 3986, which has a single spelling in a query.
fn is_unreserved_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("the gate configuration is malformed"),
            Self::Version(version) => write!(
                f,
                "the gate configuration has version {version}, but this gate reads {CONFIG_VERSION}"
            ),
            Self::Site => write!(f, "the site name must be 1 to {MAX_SITE_BYTES} bytes long"),
            Self::TooManySources => write!(f, "too many token sources; the limit is {MAX_SOURCES}"),
            Self::Source => f.write_str(
                "a token source must be `header:`, `cookie:` or `query:`, followed by a valid name",
            ),
            Self::DuplicateSource => f.write_str("a token source is listed twice"),
            Self::Leeway => write!(f, "the leeway must be at most {MAX_LEEWAY_SECS} seconds"),
            Self::TokenBytes => {
                write!(
                    f,
                    "the token limit must be {MIN_TOKEN_BYTES} to {MAX_TOKEN_BYTES} bytes"
                )
            }
            Self::DenyStatus(status) => write!(f, "a deny status must be 400 to 499, not {status}"),
            Self::Location => {
                write!(
                    f,
                    "a redirect location must be 1 to {MAX_LOCATION_BYTES} visible ASCII bytes"
                )
            }
            Self::Page => write!(
                f,
                "a page must be at most {MAX_PAGE_BYTES} bytes long, and there can be only one per status"
            ),
            Self::Cors => write!(
                f,
                "an origin must be 1 to {MAX_ORIGIN_BYTES} visible ASCII bytes, and there can be at most {MAX_CORS_ORIGINS}"
            ),
            Self::Session => f.write_str("the session configuration is inconsistent"),
            Self::SignIn => f.write_str("the sign-in configuration is inconsistent"),
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
