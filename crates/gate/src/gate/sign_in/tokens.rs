//! Requests to the token endpoint, and what becomes of their responses.
//!
//! Not here: when they are sent.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use tollgate_token::json::Document;
use tollgate_token::{TokenError, Verified, base64url};

use super::{Party, Visit, text};
use crate::fetch::FetchRequest;
use crate::session::{NoSession, Parent};
use crate::sign_in::exchange::{Key, Progress};
use crate::sign_in::page::{self, Message};
use crate::sign_in::{ClientAuth, SignOut, cookie, form};

/// The purpose of refresh cookies.
const REFRESH: &str = "refresh";
/// Longest sealed refresh cookie, in bytes: browsers drop cookies of more than 4,096 bytes with their
/// attributes.
const MAX_REFRESH_BYTES: usize = 3_800;

/// The content of a refresh cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Renewal {
    /// The subject that signed in.
    pub(super) subject: String,
    /// The nonce of the flow.
    pub(super) nonce: [u8; 16],
    /// The value that another cookie must contain, which only this host can set: [`cookie::Renew`].
    pub(super) binding: [u8; 16],
    pub(super) token: Option<String>,
    /// The ID token, which some providers require at sign-out.
    pub(super) id_token: Option<String>,
}

/// The response of the token endpoint.
pub(super) struct Grant {
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<String>,
}

/// The reason why there is no grant.
pub(super) enum NoGrant {
    /// There is no response yet.
    Pending,
    /// The code or the refresh token is not valid, or no longer.
    Invalid,
    /// Anything else.
    Failed(&'static Message),
}

/// A verified ID token of this site.
pub(super) struct User {
    pub(super) parent: Parent,
    pub(super) subject: String,
    pub(super) nonce: Option<String>,
}

/// The reason why an ID token is not accepted.
pub(super) struct NoUser {
    pub(super) message: &'static Message,
    /// Whether it could be accepted with refreshed keys.
    pub(super) unknown_key: bool,
}

impl From<&'static Message> for NoUser {
    fn from(message: &'static Message) -> Self {
        Self {
            message,
            unknown_key: false,
        }
    }
}

impl Party<'_> {
    /// A request to an endpoint of the provider, authenticated as this client.
    pub(super) fn post(&self, url: &str, pairs: &[(&str, &str)]) -> FetchRequest {
        let client = &self.config.client;
        let mut pairs = Vec::from(pairs);
        let mut headers = Vec::from([
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ]);
        match &self.config.client_auth {
            ClientAuth::None => pairs.push(("client_id", client)),
            ClientAuth::Post(secret) => {
                pairs.push(("client_id", client));
                pairs.push(("client_secret", secret));
            }
            ClientAuth::Basic(secret) => {
                let mut plain = String::new();
                form::push_escaped(&mut plain, client.as_bytes(), b"");
                plain.push(':');
                form::push_escaped(&mut plain, secret.as_bytes(), b"");
                headers.push((
                    "authorization".to_owned(),
                    format!("Basic {}", base64(plain.as_bytes())),
                ));
            }
        }
        FetchRequest {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers,
            body: form::encode(&pairs).into_bytes(),
        }
    }

    /// The ID token, if the provider wants it at sign-out.
    pub(super) fn hint(&self, id_token: String) -> Option<String> {
        matches!(self.config.endpoints.sign_out, SignOut::EndSession(_)).then_some(id_token)
    }

    /// Whether an ID token is for this client: it is the audience, or one of several and the authorized party.
    fn is_client_of(&self, verified: &Verified) -> bool {
        let claims = verified.claims();
        let client = self.config.client.as_str();
        let Some(audience) = claims.member("aud") else {
            return false;
        };
        let party = claims.member("azp");
        let is_party = party.is_none_or(|party| party.as_str() == Some(client));
        match audience.as_str() {
            Some(one) => one == client && is_party,
            None => audience.strings().is_some_and(|all| {
                all.contains(&client) && is_party && (all.len() == 1 || party.is_some())
            }),
        }
    }
}

impl<B: AsRef<[u8]>> Visit<'_, B> {
    /// The result of an exchange at the token endpoint.
    pub(super) fn grant(&self, key: &Key) -> Result<Grant, NoGrant> {
        let (status, body) = match self.state.exchanges.progress(key, self.request.now) {
            Progress::New | Progress::InFlight => return Err(NoGrant::Pending),
            Progress::Failed => return Err(NoGrant::Failed(&page::PROVIDER_UNREACHABLE)),
            Progress::Response(status, body) => (status, body),
        };
        let document = Document::parse(body.to_vec());
        let member = |name: &str| {
            let root = document.as_ref().ok()?.root();
            let value = root.is_object().then(|| root.member(name)).flatten()?;
            value.as_str().map(String::from)
        };
        match (status, member("error").as_deref()) {
            (200, None) if document.is_ok() => Ok(Grant {
                id_token: member("id_token"),
                refresh_token: member("refresh_token"),
            }),
            // The last three mean that the user has to sign in again.
            (
                400..=499,
                Some(
                    "invalid_grant"
                    | "interaction_required"
                    | "consent_required"
                    | "login_required",
                ),
            ) => Err(NoGrant::Invalid),
            (429, _) | (400..=499, Some("temporarily_unavailable" | "slow_down")) => {
                Err(NoGrant::Failed(&page::PROVIDER_UNREACHABLE))
            }
            (400..=499, Some("invalid_client" | "unauthorized_client")) => {
                Err(NoGrant::Failed(&page::CLIENT_REJECTED))
            }
            (200 | 400..=499, _) => Err(NoGrant::Failed(&page::TOKEN_RESPONSE_INVALID)),
            _ => Err(NoGrant::Failed(&page::PROVIDER_UNREACHABLE)),
        }
    }

    /// Verifies an ID token: signature, times, issuer and audience (OpenID Connect Core §3.1.3.7). The nonce
    /// is the caller's to compare.
    pub(super) fn user(&self, party: Party<'_>, id_token: &str) -> Result<User, NoUser> {
        let bytes = id_token.as_bytes();
        let verifier = &self.gate.verifier;
        let verified = verifier.verify(bytes, self.request.now);
        let verified = verified.map_err(|rejected| NoUser {
            message: match rejected.error {
                TokenError::WrongIssuer => &page::ISSUER_MISMATCH,
                TokenError::WrongAudience => &page::AUDIENCE_MISMATCH,
                _ => &page::ID_TOKEN_REJECTED,
            },
            unknown_key: rejected.error == TokenError::UnknownKey
                && verifier.refresh_might_help(bytes),
        })?;
        let at = usize::try_from(party.config.issuer).unwrap_or(usize::MAX);
        if verified.issuer_index() != at {
            return Err(NoUser::from(&page::ISSUER_MISMATCH));
        }
        if !party.is_client_of(&verified) {
            return Err(NoUser::from(&page::AUDIENCE_MISMATCH));
        }
        let claims = verified.claims();
        // Required in ID tokens (OpenID Connect Core §2), but not in other tokens that the site accepts.
        if verified.lifetime().issued_at().is_none() {
            return Err(NoUser::from(&page::ID_TOKEN_REJECTED));
        }
        let subject = claims.subject().ok().flatten();
        let subject = subject.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(&page::ID_TOKEN_REJECTED)?.to_owned();
        let nonce = claims.member("nonce").and_then(|nonce| nonce.as_str());
        let nonce = nonce.map(String::from);
        Ok(User {
            parent: Parent {
                claims: claims.clone(),
                lifetime: verified.lifetime(),
                issuer: at,
            },
            subject,
            nonce,
        })
    }

    /// The cookies of a session for this user, for all paths that concern the user and for `to`.
    pub(super) fn session_cookies(
        &self,
        user: &User,
        to: &str,
    ) -> Result<Vec<String>, &'static Message> {
        let minted =
            self.gate
                .session_cookies(self.session, self.request, &user.parent, to.as_bytes());
        match minted {
            Ok(cookies) => Ok(cookies),
            Err(NoSession::TooLarge) => Err(&page::SESSION_TOO_LARGE),
            Err(NoSession::None) => Err(&page::ID_TOKEN_REJECTED),
        }
    }

    /// The cookies with which the session is refreshed later; they clear the old ones if there is no refresh
    /// token.
    pub(super) fn renewal_cookies(
        &self,
        party: Party<'_>,
        mut renewal: Renewal,
        renew_from: i64,
    ) -> Option<[String; 2]> {
        let nonce = self.nonce("refresh")?;
        renewal.binding = *self.random("binding")?.first_chunk()?;
        let path = &self.config.path;
        loop {
            let has_token = renewal.token.is_some();
            if !has_token && renewal.id_token.is_none() {
                return Some([
                    cookie::clear(cookie::REFRESH, path),
                    cookie::clear(cookie::RENEW, "/"),
                ]);
            }
            let sealed = self
                .state
                .sealer
                .seal(party.at, REFRESH, &nonce, &renewal)?;
            if sealed.len() <= MAX_REFRESH_BYTES {
                let renew = if has_token {
                    cookie::set_renew(renew_from, &text(&renewal.binding))
                } else {
                    cookie::clear(cookie::RENEW, "/")
                };
                return Some([cookie::set_refresh(&sealed, path), renew]);
            }
            // The ID token is worth less than the refresh token. Nothing was sealed with this nonce that
            // leaves this function.
            if renewal.id_token.take().is_none() {
                renewal.token = None;
            }
        }
    }

    /// The content of the refresh cookie, with its provider. One with a refresh token counts only in the browser that
    /// it was granted to.
    pub(super) fn renewal(&self) -> Option<(Party<'_>, Renewal)> {
        let renew = cookie::renew(self.request);
        let binding = renew.map(|renew| renew.binding);
        let values = cookie::values(self.request, cookie::REFRESH);
        let mut opened = values
            .into_iter()
            .filter_map(|value| self.state.sealer.open::<Renewal>(REFRESH, value));
        let (at, renewal) = opened.find(|(_, renewal)| match (&renewal.token, binding) {
            (Some(_), Some(binding)) => text(&renewal.binding) == binding,
            (Some(_), None) => false,
            // Only a hint for sign-out.
            (None, binding) => binding.is_none(),
        })?;
        Some((self.party(at)?, renewal))
    }

    /// The refresh token of the request, with its provider.
    pub(super) fn refresh_token(&self) -> Option<(Party<'_>, Renewal, String)> {
        let (party, renewal) = self.renewal()?;
        let token = renewal.token.clone()?;
        Some((party, renewal, token))
    }
}

/// Base64 with the standard alphabet and padding, for `Authorization`.
fn base64(bytes: &[u8]) -> String {
    let mut text: String = base64url::encode(bytes)
        .into_iter()
        .map(|byte| match byte {
            b'-' => '+',
            b'_' => '/',
            byte => char::from(byte),
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}
