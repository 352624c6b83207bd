//! The end of a flow: the provider's redirect back to this site.

use alloc::string::String;

use super::start::Flow;
use super::tokens::{Grant, NoGrant, NoUser, Renewal, User};
use super::{Answer, Party, Visit, redirect, text};
use crate::gate::tokens::Tokens;
use crate::sign_in::page::{self, Message};
use crate::sign_in::{cookie, form};

/// The detail code for a session that begins.
const SIGNED_IN: &str = "signed_in";
/// The detail code for a late callback in a browser that has a session.
const ALREADY_SIGNED_IN: &str = "already_signed_in";

/// The parameters of a callback.
struct Parameters {
    state: String,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

impl<B: AsRef<[u8]>> Visit<'_, B> {
    pub(super) fn callback(&self, tokens: &mut Tokens<'_>) -> Answer {
        let Some(parameters) = self.parameters() else {
            return self.failure(&page::CALLBACK_MALFORMED, "/");
        };
        let Some((name, party, flow)) = self.flow(&parameters.state) else {
            // The flow ended in another tab, or the user pressed the back button.
            if self.session(tokens).is_some() {
                return Answer::new(ALREADY_SIGNED_IN, redirect(303, "/"));
            }
            return self.failure(&page::FLOW_MISSING, "/");
        };
        let answer = match self.exchange(party, &parameters, &flow) {
            Ok(answer) => answer,
            Err(message) => self.failure(message, &flow.to),
        };
        // The flow goes on after the fetch, or when the user reloads the page.
        let is_over =
            ![page::PROVIDER_SLOW.code, page::PROVIDER_UNREACHABLE.code].contains(&answer.detail);
        if answer.wanted.is_some() || answer.unknown_key || !is_over {
            return answer;
        }
        answer.cookies([cookie::clear(&name, "/")])
    }

    /// The parameters; `None` if one is missing, occurs twice, or contradicts another.
    fn parameters(&self) -> Option<Parameters> {
        let read = |name| form::parameter(self.request.query(), name).ok();
        let parameters = Parameters {
            state: read("state")??,
            iss: read("iss")?,
            code: read("code")?,
            error: read("error")?,
        };
        (parameters.code.is_some() != parameters.error.is_some()).then_some(parameters)
    }

    fn exchange(
        &self,
        party: Party<'_>,
        parameters: &Parameters,
        flow: &Flow,
    ) -> Result<Answer, &'static Message> {
        let Parameters {
            state: _,
            iss,
            code,
            error,
        } = parameters;
        if flow.expires <= self.now() {
            return Err(&page::FLOW_EXPIRED);
        }
        let is_its_callback = self.request.path() == self.callback_path(party).as_bytes();
        if !is_its_callback || !self.is_from_issuer(party, iss.as_deref()) {
            return Err(&page::ISSUER_MISMATCH);
        }
        let Some(code) = code else {
            return Err(match error.as_deref() {
                Some("access_denied") => &page::CANCELLED,
                _ => &page::PROVIDER_ERROR,
            });
        };
        let verifier = text(&flow.verifier);
        let endpoint = &party.config.endpoints.token;
        let parts = [
            b"code",
            endpoint.as_bytes(),
            verifier.as_bytes(),
            code.as_bytes(),
        ];
        let key = self.hash(&parts).ok_or(&page::INTERNAL)?;
        let grant = match self.grant(&key) {
            Ok(grant) => grant,
            Err(NoGrant::Pending) => {
                let request = party.post(
                    endpoint,
                    &[
                        ("grant_type", "authorization_code"),
                        ("code", code),
                        ("redirect_uri", &self.redirect_uri(party, flow.origin)),
                        ("code_verifier", &verifier),
                    ],
                );
                let slow = self.failure(&page::PROVIDER_SLOW, &flow.to);
                return Ok(slow.waiting(key, request));
            }
            Err(NoGrant::Invalid) => return Err(&page::CODE_REJECTED),
            Err(NoGrant::Failed(message)) => return Err(message),
        };
        self.signed_in(party, grant, flow)
    }

    /// Whether `iss` (RFC 9207) names the issuer of the flow. It must be there if the issuer promises it.
    fn is_from_issuer(&self, party: Party<'_>, iss: Option<&str>) -> bool {
        let at = usize::try_from(party.config.issuer).unwrap_or(usize::MAX);
        let issuer = self.gate.config.issuers.get(at);
        match iss {
            Some(iss) => {
                issuer.is_some_and(|issuer| issuer.issuers.iter().any(|known| known == iss))
            }
            None => !party.config.endpoints.names_issuer,
        }
    }

    /// Whether the user signed in at the issuer as recently as `max_age` demands, when the flow began. Issuers may ignore
    /// the parameter, or a user may have removed it from the address.
    fn is_recent(&self, party: Party<'_>, user: &User, flow: &Flow) -> bool {
        let Some(max_age_secs) = party.config.max_age_secs() else {
            return true;
        };
        let began = flow.expires.saturating_sub(cookie::FLOW_SECS.into());
        let age_secs = i64::from(max_age_secs).saturating_add(self.gate.config.leeway_secs.into());
        let signed_in = user.parent.claims.auth_time();
        signed_in.is_some_and(|at| at >= began.saturating_sub(age_secs))
    }

    fn signed_in(
        &self,
        party: Party<'_>,
        grant: Grant,
        flow: &Flow,
    ) -> Result<Answer, &'static Message> {
        let Grant {
            id_token,
            refresh_token,
        } = grant;
        let id_token = id_token.ok_or(&page::TOKEN_RESPONSE_INVALID)?;
        let user = match self.user(party, &id_token) {
            Ok(user) => user,
            Err(NoUser {
                message,
                unknown_key: true,
            }) => {
                let mut answer = self.failure(message, &flow.to);
                answer.unknown_key = true;
                return Ok(answer);
            }
            Err(NoUser {
                message,
                unknown_key: false,
            }) => return Err(message),
        };
        if user.nonce.as_deref() != Some(&text(&flow.nonce)) {
            return Err(&page::NONCE_MISMATCH);
        }
        if !self.is_recent(party, &user, flow) {
            return Err(&page::SIGN_IN_TOO_OLD);
        }
        let sessions = self.session_cookies(&user, &flow.to)?;
        let renewal = Renewal {
            subject: user.subject,
            nonce: flow.nonce,
            binding: [0; 16],
            token: refresh_token,
            id_token: party.hint(id_token),
        };
        let renewal = self
            .renewal_cookies(party, renewal, self.now())
            .ok_or(&page::INTERNAL)?;
        let answer = Answer::new(SIGNED_IN, redirect(303, &flow.to));
        Ok(answer
            .cookies(sessions)
            .cookies(renewal)
            .cookies([self.next_try()]))
    }
}
