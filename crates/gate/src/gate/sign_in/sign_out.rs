//! The end of a session, here and at the provider.

use alloc::string::String;

use super::{Answer, Party, Visit, redirect};
use crate::gate::tokens::Tokens;
use crate::sign_in::exchange::Progress;
use crate::sign_in::page::{self, Link};
use crate::sign_in::{SignOut, cookie, form};
use crate::sign_in_config::host_of;

/// The detail code for a session that ends.
const SIGNED_OUT: &str = "signed_out";

impl<B: AsRef<[u8]>> Visit<'_, B> {
    pub(super) fn sign_out(&self, tokens: &mut Tokens<'_>) -> Answer {
        if self.request.method == "POST" {
            if self.is_cross_site() {
                return self.page(&page::CROSS_SITE, None);
            }
        } else if !self.is_page || !self.is_from_own_page() {
            // Also for a prefetch, an image or a script: only a user who follows a link wants to leave.
            let link = Link {
                label: "Sign out",
                href: self.config.endpoint("sign-out"),
            };
            return self.page(&page::CONFIRM_SIGN_OUT, Some(&link));
        }
        let left = self.provider_sign_out(tokens);
        let ended = Answer::new(SIGNED_OUT, redirect(303, &left))
            .cookies(self.cleared())
            .cookies([cookie::clear_tries()]);
        let Some((party, _, token)) = self.refresh_token() else {
            return ended;
        };
        let Some(url) = &party.config.endpoints.revocation else {
            return ended;
        };
        let Some(key) = self.hash(&[b"revoke", url.as_bytes(), token.as_bytes()]) else {
            return ended;
        };
        match self.state.exchanges.progress(&key, self.request.now) {
            Progress::New | Progress::InFlight => {
                let pairs = [("token", &*token), ("token_type_hint", "refresh_token")];
                ended.waiting(key, party.post(url, &pairs))
            }
            // The user is signed out here in any case.
            Progress::Failed | Progress::Response(..) => ended,
        }
    }

    /// The URL that ends the session at the provider, and leads back to this site.
    fn provider_sign_out(&self, tokens: &mut Tokens<'_>) -> String {
        let own = match &self.config.signed_out {
            Some(path) => path.clone(),
            None => self.config.endpoint("signed-out"),
        };
        // A neighbouring site can set the refresh cookie, but no session.
        let session = self.session(tokens);
        let of_session = session.and_then(|known| self.party_of(&known.issuer));
        let renewal = self.renewal();
        let of_renewal = renewal.as_ref().map(|(party, _)| *party);
        let single = || self.only_party();
        let Some(Party { at, config }) = of_session.or(of_renewal).or_else(single) else {
            return own;
        };
        let hint = renewal.filter(|(party, _)| party.at == at);
        let hint = hint.and_then(|(_, renewal)| renewal.id_token);
        let client = ("client_id", &*config.client);
        let back = self.absolute(self.origin(), &own);
        match &config.endpoints.sign_out {
            SignOut::Local => own,
            SignOut::Cognito(url) => form::with_query(url, &[client, ("logout_uri", &back)]),
            SignOut::EndSession(url) => {
                let back = ("post_logout_redirect_uri", &*back);
                match hint {
                    Some(hint) => form::with_query(url, &[client, back, ("id_token_hint", &hint)]),
                    None => form::with_query(url, &[client, back]),
                }
            }
        }
    }

    /// Whether another site posted the request, as far as the browser tells.
    pub(super) fn is_cross_site(&self) -> bool {
        if self.request.method != "POST" {
            return false;
        }
        let mut sites = self.request.lines("sec-fetch-site");
        if let Some(site) = sites.next() {
            return !matches!(site, b"same-origin" | b"none");
        }
        let mut origins = self.request.lines("origin");
        origins.next().is_some_and(|origin| !self.is_own(origin))
    }

    /// Whether the user followed a link of this site, or typed the address.
    fn is_from_own_page(&self) -> bool {
        let mut sites = self.request.lines("sec-fetch-site");
        if let Some(site) = sites.next() {
            return matches!(site, b"same-origin" | b"none");
        }
        let mut pages = self.request.lines("referer");
        pages.next().is_some_and(|page| self.is_own(page))
    }

    /// Whether a URL is one of this site.
    fn is_own(&self, url: &[u8]) -> bool {
        let host = |url: &str| {
            let rest = host_of_url(url)?;
            Some(String::from(rest))
        };
        let Some(host) = core::str::from_utf8(url).ok().and_then(host) else {
            return false;
        };
        let mut hosts = self.request.lines("host");
        hosts.next() == Some(host.as_bytes())
            || self
                .config
                .origins
                .iter()
                .any(|origin| host_of(origin) == Some(&host))
    }
}

/// The host of a URL, with its port.
fn host_of_url(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
}
