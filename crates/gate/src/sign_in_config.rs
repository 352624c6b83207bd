//! The configuration of sign-in, as it is in the image.
//!
//! Not here: the flow ([`sign_in`](crate::sign_in)).

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::chars::is_path_byte;
use crate::config::{GateConfig, MAX_LOCATION_BYTES, MAX_ORIGIN_BYTES, MAX_PAGE_BYTES};

/// Maximum number of origins.
pub const MAX_SIGN_IN_ORIGINS: usize = 16;
/// Maximum number of secrets.
pub const MAX_SEAL_SECRETS: usize = 8;
/// Maximum number of scopes.
pub const MAX_SIGN_IN_SCOPES: usize = 32;
/// Longest client ID, client secret and scope, in bytes.
pub const MAX_CLIENT_BYTES: usize = 1_024;
/// Longest `path`, in bytes.
pub const MAX_SIGN_IN_PATH_BYTES: usize = 128;
/// The length of a secret that seals cookies, in bytes.
pub const SEAL_SECRET_BYTES: usize = 32;
/// Longest key ID of such a secret, in bytes.
pub const MAX_SEAL_KID_BYTES: usize = 32;
/// Maximum number of providers.
pub const MAX_SIGN_IN_PROVIDERS: usize = 8;
/// Longest label of a provider, in bytes.
pub const MAX_LABEL_BYTES: usize = 64;
/// Maximum number of further parameters of the authorization request.
pub const MAX_SIGN_IN_PARAMETERS: usize = 16;

/// The parameters of the authorization request that are the flow's own.
const FLOW_PARAMETERS: [&str; 12] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// The endpoints of the gate below `path`.
pub const ENDPOINTS: [&str; 7] = [
    "sign-in",
    "callback",
    "refresh",
    "sign-out",
    "signed-out",
    "me",
    "back-channel",
];

/// The sign-in configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInConfig {
    /// The issuers where users sign in, each with this site's client there. With several, users choose one.
    pub providers: Vec<SignInProvider>,
    /// The origins of this site, as browsers write them. A flow uses the one whose host the request was sent
    /// to, else the first.
    pub origins: Vec<String>,
    /// The path below which the endpoints of the gate are, without a trailing slash.
    pub path: String,
    /// The secrets that seal cookies. The first one seals; all of them open.
    pub secrets: Vec<SealSecret>,
    /// The path to which users return after they sign out; `None` for the gate's own page.
    pub signed_out: Option<String>,
    /// The HTML document of the gate's pages, with the placeholders of [`PAGE_PLACEHOLDERS`]; `None` for the gate's
    /// own.
    pub page: Option<String>,
}

/// An issuer where users sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInProvider {
    /// The position of the issuer.
    pub issuer: u32,
    /// The name that users see when they choose.
    pub label: String,
    /// The client ID of this site at the issuer.
    pub client: String,
    /// The authentication of the client at the token endpoint.
    pub client_auth: ClientAuth,
    /// The scopes to request; `openid` is among them.
    pub scopes: Vec<String>,
    /// Further parameters of the authorization request, by name.
    pub parameters: Vec<(String, String)>,
    /// The endpoints of the issuer.
    pub endpoints: Endpoints,
}

impl SignInProvider {
    /// The age of a sign-in at the issuer that `parameters` permit (`max_age`, OpenID Connect Core §3.1.2.1), in seconds.
    /// One that is not a number permits none.
    pub(crate) fn max_age_secs(&self) -> Option<u32> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(name, _)| is_max_age(name))?;
        Some(value.parse().unwrap_or(0))
    }
}

/// Whether a parameter limits the age of a sign-in. Some issuers ignore case.
pub fn is_max_age(name: &str) -> bool {
    name.eq_ignore_ascii_case("max_age")
}

/// The placeholders of a page: its heading, its text, the link that goes on, and the code of a failure. The last two
/// can be empty.
pub const PAGE_PLACEHOLDERS: [&str; 4] = ["{title}", "{text}", "{link}", "{code}"];

/// The authentication of a client at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAuth {
    /// A public client: only the client ID is sent.
    None,
    /// The client ID and this secret are sent in `Authorization`.
    Basic(String),
    /// The client ID and this secret are sent in the body.
    Post(String),
}

/// Does not print the secret.
impl core::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(_) => "Basic(…)",
            Self::Post(_) => "Post(…)",
        })
    }
}

/// The endpoints of an issuer, from its discovery document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The authorization endpoint.
    pub authorization: String,
    /// The token endpoint.
    pub token: String,
    /// The way to end the user's session at the issuer.
    pub sign_out: SignOut,
    /// The endpoint that revokes refresh tokens (RFC 7009), if there is one.
    pub revocation: Option<String>,
    /// Whether the issuer names itself in the callback (`iss`, RFC 9207). If so, a callback without `iss` is
    /// rejected.
    pub names_issuer: bool,
}

/// The way to end the user's session at the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignOut {
    /// Only the session of this site ends.
    Local,
    /// The `end_session_endpoint` of OpenID Connect RP-Initiated Logout 1.0.
    EndSession(String),
    /// Cognito's `/logout` endpoint, with `client_id` and `logout_uri`.
    Cognito(String),
}

/// A secret that seals cookies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealSecret {
    /// Its name, which sealed cookies contain.
    pub kid: String,
    /// The key.
    pub key: [u8; SEAL_SECRET_BYTES],
}

/// Does not print the key.
impl core::fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealSecret({})", self.kid)
    }
}

impl SignInConfig {
    /// The path of an endpoint.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// The part of a raw path after [`path`](Self::path), if it is that path or below it.
    pub(crate) fn below<'a>(&self, raw: &'a [u8]) -> Option<&'a [u8]> {
        let rest = raw.strip_prefix(self.path.as_bytes())?;
        (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
    }

    /// Whether the flow can run with this configuration.
    pub(crate) fn is_sound(&self, gate: &GateConfig) -> bool {
        let Self {
            providers,
            origins,
            path,
            secrets,
            signed_out,
            page,
        } = self;
        let is_path = |path: &str, longest: usize| {
            path.len() <= longest
                && path.starts_with('/')
                && !path.starts_with("//")
                && path.bytes().all(is_path_byte)
        };
        let is_sound_secret = |secret: &SealSecret| {
            let byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=MAX_SEAL_KID_BYTES).contains(&secret.kid.len()) && secret.kid.bytes().all(byte)
        };
        let is_single = |provider: &SignInProvider| {
            let same = |other: &&SignInProvider| other.issuer == provider.issuer;
            providers.iter().filter(same).count() == 1
        };
        (1..=MAX_SIGN_IN_PROVIDERS).contains(&providers.len())
            && providers
                .iter()
                .all(|provider| provider.is_sound(gate) && is_single(provider))
            && (1..=MAX_SIGN_IN_ORIGINS).contains(&origins.len())
            && origins
                .iter()
                .all(|origin| is_text(origin, MAX_ORIGIN_BYTES) && host_of(origin).is_some())
            && is_path(path, MAX_SIGN_IN_PATH_BYTES)
            && path.len() > 1
            && !path.ends_with('/')
            && (1..=MAX_SEAL_SECRETS).contains(&secrets.len())
            && secrets.iter().all(is_sound_secret)
            && signed_out
                .as_deref()
                .is_none_or(|path| is_path(path, MAX_LOCATION_BYTES))
            && page
                .as_ref()
                .is_none_or(|page| page.len() <= MAX_PAGE_BYTES)
    }
}

impl SignInProvider {
    fn is_sound(&self, gate: &GateConfig) -> bool {
        let Self {
            issuer,
            label,
            client,
            client_auth,
            scopes,
            parameters,
            endpoints,
        } = self;
        let Endpoints {
            authorization,
            token,
            sign_out,
            revocation,
            names_issuer: _,
        } = endpoints;
        let is_url = |url: &str| is_text(url, MAX_LOCATION_BYTES) && !url.contains('#');
        let at = usize::try_from(*issuer).ok();
        let found = at.and_then(|at| gate.issuers.get(at));
        let session = gate.session.as_ref();
        let is_user_issuer = session.is_some_and(|session| session.issuer != *issuer)
            && found.is_some_and(|issuer| issuer.clients.contains(client));
        let has_sound_secret = match client_auth {
            ClientAuth::None => true,
            ClientAuth::Basic(secret) | ClientAuth::Post(secret) => {
                is_text(secret, MAX_CLIENT_BYTES)
            }
        };
        let has_sound_sign_out = match sign_out {
            SignOut::Local => true,
            SignOut::EndSession(url) | SignOut::Cognito(url) => is_url(url),
        };
        is_user_issuer
            && (1..=MAX_LABEL_BYTES).contains(&label.len())
            && is_text(client, MAX_CLIENT_BYTES)
            && has_sound_secret
            && (1..=MAX_SIGN_IN_SCOPES).contains(&scopes.len())
            && scopes.iter().any(|scope| scope == "openid")
            && scopes.iter().all(|scope| is_text(scope, MAX_CLIENT_BYTES))
            && parameters.len() <= MAX_SIGN_IN_PARAMETERS
            && parameters
                .iter()
                .all(|(name, value)| is_parameter(name, value))
            && is_url(authorization)
            && is_url(token)
            && has_sound_sign_out
            && revocation.as_deref().is_none_or(is_url)
    }
}

fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a parameter is one of the flow's own. Some providers ignore case, and PHP reads `.` as `_`.
pub fn is_of_flow(name: &str) -> bool {
    let name = name.replace('.', "_");
    let mut own = FLOW_PARAMETERS.iter();
    own.any(|known| known.eq_ignore_ascii_case(&name))
}

/// Whether a parameter can be added to the authorization request: it is not one of the flow's own.
pub fn is_parameter(name: &str, value: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=MAX_SEAL_KID_BYTES).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !is_of_flow(name)
        && value.len() <= MAX_CLIENT_BYTES
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// The host of an origin, with its port if that is not the scheme's.
pub(crate) fn host_of(origin: &str) -> Option<&str> {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))?;
    (!host.is_empty() && !host.contains('/')).then_some(host)
}
