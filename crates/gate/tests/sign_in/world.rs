//! Sites and a provider, and what holds for every response and every record.

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::sign_in::{SignInProvider, SignOut};
use tollgate_gate::{
    Action, Context, FetchResponse, Gate, MAX_STEPS, Outcome, Request, Response, Step, TokenCache,
};
use tollgate_token::Provider as _;

use crate::provider::{Provider, Sent};
use crate::site::{LEARN, NOW, Options, SHOP, STAFF, STAFF_SECRET, gate};

/// The name of the session cookie.
pub(crate) const SESSION: &str = "__Host-tollgate";
/// A page that needs a session.
pub(crate) const LESSON: &str = "https://learn.example.com/learn/a?x=1";
/// An endpoint's URL at the first site.
pub(crate) fn at(endpoint: &str) -> String {
    format!("https://learn.example.com/.tollgate/{endpoint}")
}

/// The response to a browser.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) detail: Option<&'static str>,
    pub(crate) is_forwarded: bool,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        let value = named.next().map(|(_, value)| value.as_str());
        assert_eq!(named.next(), None, "{name} occurs twice");
        value
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.header("location")
    }

    pub(crate) fn set_cookies(&self) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        named.map(|(_, value)| value.as_str())
    }

    /// The value that a cookie is set to; empty if it is cleared.
    pub(crate) fn set(&self, name: &str) -> Option<&str> {
        let mut values = self.set_cookies().filter_map(|set| {
            let (known, rest) = set.split_once('=')?;
            let value = rest.split_once(';').expect("attributes").0;
            (known == name).then_some(value)
        });
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is set twice");
        value
    }

    /// The subject of the session that is set.
    pub(crate) fn session(&self) -> Option<String> {
        let session = self.set(SESSION).filter(|value| !value.is_empty())?;
        Some(subject(session))
    }

    /// The name of the issuer where the user of the session that is set signed in.
    pub(crate) fn issuer(&self) -> Option<&'static str> {
        let session = self.set(SESSION).filter(|value| !value.is_empty())?;
        let claims = session.split('.').nth(1).expect("a token");
        let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url");
        let claims = String::from_utf8(claims).expect("JSON");
        ["learners", "staff"]
            .into_iter()
            .find(|name| claims.contains(&format!(r#""idp":"{name}""#)))
    }

    pub(crate) fn summary(&self) -> String {
        format!("{} {}", self.status, self.detail.unwrap_or("-"))
    }
}

/// The subject of a session.
pub(crate) fn subject(session: &str) -> String {
    let claims = session.split('.').nth(1).expect("a token");
    let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url");
    let claims = String::from_utf8(claims).expect("JSON");
    let rest = claims.split_once(r#""sub":""#).expect("a subject").1;
    rest.split_once('"').expect("its end").0.to_string()
}

pub(crate) struct Site {
    pub(crate) host: String,
    pub(crate) gate: Gate<Vec<u8>>,
    cache: TokenCache,
}

/// Sites, a provider, and a clock.
pub(crate) struct World {
    pub(crate) sites: Vec<Site>,
    pub(crate) provider: Provider,
    /// The other provider, at sites that have two.
    pub(crate) staff: Provider,
    pub(crate) now: i64,
    /// Whether the host has randomness.
    pub(crate) has_entropy: bool,
    /// Whether the records and responses of every request are checked for secrets, which takes time.
    pub(crate) is_strict: bool,
    /// All records.
    pub(crate) records: String,
    draws: u64,
}

impl World {
    pub(crate) fn with(options: &[Options<'_>]) -> Self {
        let mut world = Self {
            sites: Vec::new(),
            provider: Provider::new(),
            staff: Provider::at(STAFF, STAFF_SECRET),
            now: NOW,
            has_entropy: true,
            is_strict: true,
            records: String::new(),
            draws: 0,
        };
        for options in options {
            world.add(options);
        }
        world
    }

    /// One site, and another at the same provider.
    pub(crate) fn new() -> Self {
        Self::with(&[LEARN, SHOP])
    }

    pub(crate) fn add(&mut self, options: &Options<'_>) {
        self.provider.register(options);
        let uri = format!("https://{}/.tollgate/callback/staff", options.host);
        self.staff.add_client("office", "none", vec![uri]);
        self.sites.retain(|site| site.host != options.host);
        self.sites.push(Site {
            host: options.host.to_string(),
            gate: gate(options),
            cache: TokenCache::new(64),
        });
    }

    /// Sends a request, as a host does: fetches are sent to the provider.
    pub(crate) fn send(
        &mut self,
        method: &str,
        host: &str,
        target: &[u8],
        headers: &[(String, Vec<u8>)],
    ) -> Reply {
        self.draws += 1;
        let entropy = Native.sha256(&self.draws.to_le_bytes());
        let headers: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let host = if host.starts_with("localhost") {
            "learn.example.com"
        } else {
            host
        };
        let request = Request {
            method,
            target,
            headers: &headers,
            ip: None,
            now: UnixSeconds(self.now),
            entropy: entropy.as_ref().filter(|_| self.has_entropy),
        };
        let site = self.sites.iter_mut().find(|site| site.host == host);
        let site = site.unwrap_or_else(|| panic!("no site {host}"));
        let outcome = settled(site, &request, &mut [&mut self.provider, &mut self.staff]);
        self.judge(host, &request, outcome)
    }

    /// What holds for every response.
    fn judge(&mut self, host: &str, request: &Request<'_>, outcome: Outcome) -> Reply {
        let mut record = String::new();
        let log = &outcome.log;
        log.write_json(&mut record).expect("a string");
        self.records.push_str(&record);
        self.records.push('\n');
        assert_eq!(log.detail, outcome.detail);
        assert_eq!(log.status, outcome.status);
        let Outcome { detail, .. } = outcome;
        let mut reply = Reply {
            status: outcome.status,
            detail,
            is_forwarded: false,
            headers: Vec::new(),
            body: String::new(),
        };
        match outcome.action {
            Action::Forward(forward) => {
                reply.is_forwarded = true;
                for cookie in forward.response.set_cookies {
                    reply.headers.push(("set-cookie".to_string(), cookie));
                }
            }
            Action::Serve(response) | Action::Refuse(response) => {
                let Response {
                    status,
                    headers,
                    body,
                } = response;
                assert_eq!(status, reply.status);
                let headers = headers.into_iter();
                reply.headers = headers
                    .map(|(name, value)| (name.into_owned(), value))
                    .collect();
                reply.body = body.into_owned();
                assert_eq!(reply.header("cache-control"), Some("no-store"));
            }
        }
        for (name, value) in &reply.headers {
            assert!(
                value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{name}: {value}"
            );
        }
        if let Some(location) = reply.location() {
            self.judge_location(host, location);
        }
        if request.path().starts_with(b"/.tollgate/") {
            assert!(!reply.is_forwarded, "{:?}", reply.summary());
        }
        if self.is_strict {
            self.judge_secrets(&record, request, &reply);
        }
        reply
    }

    /// A redirect leads to a path of the site, or to an endpoint exactly as configured.
    fn judge_location(&self, host: &str, location: &str) {
        let site = self.sites.iter().find(|site| site.host == host);
        let config = site.and_then(|site| site.gate.config().sign_in.as_ref());
        let config = config.expect("a site with sign-in");
        if location.starts_with('/') {
            let second = location.as_bytes().get(1);
            assert!(!matches!(second, Some(b'/' | b'\\')), "{location}");
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(!location.contains(['\\', '#', '"', '<']), "{location}");
            return;
        }
        let is_it = |url: &String| {
            let rest = location.strip_prefix(url.as_str());
            rest.is_some_and(|rest| rest.starts_with(['?', '&']))
        };
        let is_endpoint = |provider: &SignInProvider| {
            let sign_out = match &provider.endpoints.sign_out {
                SignOut::Local => None,
                SignOut::EndSession(url) | SignOut::Cognito(url) => Some(url),
            };
            is_it(&provider.endpoints.authorization) || sign_out.is_some_and(is_it)
        };
        assert!(config.providers.iter().any(is_endpoint), "{location}");
    }

    /// No record contains a secret, nor does a response contain one in the clear.
    fn judge_secrets(&mut self, record: &str, request: &Request<'_>, reply: &Reply) {
        let mut secrets = [&*self.provider.secrets, &*self.staff.secrets].concat();
        for (name, value) in request.headers {
            if *name == "cookie" {
                let text = String::from_utf8_lossy(value).into_owned();
                let values = text.split("; ").filter_map(|pair| pair.split_once('='));
                let long = values.filter(|(_, value)| value.len() > 12);
                secrets.extend(long.map(|(_, value)| value.to_string()));
            }
        }
        for secret in &secrets {
            assert!(!record.contains(secret.as_str()), "{record}");
        }
        let hint = |location: &str| location.contains("id_token_hint=");
        for secret in self.provider.secrets.iter().chain(&self.staff.secrets) {
            let is_told = reply.headers.iter().any(|(name, value)| {
                value.contains(secret.as_str()) && !(name == "location" && hint(value))
            });
            assert!(!is_told, "{:?}", reply.headers);
            assert!(!reply.body.contains(secret.as_str()), "{}", reply.body);
        }
    }
}

/// Takes steps until the outcome is final.
fn settled(site: &mut Site, request: &Request<'_>, providers: &mut [&mut Provider]) -> Outcome {
    let Site {
        host: _,
        gate,
        cache,
    } = site;
    assert!(gate.needs_entropy(request) || !request.target.starts_with(b"/.tollgate"));
    let mut last = None;
    for _ in 0..MAX_STEPS {
        let pending = match gate.step(request, &mut Context::cached(cache)) {
            Step::Done(outcome) => return outcome,
            Step::Fetch(pending) => pending,
        };
        let mut is_late = false;
        for fetch in &pending.fetches {
            let url = fetch.request.url.as_str();
            let mut providers = providers.iter_mut();
            let provider = providers.find(|provider| url.starts_with(provider.issuer));
            let provider = provider.unwrap_or_else(|| panic!("nobody is at {url}"));
            let sent = provider.answer(&fetch.request, request.now.0);
            let response = match &sent {
                Sent::Late => {
                    is_late = true;
                    continue;
                }
                Sent::Nothing => None,
                Sent::Response(status, body) => Some(FetchResponse {
                    status: *status,
                    body,
                }),
            };
            // A rejected key set changes nothing.
            _ = gate.resume(fetch.ticket, response, request.now);
        }
        is_late |= pending.fetches.is_empty();
        last = Some(pending.outcome);
        if is_late {
            break;
        }
    }
    last.expect("at least one step")
}
