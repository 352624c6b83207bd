//! The start of a flow: a redirect to the provider, and the sealed cookie of the flow.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Answer, STARTED, Visit, redirect, text};
use crate::gate::tokens::Tokens;
use crate::sign_in::cookie::{self, Sent};
use crate::sign_in::page::{self, Link};
use crate::sign_in::{MAX_FLOWS, form, returning};

/// The purpose of flow cookies.
const FLOW: &str = "flow";
/// The number of sign-ins in a minute after which there is no other without a click.
const MAX_TRIES: u32 = 3;

/// The content of a flow cookie.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    /// The time at which the flow expires.
    pub(super) expires: i64,
    pub(super) state: [u8; 16],
    pub(super) nonce: [u8; 16],
    pub(super) verifier: [u8; 32],
    /// The position of the origin.
    pub(super) origin: u32,
    /// The path to return to.
    pub(super) to: String,
}

impl<B: AsRef<[u8]>> Visit<'_, B> {
    /// Begins a flow.
    pub(super) fn start(&self, tokens: &mut Tokens<'_>) -> Answer {
        let to = self.return_path();
        if !self.is_page {
            let link = Link {
                label: "Sign in",
                href: returning(&self.config.endpoint("sign-in"), to.as_bytes()),
            };
            return self.page(&page::SIGN_IN_REQUIRED, Some(&link));
        }
        let again = form::parameter(self.request.query(), "again");
        let is_again = matches!(again, Ok(Some(_)));
        if !is_again && cookie::tries(self.request) >= MAX_TRIES {
            return self.looping(&to, tokens);
        }
        if !is_again && self.refresh_token().is_some() {
            let location = returning(&self.config.endpoint("refresh"), to.as_bytes());
            return Answer::new(super::REFRESH_DUE, redirect(302, &location));
        }
        match self.begin(to) {
            Some(answer) if is_again => answer.cookies([cookie::clear_tries()]),
            Some(answer) => answer,
            None => self.page(&page::INTERNAL, None),
        }
    }

    fn begin(&self, to: String) -> Option<Answer> {
        let state = *self.random("state")?.first_chunk()?;
        let nonce = *self.random("nonce")?.first_chunk()?;
        let verifier = self.random("verifier")?;
        let flow = Flow {
            expires: self.now().saturating_add(cookie::FLOW_SECS.into()),
            state,
            nonce,
            verifier,
            origin: self.origin(),
            to,
        };
        let challenge = self
            .gate
            .provider
            .sha256(text(&verifier).as_bytes())
            .map(|hash| text(&hash))?;
        let state = text(&state);
        let location = form::with_query(
            &self.config.endpoints.authorization,
            &[
                ("response_type", "code"),
                ("client_id", &self.config.client),
                ("redirect_uri", &self.redirect_uri(flow.origin)),
                ("scope", &self.config.scopes.join(" ")),
                ("state", &state),
                ("nonce", &text(&nonce)),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        );
        let sealed = self.state.sealer.seal(FLOW, &self.nonce("flow")?, &flow)?;
        let name = cookie::flow_name(&state)?;
        let set = cookie::set_flow(&name, &sealed);
        let answer = Answer::new(STARTED, redirect(302, &location));
        Some(answer.cookies(self.surplus_flows()).cookies([set]))
    }

    /// Clears the flow cookies that leave no room for another, the oldest first, and those that do not open.
    fn surplus_flows(&self) -> Vec<String> {
        let mut flows: Vec<(i64, &str)> = cookie::flows(self.request)
            .iter()
            .map(|Sent { name, value }| {
                let flow = self.state.sealer.open::<Flow>(FLOW, value);
                let expires = flow.map(|flow| flow.expires);
                let is_open = expires.filter(|expires| *expires > self.now());
                (is_open.unwrap_or(i64::MIN), *name)
            })
            .collect();
        flows.sort_unstable();
        let surplus = (flows.len() + 1).saturating_sub(MAX_FLOWS);
        flows
            .iter()
            .enumerate()
            .filter(|(at, (expires, _))| *at < surplus || *expires == i64::MIN)
            .map(|(_, (_, name))| cookie::clear(name, "/"))
            .collect()
    }

    /// The flow with this `state`, if the browser began it.
    pub(super) fn flow(&self, state: &str) -> Option<(String, Flow)> {
        let name = cookie::flow_name(state)?;
        let mut flows = cookie::flows(self.request)
            .into_iter()
            .filter(|sent| sent.name == name);
        let flow = flows.find_map(|Sent { name: _, value }| {
            let flow = self.state.sealer.open::<Flow>(FLOW, value)?;
            (text(&flow.state) == state).then_some(flow)
        })?;
        Some((name, flow))
    }

    pub(super) fn redirect_uri(&self, origin: u32) -> String {
        self.absolute(origin, &self.config.endpoint("callback"))
    }

    pub(super) fn now(&self) -> i64 {
        self.request.now.0
    }

    /// The page that ends a loop, and states its reason.
    fn looping(&self, to: &str, tokens: &mut Tokens<'_>) -> Answer {
        let found = self.gate.find_token(self.request, self.path, tokens);
        let message = match (&found.known, found.rejected) {
            (None, None) => &page::SESSION_NOT_STORED,
            _ => &page::SESSION_NOT_ACCEPTED,
        };
        self.failure(message, to)
    }

    /// The value of the cookie that counts sign-ins.
    pub(super) fn next_try(&self) -> String {
        cookie::set_tries(cookie::tries(self.request).saturating_add(1).min(MAX_TRIES))
    }

    /// The link of a page that starts a new flow.
    pub(super) fn again(&self, to: &str) -> String {
        format!(
            "{}&again=1",
            returning(&self.config.endpoint("sign-in"), to.as_bytes())
        )
    }
}
