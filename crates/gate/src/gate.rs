//! The gate: one loaded policy, asked about one request at a time.
//!
//! It joins the parts, and that is all: path and decision from the core, tokens from the token layer,
//! sources, changes and responses from beside. Between requests only its keys change, and only when the
//! host brings fresh ones. Not here: IO and clocks.

mod keys;
mod sessions;
mod tokens;
mod viewers;

use alloc::{string::String, string::ToString, sync::Arc, vec::Vec};
use core::fmt;
use core::net::IpAddr;

use tollgate_core::decide::{self, Trace};
use tollgate_core::{
    Decision, Image, ImageError, ImageId, MethodSet, PathScratch, Query, Reason, TokenState,
};
use tollgate_token::{Claims, KeyError, Limits, Provider, TokenError, Verifier};

use crate::cache::{Epoch, Known, TokenCache};
use crate::config::{ConfigError, GateConfig};
use crate::forward::Forward;
use crate::log::{LogRecord, TokenSeen, shown_method, shown_path};
use crate::outcome::{Action, Kind, Outcome};
use crate::refresh::Refresh;
use crate::request::Request;
use crate::respond;
use crate::signed::{self, Release, SignedError, Trust};
use tokens::Tokens;

/// The detail code for a query that a later reader would cut.
const BAD_QUERY: &str = "bad_query";

/// A loaded policy with its keys, ready to decide.
pub struct Gate<B> {
    image: Image<B>,
    config: GateConfig,
    verifier: Verifier,
    /// Kept to prepare the keys that are fetched later.
    provider: &'static dyn Provider,
    refresh: Refresh,
    /// Stands for this policy with these keys; another one whenever keys change.
    epoch: Arc<Epoch>,
    site: Arc<str>,
    /// Issuer names, by index; shared with every log record.
    issuers: Vec<Arc<str>>,
    challenge: String,
    release: Option<Release>,
}

/// Why a policy image cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not an image this gate reads.
    Image(ImageError),
    /// The image is sound, its gate configuration is not.
    Config(ConfigError),
    /// Keys of its issuers are refused.
    Keys(Vec<KeyError>),
    /// It is not signed as it must be.
    Signed(SignedError),
}

impl Gate<Vec<u8>> {
    /// Loads what an edge was given: with `trust` only an image that is signed as it asks, which counts
    /// as accepted from then on; without it any image, signed or not.
    ///
    /// # Errors
    ///
    /// As [`Gate::new`], and [`LoadError::Signed`]. What is refused changes nothing in `trust`.
    pub fn load(
        bytes: Vec<u8>,
        trust: Option<&mut Trust>,
        provider: &'static dyn Provider,
    ) -> Result<Self, LoadError> {
        if let Some(trust) = &trust {
            trust.check(&bytes).map_err(LoadError::Signed)?;
        }
        let (image, release) = signed::take_image(bytes).map_err(LoadError::Signed)?;
        let mut gate = Self::new(image, provider)?;
        if let Some(mut release) = release {
            if *release.site != *gate.config.site {
                return Err(LoadError::Signed(SignedError::OtherSite));
            }
            if let Some(trust) = trust {
                trust
                    .accept(&release, gate.policy_id())
                    .map_err(LoadError::Signed)?;
                release.verified = true;
            }
            gate.release = Some(release);
        }
        Ok(gate)
    }
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Loads a policy image and judges the keys in it. For a signed one see [`Gate::load`].
    ///
    /// # Errors
    ///
    /// When anything about the image is wrong: a gate is whole, or there is none.
    pub fn new(image_bytes: B, provider: &'static dyn Provider) -> Result<Self, LoadError> {
        let image = Image::from_bytes(image_bytes).map_err(LoadError::Image)?;
        let config = GateConfig::decode(image.gate_config()).map_err(LoadError::Config)?;
        let limits = Limits {
            max_token_bytes: config.max_token_bytes,
            leeway_secs: config.leeway_secs,
        };
        let verifier = Verifier::new(&config.issuers, limits, provider).map_err(LoadError::Keys)?;
        Ok(Self {
            site: config.site.as_str().into(),
            issuers: config
                .issuers
                .iter()
                .map(|issuer| issuer.name.as_str().into())
                .collect(),
            challenge: respond::challenge(&config.site),
            refresh: Refresh::new(&config.issuers),
            epoch: Arc::new(Epoch),
            image,
            config,
            verifier,
            provider,
            release: None,
        })
    }

    /// What the image's envelope said, if it came in one.
    pub fn release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// The content id of the policy.
    pub fn policy_id(&self) -> ImageId {
        self.image.id()
    }

    /// The policy image, for tools that name rules.
    pub fn image(&self) -> &Image<B> {
        &self.image
    }

    /// The configuration the image carries.
    pub fn config(&self) -> &GateConfig {
        &self.config
    }

    /// Decides one request. Never panics; time is linear in the request and bounded by the policy.
    pub fn handle(&self, request: &Request<'_>) -> Outcome {
        self.answer(request, Tokens::Verify, &mut ())
    }

    /// Decides as [`Gate::handle`] does, and remembers good tokens: one that was seen before costs no
    /// signature.
    pub fn handle_cached(&self, request: &Request<'_>, cache: &mut TokenCache) -> Outcome {
        self.answer(request, Tokens::Remember(cache), &mut ())
    }

    /// Decides one request as if a token with these claims had been verified, whatever it carries.
    ///
    /// For authors' tools; no edge calls it.
    ///
    /// # Errors
    ///
    /// When the claims are no JSON object the token layer would take.
    pub fn handle_assuming(
        &self,
        request: &Request<'_>,
        claims_json: &[u8],
    ) -> Result<Outcome, TokenError> {
        let claims = Claims::from_json(claims_json)?;
        Ok(self.handle_traced(request, Some(&claims), &mut ()))
    }

    /// Like [`Gate::handle`], or like [`Gate::handle_assuming`] with `assumed` claims, and shows
    /// `trace` every rule that was weighed.
    pub fn handle_traced(
        &self,
        request: &Request<'_>,
        assumed: Option<&Claims>,
        trace: &mut impl Trace,
    ) -> Outcome {
        let tokens = assumed.map_or(Tokens::Verify, Tokens::Assume);
        self.answer(request, tokens, trace)
    }

    fn answer(&self, request: &Request<'_>, tokens: Tokens<'_>, trace: &mut impl Trace) -> Outcome {
        self.answer_then(request, tokens, trace, |_, _| ())
    }

    /// Answers; `let_in` hears of whoever's token is good when the answer is *allow*, and from where they ask.
    fn answer_then(
        &self,
        request: &Request<'_>,
        tokens: Tokens<'_>,
        trace: &mut impl Trace,
        let_in: impl FnOnce(&Arc<Known>, Option<IpAddr>),
    ) -> Outcome {
        let mut scratch = PathScratch::new();
        // The path is first because it is cheap: no signature is checked for a hostile one.
        let path = match scratch.parse(request.path(), self.image.path_options()) {
            Ok(_) if request.has_splitting_query() => {
                return self.reject(request, BAD_QUERY);
            }
            Ok(path) => path,
            Err(error) => return self.reject(request, error.code()),
        };
        if self.is_session_endpoint(request, &tokens) {
            return self.answer_session(request, tokens);
        }
        let indexed = self.indexed_target(request);
        let request = &Request {
            target: indexed.as_deref().unwrap_or(request.target),
            ..*request
        };
        let token = self.known_token(request, tokens);
        let (state, seen) = match &token {
            Ok(None) => (TokenState::Absent, TokenSeen::Absent),
            Ok(Some(known)) => (
                TokenState::Verified(&known.facts),
                TokenSeen::Verified(known.issuer.clone()),
            ),
            Err(error) => (TokenState::Bad, TokenSeen::Bad(error.code())),
        };
        let query = Query {
            path: &path,
            method: request.method,
            ip: request.ip.and_then(|ip| ip.parse::<IpAddr>().ok()),
            now: request.now,
            token: state,
        };
        let decision = decide::decide_traced(&self.image, &query, trace);
        let detail = match (decision.reason, &token) {
            (Reason::BadToken, Err(error)) => Some(error.code()),
            _ => None,
        };
        let mut outcome = self.conclude(request, decision, detail, seen);
        outcome.unknown_key =
            detail == Some(TokenError::UnknownKey.code()) && self.fresh_keys_might_help(request);
        if let (Action::Forward(forward), Some(_)) = (&mut outcome.action, &indexed) {
            // It is set already if a token was removed from it.
            forward
                .target
                .get_or_insert_with(|| request.target.to_vec());
        }
        if let (Action::Forward(forward), Ok(Some(known))) = (&mut outcome.action, &token) {
            match self.session_along(request, known) {
                Ok(cookie) => forward.set_cookies.extend(cookie),
                Err(detail) => {
                    outcome.detail = Some(detail);
                    outcome.log.detail = Some(detail);
                }
            }
            let_in(known, query.ip);
        }
        outcome
    }

    /// The target with the index document in it, if the site has one and the path ends in `/`: it is decided
    /// and forwarded in place of the one received.
    fn indexed_target(&self, request: &Request<'_>) -> Option<Vec<u8>> {
        let index = self.image.path_options().index?;
        let path = request.path();
        if !path.ends_with(b"/") {
            return None;
        }
        let rest = request.target.get(path.len()..).unwrap_or_default();
        Some([path, index.as_bytes(), rest].concat())
    }

    /// The outcome for a target that is not canonical.
    fn reject(&self, request: &Request<'_>, detail: &'static str) -> Outcome {
        let decision = Decision {
            reason: Reason::BadPath,
            rule: None,
            allow_methods: MethodSet::EMPTY,
        };
        self.conclude(request, decision, Some(detail), TokenSeen::Unread)
    }

    fn conclude(
        &self,
        request: &Request<'_>,
        decision: Decision,
        detail: Option<&'static str>,
        token: TokenSeen,
    ) -> Outcome {
        let reason = decision.reason;
        let kind = Kind::of(reason);
        let action = if reason == Reason::Allow {
            Action::Forward(Forward::new(&self.config, request))
        } else {
            let (deny, allow) = (&self.config.deny, decision.allow_methods);
            let method = request.method;
            Action::Respond(respond::respond(
                deny,
                &self.challenge,
                method,
                reason,
                allow,
            ))
        };
        let status = match &action {
            Action::Forward(_) => 200,
            Action::Respond(response) => response.status,
        };
        let rule = decision.rule.and_then(|id| self.image.rule_name(id));
        let rule = rule.map(|name| name.to_string());
        let log = LogRecord {
            time: request.now,
            policy: Some(self.image.id()),
            site: self.site.clone(),
            outcome: kind,
            status,
            reason,
            detail,
            rule: rule.clone(),
            method: shown_method(request.method),
            path: shown_path(request.path()),
            token,
        };
        Outcome {
            kind,
            status,
            reason,
            detail,
            rule,
            unknown_key: false,
            action,
            log,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => write!(f, "the policy image is refused: {error}"),
            Self::Config(error) => write!(f, "the policy image is refused: {error}"),
            Self::Keys(errors) => {
                f.write_str("keys of the policy image are refused")?;
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{} {error}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            Self::Signed(error) => {
                write!(f, "the policy image is refused: {error} ({})", error.code())
            }
        }
    }
}

impl core::error::Error for LoadError {}
