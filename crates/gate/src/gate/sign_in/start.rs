//! The start of a flow: a redirect to the provider, and the sealed cookie of the flow.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Answer, CALLBACK, Party, STARTED, Visit, redirect, text};
use crate::gate::tokens::Tokens;
use crate::sign_in::cookie::{self, Sent};
use crate::sign_in::page::{self, Link};
use crate::sign_in::{MAX_FLOWS, SignInProvider, form, returning};

/// The parameter that names the issuer of a provider.
const WITH: &str = "with";
/// The parameter of a sign-in that the user asked for, which is not counted.
const AGAIN: &str = "&again=1";
/// The purpose of flow cookies.
const FLOW: &str = "flow";
/// The number of sign-ins in a minute after which there is no other without a click.
const MAX_TRIES: u32 = 3;

/// The number of flow cookies of a request that are read when a flow begins; no browser has more.
const MAX_READ_FLOWS: usize = 64;

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
        let chosen = self.chosen();
        let is_other = |at: usize| chosen.is_some_and(|chosen| chosen.at != at);
        let refreshed = self.refresh_token().map(|(party, _, _)| party.at);
        if !is_again && refreshed.is_some_and(|at| !is_other(at)) {
            let location = returning(&self.config.endpoint("refresh"), to.as_bytes());
            return Answer::new(super::REFRESH_DUE, redirect(302, &location));
        }
        let Some(party) = chosen else {
            return self.choose(&to, is_again);
        };
        match self.begin(party, to) {
            Some(answer) if is_again => answer.cookies([cookie::clear_tries()]),
            Some(answer) => answer,
            None => self.page(&page::INTERNAL, None),
        }
    }

    /// The provider that the request names, or the only one.
    fn chosen(&self) -> Option<Party<'_>> {
        if let Some(only) = self.only_party() {
            return Some(only);
        }
        let name = form::parameter(self.request.query(), WITH).ok().flatten()?;
        self.party_of(&name)
    }

    /// The page on which the user chooses a provider.
    fn choose(&self, to: &str, is_again: bool) -> Answer {
        let mut endpoint = returning(&self.config.endpoint("sign-in"), to.as_bytes());
        if is_again {
            endpoint.push_str(AGAIN);
        }
        let links = self.parties().filter_map(|party| {
            let mut href = format!("{endpoint}&{WITH}=");
            form::push_escaped(&mut href, self.issuer_name(party)?.as_bytes(), b"");
            let label = &party.config.label;
            Some(Link { label, href })
        });
        let links: Vec<Link<'_>> = links.collect();
        self.page_of(&page::CHOOSE, &links)
    }

    fn begin(&self, party: Party<'_>, to: String) -> Option<Answer> {
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
        let SignInProvider {
            issuer: _,
            label: _,
            client,
            client_auth: _,
            scopes,
            parameters,
            endpoints,
        } = party.config;
        let (redirect_uri, scopes) = (self.redirect_uri(party, flow.origin), scopes.join(" "));
        let nonce = text(&nonce);
        let mut pairs = Vec::from([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", &redirect_uri),
            ("scope", &scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        pairs.extend(parameters.iter().map(|(name, value)| (&**name, &**value)));
        let location = form::with_query(&endpoints.authorization, &pairs);
        let sealer = &self.state.sealer;
        let sealed = sealer.seal(party.at, FLOW, &self.nonce("flow")?, &flow)?;
        let name = cookie::flow_name(&state)?;
        let set = cookie::set_flow(&name, &sealed);
        let answer = Answer::new(STARTED, redirect(302, &location));
        Some(answer.cookies(self.surplus_flows()).cookies([set]))
    }

    /// Clears the flow cookies that leave no room for another, the oldest first, and those that do not open.
    fn surplus_flows(&self) -> Vec<String> {
        let flows: Vec<(i64, &str)> = cookie::flows(self.request)
            .iter()
            .take(MAX_READ_FLOWS)
            .map(|Sent { name, value }| {
                let flow = self.state.sealer.open::<Flow>(FLOW, value);
                let expires = flow.map(|(_, flow)| flow.expires);
                let is_open = expires.filter(|expires| *expires > self.now());
                (is_open.unwrap_or(i64::MIN), *name)
            })
            .collect();
        let is_surplus = |flow: &(i64, &str)| {
            let newer = flows.iter().filter(|other| *other > flow).count();
            flow.0 == i64::MIN || newer + 1 >= MAX_FLOWS
        };
        flows
            .iter()
            .filter(|flow| is_surplus(flow))
            .map(|(_, name)| cookie::clear(name, "/"))
            .collect()
    }

    /// The flow with this `state`, if the browser began it, with its provider and the name of its cookie.
    pub(super) fn flow(&self, state: &str) -> Option<(String, Party<'_>, Flow)> {
        let name = cookie::flow_name(state)?;
        let mut flows = cookie::flows(self.request)
            .into_iter()
            .filter(|sent| sent.name == name);
        let (at, flow) = flows.find_map(|Sent { name: _, value }| {
            let (at, flow) = self.state.sealer.open::<Flow>(FLOW, value)?;
            (text(&flow.state) == state).then_some((at, flow))
        })?;
        Some((name, self.party(at)?, flow))
    }

    pub(super) fn redirect_uri(&self, party: Party<'_>, origin: u32) -> String {
        self.absolute(origin, &self.callback_path(party))
    }

    /// The path that a provider redirects to. Each has its own, so that a provider cannot make the browser bring it
    /// another's code (RFC 9700 §4.4.2).
    pub(super) fn callback_path(&self, party: Party<'_>) -> String {
        let mut path = self.config.endpoint(CALLBACK);
        if let (1.., Some(name)) = (party.at, self.issuer_name(party)) {
            path.push('/');
            path.push_str(name);
        }
        path
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
            "{}{AGAIN}",
            returning(&self.config.endpoint("sign-in"), to.as_bytes())
        )
    }
}
