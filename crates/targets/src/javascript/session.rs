//! The big edge before a small one: the native gate, which verifies sign-in tokens and mints sessions.
//!
//! A policy without sessions of its own gets an issuer for them, exactly as `[session]` would make it. Not
//! here: tokens that the gate refuses, for which production has no session either.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use tollgate_compiler::SessionReads;
use tollgate_compiler::encode::encode;
use tollgate_compiler::spec::ImageSpec;
use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, UnixSeconds};
use tollgate_crypto::Native;
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_gate::session::{MAX_LIFETIME_SECS, SameSite, SessionConfig, SessionForm};
use tollgate_gate::{Action, Gate, Request};
use tollgate_token::{Algorithm, IssuerConfig, IssuerKind, Secret};

const ENDPOINT: &str = "/.tollgate/session";
const COOKIE: &str = "tollgate_session";
/// The name of the session issuer and of its key; no fixture has it.
const NAME: &str = "sessions-of-the-native-gate";
/// The claim with a session's groups; a policy that declares it has no sessions here.
const GROUPS: &str = "tollgate:groups";
const SECRET: &[u8; 32] = b"a secret that both edges have...";

/// The native gate with sessions.
pub(super) struct BigEdge {
    gate: Gate<Vec<u8>>,
    /// Longest token that the small edge looks at.
    max_token_bytes: usize,
    /// The rules that ask for the issuer.
    issuer_rules: BTreeSet<String>,
}

/// Whether a rule that asks for the issuer was weighed.
struct AsksForIssuer<'a> {
    edge: &'a BigEdge,
    found: bool,
}

impl Trace for AsksForIssuer<'_> {
    fn rule(&mut self, rule: RuleId, _: Effect, _: Parts) {
        let name = self.edge.gate.image().rule_name(rule);
        self.found |= name.is_some_and(|name| self.edge.issuer_rules.contains(&name.to_string()));
    }
}

impl BigEdge {
    /// The gate of a policy, and the issuer that small edges have to know; nothing if it declares a claim
    /// of which a session has a value of its own.
    ///
    /// # Errors
    ///
    /// If the gate refuses the policy with sessions, which would be a defect here.
    pub(super) fn new(policy: &ImageSpec) -> Result<Option<(IssuerConfig, Self)>> {
        let Some(reads) = SessionReads::of(policy) else {
            return Ok(None);
        };
        if policy.claims.iter().any(|claim| claim.name == GROUPS) {
            return Ok(None);
        }
        let mut config = GateConfig::decode(&policy.gate)?;
        let max_token_bytes = usize::try_from(config.max_token_bytes)?;
        let issuer = issuer(&config.site);
        config.session = Some(SessionConfig {
            issuer: u32::try_from(config.issuers.len())?,
            kid: NAME.to_owned(),
            lifetime_secs: MAX_LIFETIME_SECS,
            form: SessionForm::Jwt,
            cookie: COOKIE.to_owned(),
            same_site: SameSite::Lax,
            on_sign_in: false,
            endpoint: Some(ENDPOINT.to_owned()),
            subject: reads.subject,
            paths: vec![reads.path],
        });
        config.issuers.push(issuer.clone());
        // A front end brings the sign-in token here, wherever it stands in other requests.
        config.sources = vec![
            TokenSource::Header("authorization".to_owned()),
            TokenSource::Cookie(COOKIE.to_owned()),
        ];
        let mut policy = policy.clone();
        policy.gate = config.encode()?;
        let gate = Gate::new(encode(&policy)?.image, &Native)
            .map_err(|error| anyhow!("the native gate refuses sessions: {error}"))?;
        let edge = Self {
            gate,
            max_token_bytes,
            issuer_rules: reads.issuer_rules,
        };
        Ok(Some((issuer, edge)))
    }

    /// Whether a session may stand for the token of this request: it has an issuer of its own.
    pub(super) fn suits(&self, request: &Request<'_>) -> bool {
        let mut asks = AsksForIssuer {
            edge: self,
            found: false,
        };
        self.gate.handle_traced(request, None, &mut asks);
        !asks.found
    }

    /// The session for a sign-in token at this time; nothing if the gate gives none, or one that is longer
    /// than what the small edge reads.
    pub(super) fn session(&self, token: &str, now: UnixSeconds) -> Option<String> {
        let bearer = format!("Bearer {token}");
        let outcome = self.gate.handle(&Request {
            method: "POST",
            target: ENDPOINT.as_bytes(),
            headers: &[("authorization", bearer.as_bytes())],
            ip: None,
            now,
        });
        let Action::Respond(response) = outcome.action else {
            return None;
        };
        let (_, cookie) = response
            .headers
            .iter()
            .find(|(name, _)| name == "set-cookie")?;
        let session = cookie.strip_prefix(COOKIE)?.strip_prefix('=')?;
        let session = session.split(';').next()?;
        (session.len() <= self.max_token_bytes).then(|| session.to_owned())
    }
}

fn issuer(site: &str) -> IssuerConfig {
    IssuerConfig {
        name: NAME.to_owned(),
        issuers: vec![format!("https://{NAME}.test")],
        clients: vec![site.to_owned()],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::HS256],
        groups_claim: GROUPS.to_owned(),
        jwks: None,
        secrets: vec![Secret {
            kid: NAME.to_owned(),
            key: SECRET.to_vec(),
        }],
        refresh: None,
    }
}
