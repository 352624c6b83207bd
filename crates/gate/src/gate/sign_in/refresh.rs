//! The refresh of a session with a refresh token.
//!
//! Providers that rotate refresh tokens accept each one once. Two tabs can present the same one at the same
//! time; one of them loses. The loser cannot know whether it lost a race or the token was revoked, so it asks
//! the browser once more: if the winner's cookies have arrived, all is well, else the session has ended.

use alloc::string::String;

use super::tokens::{Grant, NoGrant, NoUser, Renewal};
use super::{Answer, Party, Visit, is_ending, redirect, text};
use crate::gate::tokens::Tokens;
use crate::response::empty;
use crate::sign_in::page::{self, Message};
use crate::sign_in::{cookie, form, returning};

/// The detail code for a refreshed session.
const REFRESHED: &str = "refreshed";
/// The detail code for a session that needs no refresh.
const FRESH: &str = "session_fresh";
/// The detail code for a refresh that failed while the session is valid.
const KEPT: &str = "refresh_failed";
/// The detail code for a refresh token that is not valid, at the first attempt.
const LOST: &str = "refresh_lost";
/// The time after a refresh, or a failed one, in which there is no other, in seconds.
const PAUSE_SECS: i64 = 60;

/// The provider and the tokens of a browser before a refresh.
struct Old<'a> {
    party: Party<'a>,
    renewal: Renewal,
    token: String,
    has_session: bool,
}

impl<B: AsRef<[u8]>> Visit<'_, B> {
    pub(super) fn refresh(&self, tokens: &mut Tokens<'_>) -> Answer {
        if self.is_cross_site() {
            return self.page(&page::CROSS_SITE, None);
        }
        let to = self.return_path();
        let session = self.session(tokens);
        if let Some(known) = session
            .as_ref()
            .filter(|known| !is_ending(known, self.request))
        {
            return self.done(FRESH, &to, known);
        }
        let Some((party, renewal, token)) = self.refresh_token() else {
            return match session {
                // It is valid until its end.
                Some(_) if self.is_page => {
                    let none = cookie::clear(cookie::RENEW, "/");
                    Answer::new(KEPT, redirect(303, &to)).cookies([none])
                }
                _ => self.ended(&to),
            };
        };
        let endpoint = &party.config.endpoints.token;
        let Some(key) = self.hash(&[b"refresh", endpoint.as_bytes(), token.as_bytes()]) else {
            return self.page(&page::INTERNAL, None);
        };
        match self.grant(&key) {
            Ok(grant) => {
                let old = Old {
                    party,
                    renewal,
                    token,
                    has_session: session.is_some(),
                };
                self.refreshed(grant, old, &to)
            }
            Err(NoGrant::Pending) => {
                let request = party.post(
                    endpoint,
                    &[("grant_type", "refresh_token"), ("refresh_token", &token)],
                );
                let slow = self.failed(&page::PROVIDER_SLOW, &to, session.is_some());
                slow.waiting(key, request)
            }
            Err(NoGrant::Invalid) if !self.is_second() => {
                // 307: a script that posted posts again.
                let mut location = returning(&self.config.endpoint("refresh"), to.as_bytes());
                location.push_str("&second=1");
                Answer::new(LOST, redirect(307, &location))
            }
            Err(NoGrant::Invalid) => self.ended(&to),
            Err(NoGrant::Failed(message)) => self.failed(message, &to, session.is_some()),
        }
    }

    /// Whether this is the second attempt with a token that is not valid.
    fn is_second(&self) -> bool {
        matches!(form::parameter(self.request.query(), "second"), Ok(Some(_)))
    }

    fn refreshed(&self, grant: Grant, old: Old<'_>, to: &str) -> Answer {
        let Grant {
            id_token,
            refresh_token,
        } = grant;
        let Old {
            party,
            renewal,
            token,
            has_session,
        } = old;
        // Without an ID token nobody vouches for the user.
        let Some(id_token) = id_token else {
            return self.ended(to);
        };
        let user = match self.user(party, &id_token) {
            Ok(user) if user.subject == renewal.subject => user,
            Ok(_) => {
                return self
                    .failure(&page::SUBJECT_MISMATCH, to)
                    .cookies(self.cleared());
            }
            Err(NoUser {
                message,
                unknown_key,
            }) => {
                let mut answer = self.failed(message, to, has_session);
                answer.unknown_key = unknown_key;
                return answer;
            }
        };
        // It need not be there, but if it is, it is that of the flow (OpenID Connect Core §12.2).
        let flow_nonce = text(&renewal.nonce);
        if user
            .nonce
            .as_ref()
            .is_some_and(|nonce| *nonce != flow_nonce)
        {
            return self.failed(&page::NONCE_MISMATCH, to, has_session);
        }
        let sessions = match self.session_cookies(&user, to) {
            Ok(sessions) => sessions,
            Err(message) => return self.failed(message, to, has_session),
        };
        let renewal = Renewal {
            subject: user.subject,
            nonce: renewal.nonce,
            binding: renewal.binding,
            token: refresh_token.or(Some(token)),
            id_token: party.hint(id_token),
        };
        let later = self.now().saturating_add(PAUSE_SECS);
        let Some(renewal) = self.renewal_cookies(party, renewal, later) else {
            return self.page(&page::INTERNAL, None);
        };
        let response = if self.is_page {
            redirect(303, to)
        } else {
            empty(204)
        };
        Answer::new(REFRESHED, response)
            .cookies(sessions)
            .cookies(renewal)
            .cookies([self.next_try()])
    }

    /// The response with a session that is still valid.
    fn done(&self, detail: &'static str, to: &str, known: &crate::cache::Known) -> Answer {
        if self.is_page {
            // A site that does not accept the session would lead back here.
            return Answer::new(detail, redirect(303, to)).cookies([self.next_try()]);
        }
        Answer::new(detail, self.describe(known))
    }

    /// A failure that says nothing about the session: a valid one is kept.
    fn failed(&self, message: &'static Message, to: &str, has_session: bool) -> Answer {
        if has_session && self.is_page {
            let later = self.now().saturating_add(PAUSE_SECS);
            let renew = cookie::renew(self.request);
            let later = renew.map(|renew| cookie::set_renew(later, renew.binding));
            return Answer::new(KEPT, redirect(303, to)).cookies(later);
        }
        self.failure(message, to)
    }

    /// The session has ended: the browser signs in again.
    fn ended(&self, to: &str) -> Answer {
        if self.is_page {
            let location = returning(&self.config.endpoint("sign-in"), to.as_bytes());
            return Answer::new(page::REFRESH_ENDED.code, redirect(303, &location))
                .cookies(self.cleared());
        }
        self.failure(&page::REFRESH_ENDED, to)
            .cookies(self.cleared())
    }
}
