//! The sign-in endpoints: routing, and what their responses have in common.
//!
//! [`crate::sign_in`] describes the flow. Not here: the evaluation of requests to the site.

mod callback;
mod refresh;
mod sign_out;
mod start;
mod tokens;

use alloc::{format, string::String, vec::Vec};

use tollgate_core::{MethodSet, Path, PathScratch, Reason};
use tollgate_token::{Provider, base64url};

use super::tokens::Tokens;
use super::{Gate, LoadError};
use crate::cache::Known;
use crate::config::GateConfig;
use crate::log::TokenStatus;
use crate::outcome::{Action, Outcome};
use crate::request::Request;
use crate::respond::{is_navigation, share};
use crate::response::{Response, empty, plain};
use crate::session::{SessionConfig, push_list, push_string};
use crate::sign_in::cookie;
use crate::sign_in::exchange::{Exchanges, Key, Wanted};
use crate::sign_in::page::{self, Link, Message};
use crate::sign_in::seal::Sealer;
use crate::sign_in::{ENDPOINTS, REFRESH_PART, SignInConfig, SignInProvider, form, returning};
use crate::sign_in_config::host_of;

/// The endpoint that the first provider redirects to. The others redirect to a path below it.
const CALLBACK: &str = "callback";
/// The detail code for a redirect to the provider.
const STARTED: &str = "sign_in_started";
/// The detail code for a redirect to an endpoint that refreshes the session.
const REFRESH_DUE: &str = "refresh_due";
/// The detail code for the user's data.
const ME: &str = "me";

/// The state of sign-in in a loaded gate.
pub(super) struct SignIn {
    sealer: Sealer,
    pub(super) exchanges: Exchanges,
}

impl SignIn {
    /// The state for a configuration; `None` if the gate signs nobody in.
    pub(super) fn new(
        config: &GateConfig,
        provider: &dyn Provider,
    ) -> Result<Option<Self>, LoadError> {
        let Some(sign_in) = &config.sign_in else {
            return Ok(None);
        };
        let sealer = Sealer::new(sign_in, config, provider);
        let sealer = sealer.filter(|_| provider.sha256(b"").is_some());
        Ok(Some(Self {
            sealer: sealer.ok_or(LoadError::SignIn)?,
            exchanges: Exchanges::default(),
        }))
    }
}

/// The endpoints, in the order of [`ENDPOINTS`].
#[derive(Clone, Copy)]
enum Endpoint {
    SignIn,
    Callback,
    Refresh,
    SignOut,
    SignedOut,
    Me,
    BackChannel,
}

/// The position of a provider, and its configuration.
#[derive(Clone, Copy)]
struct Party<'a> {
    at: usize,
    config: &'a SignInProvider,
}

impl Endpoint {
    const ALL: [Self; ENDPOINTS.len()] = [
        Self::SignIn,
        Self::Callback,
        Self::Refresh,
        Self::SignOut,
        Self::SignedOut,
        Self::Me,
        Self::BackChannel,
    ];

    /// The endpoint at this part of a path below the configured one.
    fn at(rest: &[u8]) -> Option<Self> {
        let name = rest.strip_prefix(b"/")?;
        if is_other_callback(name) {
            return Some(Self::Callback);
        }
        let mut all = ENDPOINTS.iter().zip(Self::ALL);
        let found = all.find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, endpoint)| endpoint)
    }

    fn methods(self) -> MethodSet {
        let names: &[&str] = match self {
            Self::SignIn | Self::Callback => &["GET"],
            Self::SignedOut | Self::Me => &["GET", "HEAD"],
            Self::Refresh | Self::SignOut => &["GET", "POST"],
            Self::BackChannel => &["POST"],
        };
        let sets = names.iter().filter_map(|name| MethodSet::from_name(name));
        let bits = sets.fold(0, |bits, set| bits | set.bits());
        MethodSet::from_bits(bits).unwrap_or(MethodSet::EMPTY)
    }
}

/// Whether a part of a path is the callback of a provider that has one of its own.
fn is_other_callback(name: &[u8]) -> bool {
    name.strip_prefix(CALLBACK.as_bytes())
        .is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
}

/// The response of an endpoint.
struct Answer {
    detail: &'static str,
    response: Response,
    /// The request that the response depends on.
    wanted: Option<Wanted>,
    /// Whether another response is possible with refreshed keys.
    unknown_key: bool,
}

impl Answer {
    fn new(detail: &'static str, response: Response) -> Self {
        Self {
            detail,
            response,
            wanted: None,
            unknown_key: false,
        }
    }

    /// Waits for a request; this is the response if it does not end in time.
    fn waiting(mut self, key: Key, request: crate::fetch::FetchRequest) -> Self {
        self.wanted = Some(Wanted { key, request });
        self
    }

    fn cookies(mut self, cookies: impl IntoIterator<Item = String>) -> Self {
        for cookie in cookies {
            self.response.push("set-cookie", cookie);
        }
        self
    }
}

/// A request to an endpoint.
struct Visit<'a, B> {
    gate: &'a Gate<B>,
    config: &'a SignInConfig,
    session: &'a SessionConfig,
    state: &'a SignIn,
    request: &'a Request<'a>,
    path: &'a Path<'a>,
    /// Whether a browser shows the response.
    is_page: bool,
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// The start of the paths whose requests need entropy; `None` if none do.
    pub fn entropy_path(&self) -> Option<&str> {
        self.config
            .sign_in
            .as_ref()
            .map(|config| config.path.as_str())
    }

    /// Whether a request needs entropy.
    pub fn needs_entropy(&self, request: &Request<'_>) -> bool {
        let path = self.entropy_path();
        path.is_some_and(|path| request.target.starts_with(path.as_bytes()))
    }

    /// The outcome of a request below the configured path; `None` for any other path.
    pub(super) fn answer_sign_in(
        &self,
        request: &Request<'_>,
        path: &Path<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Option<Outcome> {
        let config = self.config.sign_in.as_ref()?;
        let rest = config.below(request.path())?;
        let (Some(session), Some(state)) = (&self.config.session, &self.sign_in) else {
            // A configuration with sign-in has both.
            return Some(Outcome::internal(request.method, "sign_in_internal"));
        };
        let visit = Visit {
            gate: self,
            config,
            session,
            state,
            request,
            path,
            is_page: is_navigation(request),
        };
        let Some(endpoint) = Endpoint::at(rest) else {
            let none = MethodSet::EMPTY;
            let (reason, seen) = (Reason::Forbidden, TokenStatus::Unread);
            return Some(self.refuse(request, reason, None, seen, none));
        };
        let methods = endpoint.methods();
        let method = MethodSet::from_name(request.method);
        if !method.is_some_and(|method| methods.contains(method)) {
            let (reason, seen) = (Reason::BadMethod, TokenStatus::Unread);
            return Some(self.refuse(request, reason, None, seen, methods));
        }
        let answer = match endpoint {
            Endpoint::SignIn => visit.start(tokens),
            Endpoint::Callback => visit.callback(tokens),
            Endpoint::Refresh => visit.refresh(tokens),
            Endpoint::SignOut => visit.sign_out(tokens),
            Endpoint::SignedOut => visit.page(&page::SIGNED_OUT, None),
            Endpoint::Me => visit.me(tokens),
            Endpoint::BackChannel => visit.page(&page::UNSUPPORTED, None),
        };
        let Answer {
            detail,
            mut response,
            wanted,
            unknown_key,
        } = answer;
        share(&self.config.deny, request, &mut response);
        if request.method == "HEAD" {
            response.body = "".into();
        }
        let none = MethodSet::EMPTY;
        let seen = TokenStatus::Unread;
        let refused = self.refuse(request, Reason::Forbidden, None, seen, none);
        let mut outcome = refused.served(response, detail);
        outcome.wanted = wanted.map(alloc::boxed::Box::new);
        outcome.unknown_key = unknown_key;
        Some(outcome)
    }

    /// Replaces the outcome of an allowed navigation by a redirect to the refresh, if the session ends soon and
    /// the browser has a refresh token.
    pub(super) fn refresh_session(
        &self,
        outcome: &mut Outcome,
        asked: &[u8],
        request: &Request<'_>,
        known: &Known,
    ) {
        let Some(config) = &self.config.sign_in else {
            return;
        };
        let is_due = known.is_session
            && matches!(outcome.action, Action::Forward(_))
            && is_ending(known, request)
            && is_navigation(request)
            && cookie::renew(request).is_some_and(|renew| renew.from <= request.now.0);
        if is_due {
            let location = returning(&config.endpoint("refresh"), asked);
            outcome.serve(redirect(302, &location), REFRESH_DUE);
        }
    }
}

/// Whether less than a fifth of the session's lifetime is left.
fn is_ending(known: &Known, request: &Request<'_>) -> bool {
    let Some(lifetime) = known.lifetime else {
        return false;
    };
    let ends = lifetime.expires_at().0;
    let began = lifetime.issued_at().map_or(ends, |at| at.0);
    let left = ends.saturating_sub(request.now.0);
    left.saturating_mul(REFRESH_PART) < ends.saturating_sub(began)
}

/// A redirect of the gate.
fn redirect(status: u16, location: &str) -> Response {
    let mut response = empty(status);
    response.push("location", location.into());
    response.push("referrer-policy", "no-referrer".into());
    response
}

impl<B: AsRef<[u8]>> Visit<'_, B> {
    fn page(&self, message: &Message, link: Option<&Link<'_>>) -> Answer {
        self.page_of(message, link.map_or(&[], core::slice::from_ref))
    }

    fn page_of(&self, message: &Message, links: &[Link<'_>]) -> Answer {
        let own = self.config.page.as_deref();
        let response = page::response(message, links, self.is_page, own);
        Answer::new(message.code, response)
    }

    /// The provider at a position.
    fn party(&self, at: usize) -> Option<Party<'_>> {
        let config = self.config.providers.get(at)?;
        Some(Party { at, config })
    }

    /// All providers.
    fn parties(&self) -> impl Iterator<Item = Party<'_>> {
        let providers = self.config.providers.iter().enumerate();
        providers.map(|(at, config)| Party { at, config })
    }

    /// The provider, if there is only one.
    fn only_party(&self) -> Option<Party<'_>> {
        self.parties()
            .next()
            .filter(|_| self.config.providers.len() == 1)
    }

    /// The provider whose issuer has this name.
    fn party_of(&self, name: &str) -> Option<Party<'_>> {
        self.parties()
            .find(|party| self.issuer_name(*party) == Some(name))
    }

    /// The name of a provider's issuer.
    fn issuer_name(&self, party: Party<'_>) -> Option<&str> {
        let at = usize::try_from(party.config.issuer).ok()?;
        Some(&self.gate.config.issuers.get(at)?.name)
    }

    /// A failure, with a link that begins a new flow.
    fn failure(&self, message: &Message, to: &str) -> Answer {
        let link = Link {
            label: "Sign in",
            href: self.again(to),
        };
        self.page(message, Some(&link))
    }

    /// Bytes for one purpose, derived from the entropy of the request.
    fn random(&self, purpose: &str) -> Option<[u8; 32]> {
        let entropy = self.request.entropy?;
        self.hash(&[b"random", purpose.as_bytes(), entropy])
    }

    fn nonce(&self, purpose: &str) -> Option<[u8; 12]> {
        self.random(purpose)?.first_chunk().copied()
    }

    /// The hash of several parts, none of which can be confused with another.
    fn hash(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut message = Vec::new();
        for part in parts {
            message.extend(part.len().to_le_bytes());
            message.extend(*part);
        }
        self.gate.provider.sha256(&message)
    }

    /// The path to return to: the parameter `to` if it is one of this site, else `/`.
    fn return_path(&self) -> String {
        let to = form::parameter(self.request.query(), "to").ok().flatten();
        let to = to.filter(|to| self.is_return_path(to));
        to.unwrap_or_else(|| "/".into())
    }

    /// Whether a request target is canonical, and not an endpoint of sign-in.
    fn is_return_path(&self, to: &str) -> bool {
        let is_plain = to.len() <= crate::sign_in::MAX_RETURN_BYTES
            && to.starts_with('/')
            && to
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let target = Request {
            target: to.as_bytes(),
            ..*self.request
        };
        let path = target.path();
        let is_own = self.config.below(path).is_some();
        let mut scratch = PathScratch::new();
        let options = self.gate.image.path_options();
        is_plain && !is_own && !target.has_splitting_query() && scratch.parse(path, options).is_ok()
    }

    /// The position of the origin that the request was sent to, else of the first.
    fn origin(&self) -> u32 {
        let host = self.request.lines("host").next();
        let is_it = |origin: &String| {
            host.is_some_and(|host| host_of(origin).is_some_and(|own| own.as_bytes() == host))
        };
        let at = self.config.origins.iter().position(is_it);
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
    }

    /// A URL of this site at one of its origins.
    fn absolute(&self, origin: u32, path: &str) -> String {
        let at = usize::try_from(origin).unwrap_or(0);
        let origins = &self.config.origins;
        let origin = origins.get(at).or_else(|| origins.first());
        format!("{}{path}", origin.map_or("", String::as_str))
    }

    /// The session of the request, if it is valid.
    fn session(&self, tokens: &mut Tokens<'_>) -> Option<alloc::sync::Arc<Known>> {
        let found = self.gate.find_token(self.request, self.path, tokens);
        found.known.filter(|known| known.is_session)
    }

    /// Clears all session cookies, and those of the refresh.
    fn cleared(&self) -> Vec<String> {
        let paths = self.session.paths.iter();
        let sessions = paths.filter_map(|path| self.session.cleared(path.path.as_bytes()));
        let own = [
            cookie::clear(cookie::REFRESH, &self.config.path),
            cookie::clear(cookie::RENEW, "/"),
        ];
        sessions.chain(own).collect()
    }

    /// The user as JSON.
    fn me(&self, tokens: &mut Tokens<'_>) -> Answer {
        let found = self.gate.find_token(self.request, self.path, tokens);
        let Some(known) = found.known else {
            let link = Link {
                label: "Sign in",
                href: self.config.endpoint("sign-in"),
            };
            return self.page(&page::SIGN_IN_REQUIRED, Some(&link));
        };
        Answer::new(ME, self.describe(&known))
    }

    fn describe(&self, known: &Known) -> Response {
        let mut response = plain("GET", 200);
        response.set("content-type", "application/json");
        let mut json = String::from("{\"subject\":");
        match known.facts.subject() {
            Some(subject) => push_string(&mut json, subject),
            None => json.push_str("null"),
        }
        json.push_str(",\"issuer\":");
        push_string(&mut json, &known.issuer);
        json.push_str(",\"groups\":");
        push_list(&mut json, known.facts.groups());
        json.push_str(",\"expires_at\":");
        match known.lifetime {
            Some(lifetime) => json.push_str(&format!("{}", lifetime.expires_at().0)),
            None => json.push_str("null"),
        }
        json.push_str("}\n");
        response.body = json.into();
        response
    }
}

/// Base64url text.
fn text(bytes: &[u8]) -> String {
    // Base64url is ASCII.
    String::from_utf8(base64url::encode(bytes)).unwrap_or_default()
}
