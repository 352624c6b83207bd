//! The full edge upstream of a restricted one: the native gate, which verifies sign-in tokens and mints
//! sessions.
//!
//! A policy without sessions gets an issuer for them, exactly as `[session]` would define it. Not here:
//! tokens that the gate rejects, which have no session in production either.

use anyhow::{Result, anyhow};
use tollgate_compiler::SessionReads;
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::config::{GateConfig, MAX_SOURCES, TokenSource};
use tollgate_gate::session::{MAX_LIFETIME_SECS, SameSite, SessionConfig, SessionForm};
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;
use tollgate_token::{Algorithm, ClaimRules, IssuerConfig, IssuerKind, Secret};

const ENDPOINT: &str = "/.tollgate/session";
const COOKIE: &str = "tollgate_session";
/// The name of the session issuer and of its key, which no fixture uses.
const NAME: &str = "sessions-of-the-native-gate";
const SECRET: &[u8; 32] = b"a secret that both edges have...";

/// The native gate with sessions.
pub(super) struct BigEdge {
    gate: Gate<Vec<u8>>,
    /// The maximum token length that the restricted edge reads.
    max_token_bytes: usize,
    cookie: String,
}

impl BigEdge {
    /// Adds sessions to the configuration of a restricted edge, unless it has them, and creates the gate that
    /// mints them. Returns `None` if the restricted edge has no room for another token source.
    ///
    /// # Errors
    ///
    /// Returns an error if the gate rejects the policy with sessions, which would be a defect here.
    pub(super) fn new(policy: &ImageSpec, small: &mut GateConfig) -> Result<Option<Self>> {
        let mut config = GateConfig::decode(&policy.gate)?;
        let max_token_bytes = usize::try_from(config.max_token_bytes)?;
        let own = config.session.take();
        let mut session = match own.filter(|session| session.form == SessionForm::Jwt) {
            Some(session) => session,
            None if small.sources.len() == MAX_SOURCES => return Ok(None),
            None => {
                let session = session(policy, &config)?;
                for config in [&mut config, &mut *small] {
                    config.issuers.push(issuer(&config.site));
                }
                small.sources.push(TokenSource::Cookie(COOKIE.to_owned()));
                small.session = Some(session.clone());
                session
            }
        };
        session.endpoint = Some(ENDPOINT.to_owned());
        // A front end sends the sign-in token in this header, wherever other requests have it.
        config.sources = vec![
            TokenSource::Header("authorization".to_owned()),
            TokenSource::Cookie(session.cookie.clone()),
        ];
        let cookie = session.cookie.clone();
        config.session = Some(session);
        let mut policy = policy.clone();
        policy.gate = config.encode()?;
        let gate = Gate::new(encode(&policy)?.image, &Native)
            .map_err(|error| anyhow!("the native gate rejects sessions: {error}"))?;
        Ok(Some(Self {
            gate,
            max_token_bytes,
            cookie,
        }))
    }

    /// Returns the session for a sign-in token that browsers would send with this raw path; `None` if the
    /// gate issues none, or one that is longer than the limit of the restricted edge.
    pub(super) fn session(&self, token: &str, path: &[u8], now: UnixSeconds) -> Option<String> {
        let bearer = format!("Bearer {token}");
        let target = [ENDPOINT.as_bytes(), b"?path=", path].concat();
        let outcome = self.gate.ask(
            &Request {
                method: "POST",
                target: &target,
                headers: &[("authorization", bearer.as_bytes())],
                ip: None,
                now,
                entropy: None,
            },
            &mut Context::new(),
        );
        let Action::Serve(response) = outcome.action else {
            return None;
        };
        let (_, cookie) = response
            .headers
            .iter()
            .find(|(name, _)| name == "set-cookie")?;
        let session = cookie.strip_prefix(&self.cookie)?.strip_prefix('=')?;
        let session = session.split(';').next()?;
        (session.len() <= self.max_token_bytes).then(|| session.to_owned())
    }
}

/// One session for the whole site.
fn session(policy: &ImageSpec, config: &GateConfig) -> Result<SessionConfig> {
    let mut reads = SessionReads::of(policy, &config.issuers, &config.claim_places);
    // The session issuer has no login mark: users do not sign in there.
    reads.issuers.push(String::new());
    Ok(SessionConfig {
        issuer: u32::try_from(config.issuers.len())?,
        kid: NAME.to_owned(),
        lifetime_secs: MAX_LIFETIME_SECS,
        form: SessionForm::Jwt,
        cookie: COOKIE.to_owned(),
        same_site: SameSite::Lax,
        on_sign_in: false,
        endpoint: None,
        issuers: reads.issuers,
        claims: reads.claims,
        paths: vec![reads.path],
    })
}

fn issuer(site: &str) -> IssuerConfig {
    IssuerConfig {
        name: NAME.to_owned(),
        issuers: vec![format!("https://{NAME}.test")],
        clients: vec![site.to_owned()],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::HS256],
        claims: ClaimRules::default(),
        jwks: None,
        secrets: vec![Secret {
            kid: NAME.to_owned(),
            key: SECRET.to_vec(),
        }],
        refresh: None,
    }
}
