//! The gate: one loaded policy, evaluating one request at a time.
//!
//! It only combines the parts: path and decision from the core, tokens from the token layer, sources, edits
//! and responses from the modules next to it. Between requests only its keys change, and only when the host
//! delivers a fetched key set. Not here: IO and clocks.

mod clients;
mod context;
mod denial;
mod edits;
mod identity;
mod keys;
mod sessions;
mod sign_in;
mod tokens;

use alloc::{string::String, string::ToString, sync::Arc, vec::Vec};
use core::fmt;
use core::net::IpAddr;

use tollgate_core::decide::{self, Trace};
use tollgate_core::{
    Decision, Image, ImageError, ImageId, MethodSet, PathScratch, Query, Reason, TokenState,
};
use tollgate_token::{KeyError, Limits, Provider, Verifier};

use crate::cache::Epoch;
use crate::config::{ConfigError, GateConfig};
use crate::forward::{CacheEdit, Forward, IdentityHeaders, RequestEdits, ResponseEdits};
use crate::kind::Kind;
use crate::log::{LogRecord, TokenStatus, shown_method, shown_path};
use crate::outcome::{Action, Outcome};
use crate::refresh::Refresh;
use crate::request::Request;
use crate::respond;
use crate::signed::{self, Release, SignedError, Trust};
pub use context::Context;
pub use denial::EdgeDenial;
pub use identity::Identity;

/// The detail code for a preflight that the gate responds to.
const PREFLIGHT: &str = "preflight";
/// The detail code for a query that a later parser would truncate.
const BAD_QUERY: &str = "bad_query";

/// A loaded policy with its keys.
pub struct Gate<B> {
    image: Image<B>,
    config: GateConfig,
    verifier: Verifier,
    /// Prepares the keys that are fetched later.
    provider: &'static dyn Provider,
    refresh: Refresh,
    /// Identifies this policy with these keys; replaced whenever keys change.
    epoch: Arc<Epoch>,
    site: Arc<str>,
    /// Issuer names by index, shared with every log record.
    issuers: Vec<Arc<str>>,
    /// The encoded headers of sessions: one per secret of the session issuer.
    session_headers: Vec<String>,
    challenge: String,
    release: Option<Release>,
    sign_in: Option<sign_in::SignIn>,
}

/// The reason why a policy image is rejected.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not an image that this gate can read.
    Image(ImageError),
    /// The image is valid, but its gate configuration is not.
    Config(ConfigError),
    /// Keys of its issuers are rejected.
    Keys(Vec<KeyError>),
    /// The image lacks a valid signature of a trusted key, or is too old.
    Signed(SignedError),
    /// The policy signs users in, but the provider cannot seal cookies.
    SignIn,
}

impl Gate<Vec<u8>> {
    /// Loads a policy image, signed or not. With `trust` it must have the required signature, and counts as
    /// accepted once it is loaded.
    ///
    /// # Errors
    ///
    /// As [`Gate::new`], and [`LoadError::Signed`]. A rejected image changes nothing in `trust`.
    pub fn load(
        bytes: Vec<u8>,
        trust: Option<&mut Trust>,
        provider: &'static dyn Provider,
    ) -> Result<Self, LoadError> {
        if let Some(trust) = &trust {
            trust.check(&bytes).map_err(LoadError::Signed)?;
        }
        let (image, release) = signed::open_envelope(bytes).map_err(LoadError::Signed)?;
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
    /// Loads an unsigned policy image and validates the keys in it. For a signed image see [`Gate::load`].
    ///
    /// # Errors
    ///
    /// Returns an error if anything in the image is invalid: a gate is loaded completely or not at all.
    pub fn new(image_bytes: B, provider: &'static dyn Provider) -> Result<Self, LoadError> {
        let image = Image::from_bytes(image_bytes).map_err(LoadError::Image)?;
        let config = GateConfig::decode(image.gate_config()).map_err(LoadError::Config)?;
        let limits = Limits {
            max_token_bytes: config.max_token_bytes,
            leeway_secs: config.leeway_secs,
        };
        let verifier = Verifier::new(&config.issuers, limits, provider).map_err(LoadError::Keys)?;
        let sign_in = sign_in::SignIn::new(&config, provider)?;
        Ok(Self {
            sign_in,
            site: config.site.as_str().into(),
            issuers: config
                .issuers
                .iter()
                .map(|issuer| issuer.name.as_str().into())
                .collect(),
            session_headers: config.session_headers(),
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

    /// The same gate, which passes the user's identity to the origin whatever the policy says.
    #[must_use]
    pub fn identifying(mut self) -> Self {
        self.config.forward.identity = true;
        self
    }

    /// The content of the image's envelope, if the image had one.
    pub fn release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// The content id of the policy.
    pub fn policy_id(&self) -> ImageId {
        self.image.id()
    }

    /// The policy image, for tools that look up rule names.
    pub fn image(&self) -> &Image<B> {
        &self.image
    }

    /// The configuration in the image.
    pub fn config(&self) -> &GateConfig {
        &self.config
    }

    /// Evaluates one request. Never panics; time is linear in the request and bounded by the policy.
    pub fn ask<T: Trace>(&self, request: &Request<'_>, context: &mut Context<'_, T>) -> Outcome {
        let Context {
            tokens,
            trace,
            clients,
            handle,
        } = context;
        *handle = None;
        let mut scratch = PathScratch::new();
        // The path is checked first because that is cheap: for a hostile path no signature is verified.
        let path = match scratch.parse(request.path(), self.image.path_options()) {
            Ok(_) if request.has_splitting_query() => {
                return self.reject(request, BAD_QUERY);
            }
            Ok(path) => path,
            Err(error) => return self.reject(request, error.code()),
        };
        if self.is_session_endpoint(request, tokens) {
            return self.answer_session(request, &path, tokens);
        }
        if self.sign_in.is_some()
            && let Some(outcome) = self.answer_sign_in(request, &path, tokens)
        {
            return outcome;
        }
        let indexed = self.indexed_target(request);
        let asked = request.target;
        let request = &Request {
            target: indexed.as_deref().unwrap_or(asked),
            ..*request
        };
        let found = self.find_token(request, &path, tokens);
        let (state, seen) = match (&found.known, found.rejected) {
            (Some(known), _) => (TokenState::Verified(&known.facts), known.seen()),
            (None, Some(rejected)) => (TokenState::Bad, self.seen(rejected)),
            (None, None) => (TokenState::Absent, TokenStatus::Absent),
        };
        let query = Query {
            path: &path,
            method: request.method,
            ip: request.ip.and_then(|ip| ip.parse::<IpAddr>().ok()),
            now: request.now,
            token: state,
        };
        let decision = decide::decide_traced(&self.image, &query, trace);
        let detail = found
            .rejected
            .filter(|_| decision.reason == Reason::BadToken)
            .map(|rejected| rejected.error.code());
        let mut outcome = self.conclude_asked(asked, request, decision, detail, seen);
        if outcome.kind == Kind::Deny
            && decision.reason != Reason::Internal
            && let Some(response) = respond::preflight(&self.config.deny, request)
        {
            return outcome.served(response, PREFLIGHT);
        }
        outcome.unknown_key = found.unknown_key && decision.reason == Reason::BadToken;
        if let Action::Forward(forward) = &mut outcome.action {
            if indexed.is_some() {
                // It is already set if a token was removed from it.
                let target = &mut forward.request.target;
                target.get_or_insert_with(|| request.target.to_vec());
            }
            let known = found.known.as_deref();
            if self.config.forward.identity {
                let rule = outcome.rule.as_deref().unwrap_or_default();
                let user = known.map(|known| (&known.facts, &*known.issuer));
                forward.request.added = IdentityHeaders { user, rule }.fields();
            }
            forward.response.cache = self.cache_edit(&decision, known.is_some());
        }
        self.set_session(&mut outcome, request, &path, &found, tokens);
        if let (Action::Forward(_), Some(known), Some(clients)) =
            (&outcome.action, &found.known, clients)
        {
            *handle = self.client_handle(request, clients, known, query.ip);
        }
        if self.sign_in.is_some()
            && let Some(known) = &found.known
        {
            self.refresh_session(&mut outcome, asked, request, known);
        }
        outcome
    }

    /// The change to the caching of the response to an allowed request.
    fn cache_edit(&self, decision: &Decision, has_user: bool) -> CacheEdit {
        let forward = &self.config.forward;
        // An origin that receives the user can respond differently to each user.
        if forward.private && (decision.needs_token || (forward.identity && has_user)) {
            CacheEdit::Private
        } else {
            CacheEdit::Keep
        }
    }

    /// Returns the target with the index document appended to the path, if the site has one and the path ends
    /// in `/`. This target is evaluated and forwarded instead of the original one.
    fn indexed_target(&self, request: &Request<'_>) -> Option<Vec<u8>> {
        let index = self.image.path_options().index?;
        let path = request.path();
        if !path.ends_with(b"/") {
            return None;
        }
        let rest = request.target.get(path.len()..).unwrap_or_default();
        Some([path, index.as_bytes(), rest].concat())
    }

    /// The outcome for a non-canonical target.
    fn reject(&self, request: &Request<'_>, detail: &'static str) -> Outcome {
        let decision = Decision {
            reason: Reason::BadPath,
            rule: None,
            allow_methods: MethodSet::EMPTY,
            needs_token: false,
        };
        self.conclude(request, decision, Some(detail), TokenStatus::Unread)
    }

    fn conclude(
        &self,
        request: &Request<'_>,
        decision: Decision,
        detail: Option<&'static str>,
        token: TokenStatus,
    ) -> Outcome {
        self.conclude_asked(request.target, request, decision, detail, token)
    }

    /// The outcome of a decision about a request whose client asked for `asked`, to which it returns after a
    /// sign-in.
    fn conclude_asked(
        &self,
        asked: &[u8],
        request: &Request<'_>,
        decision: Decision,
        detail: Option<&'static str>,
        token: TokenStatus,
    ) -> Outcome {
        let reason = decision.reason;
        let kind = Kind::of(reason);
        let action = if reason == Reason::Allow {
            Action::Forward(Forward {
                request: RequestEdits::new(&self.config, request),
                response: ResponseEdits::default(),
            })
        } else {
            let (deny, allow) = (&self.config.deny, decision.allow_methods);
            let request = &Request {
                target: asked,
                ..*request
            };
            Action::Refuse(respond::respond(
                deny,
                &self.challenge,
                request,
                reason,
                allow,
            ))
        };
        let status = match &action {
            Action::Forward(_) => 200,
            Action::Serve(response) | Action::Refuse(response) => response.status,
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
            wanted: None,
            action,
            log,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => write!(f, "the policy image is rejected: {error}"),
            Self::Config(error) => write!(f, "the policy image is rejected: {error}"),
            Self::Keys(errors) => {
                f.write_str("keys of the policy image are rejected")?;
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{} {error}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            Self::SignIn => f.write_str(
                "the policy image is rejected: this host cannot encrypt the cookies of `[sign_in]`",
            ),
            Self::Signed(error) => {
                write!(
                    f,
                    "the policy image is rejected: {error} ({})",
                    error.code()
                )
            }
        }
    }
}

impl core::error::Error for LoadError {}
