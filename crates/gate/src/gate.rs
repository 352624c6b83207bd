//! The gate: one loaded policy, asked about one request at a time.
//!
//! It joins the parts, and that is all: path and decision from the core, tokens from the token layer,
//! sources, changes and responses from beside. Not here: IO, clocks, and any state between requests.

use alloc::{borrow::Cow, string::String, string::ToString, sync::Arc, vec::Vec};
use core::fmt;
use core::net::IpAddr;

use tollgate_core::decide::{self, Trace};
use tollgate_core::{
    Decision, Facts, Image, ImageError, ImageId, MethodSet, PathOptions, PathScratch, Query,
    Reason, TokenState,
};
use tollgate_token::{
    Claims, DEFAULT_GROUPS_CLAIM, IssuerConfig, IssuerKind, KeyError, Limits, Provider, TokenError,
    Verifier,
};

use crate::config::{ConfigError, GateConfig};
use crate::forward::Forward;
use crate::log::{LogRecord, TokenSeen, shown_method, shown_path};
use crate::outcome::{Action, Kind, Outcome};
use crate::request::Request;
use crate::respond;
use crate::source::{self, Found};

/// The detail code for a query that a later reader would cut.
const BAD_QUERY: &str = "bad_query";

/// A loaded policy with its keys, ready to decide.
pub struct Gate<B> {
    image: Image<B>,
    config: GateConfig,
    verifier: Verifier,
    site: Arc<str>,
    /// Issuer names, by index; shared with every log record.
    issuers: Vec<Arc<str>>,
    challenge: String,
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
}

impl<B: AsRef<[u8]>> Gate<B> {
    /// Loads a policy image and judges the keys in it.
    ///
    /// # Errors
    ///
    /// When anything about the image is wrong: a gate is whole, or there is none.
    pub fn new(image_bytes: B, provider: &dyn Provider) -> Result<Self, LoadError> {
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
            image,
            config,
            verifier,
        })
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
        self.handle_traced(request, None, &mut ())
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
        let mut scratch = PathScratch::new();
        let options = PathOptions {
            ascii_only: self.image.ascii_only(),
        };
        // The path is first because it is cheap: nobody gets a signature checked for a hostile one.
        let path = match scratch.parse(request.path(), options) {
            Ok(_) if request.has_splitting_query() => {
                return self.reject(request, BAD_QUERY);
            }
            Ok(path) => path,
            Err(error) => return self.reject(request, error.code()),
        };
        let token = match assumed {
            Some(claims) => self.assumed_facts(claims).map(Some),
            None => self.token_facts(request),
        };
        let (state, seen) = match &token {
            Ok(None) => (TokenState::Absent, TokenSeen::Absent),
            Ok(Some((facts, issuer))) => (
                TokenState::Verified(facts),
                TokenSeen::Verified(issuer.clone()),
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
        self.conclude(request, decision, detail, seen)
    }

    /// What the request's token says, and whose it is; `None` if there is no token.
    fn token_facts(&self, request: &Request<'_>) -> Result<Option<(Facts, Arc<str>)>, TokenError> {
        let token = match source::find(&self.config.sources, request) {
            Found::Absent => return Ok(None),
            Found::Unusable(error) => return Err(error),
            Found::Token(token) => token,
        };
        let verified = self.verifier.verify(token, request.now)?;
        let index = verified.issuer_index();
        let (Some(issuer), Some(name)) = (self.config.issuers.get(index), self.issuers.get(index))
        else {
            return Err(TokenError::WrongIssuer);
        };
        let facts = verified.claims().facts(&self.image, issuer)?;
        Ok(Some((facts, name.clone())))
    }

    /// What assumed claims say: of the issuer they name, else of the first.
    fn assumed_facts(&self, claims: &Claims) -> Result<(Facts, Arc<str>), TokenError> {
        let issuers = &self.config.issuers;
        let iss = claims.string("iss")?;
        let is_named = |issuer: &&IssuerConfig| {
            iss.is_some_and(|iss| issuer.issuers.iter().any(|known| known == iss))
        };
        let issuer = issuers.iter().find(is_named).or(issuers.first());
        let issuer = issuer.map_or_else(|| Cow::Owned(unlisted_issuer()), Cow::Borrowed);
        let facts = claims.facts(&self.image, &issuer)?;
        Ok((facts, issuer.name.as_str().into()))
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
        let (kind, action) = match reason {
            Reason::Allow => (
                Kind::Allow,
                Action::Forward(Forward::new(&self.config, request)),
            ),
            _ => {
                let kind = if reason == Reason::BadPath {
                    Kind::Reject
                } else {
                    Kind::Deny
                };
                let (deny, allow) = (&self.config.deny, decision.allow_methods);
                let response =
                    respond::respond(deny, &self.challenge, request.method, reason, allow);
                (kind, Action::Respond(response))
            }
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
            action,
            log,
        }
    }
}

/// Whose claims are assumed where a site lists no issuer.
fn unlisted_issuer() -> IssuerConfig {
    IssuerConfig {
        name: String::from("unlisted"),
        issuers: Vec::new(),
        clients: Vec::new(),
        kind: IssuerKind::Oidc,
        algorithms: Vec::new(),
        groups_claim: DEFAULT_GROUPS_CLAIM.into(),
        jwks: None,
        secrets: Vec::new(),
        refresh: None,
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
        }
    }
}

impl core::error::Error for LoadError {}
