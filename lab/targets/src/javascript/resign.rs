//! Requests for edges that cannot verify every algorithm, with tokens that they can verify.
//!
//! In production a full edge verifies a sign-in token and mints a session from it. This module does the
//! same: a token that the native gate accepts is replaced by the session that this gate mints from it. **A
//! token that the gate rejects has no session, in production either.** To test that the restricted edge
//! rejects such a token with the same reason, the token is signed again: it keeps its bytes, and with them
//! every fault, except for the name of its algorithm, and its new signature is valid if and only if the
//! original one was. The same happens to a valid token that a session cannot replace, because the session
//! would be too long or because no browser would send it in that location.
//!
//! [`Exchanged`] counts all three. Not here: the algorithms that each edge supports.

use core::cell::Cell;
use core::fmt;
use core::ops::AddAssign;

use anyhow::{Context, Result, anyhow};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_mint::{Algorithm as MintAlgorithm, Minter, PrivateKey, base64url};
use tollgate_policy::spec::ImageSpec;
use tollgate_token::{
    Algorithm, IssuerConfig, Jwks, KeyKind, KeyMaterial, Limits, PreparedKey, Provider, TokenError,
    Verifier, base64url::decode,
};

use super::session::BigEdge;

/// An algorithm that no restricted edge supports.
const NOWHERE: &str = "EdDSA";

/// A policy whose every issuer also signs with HS256, and the corresponding signing keys.
pub struct Resigner {
    config: GateConfig,
    verifier: Verifier,
    keys: Vec<Key>,
    verifies: fn(Algorithm) -> bool,
    big: Option<BigEdge>,
    deployed: ImageSpec,
    exchanged: Cell<Exchanged>,
}

/// The treatment of the tokens in requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Tokens that the native gate accepted, replaced by its sessions.
    pub sessions: u64,
    /// Tokens that it accepted, re-signed because no session can replace them.
    pub without_session: u64,
    /// Tokens that it rejected, re-signed with all their faults.
    pub refused: u64,
    /// Tokens that the edge received unchanged.
    pub as_is: u64,
}

impl AddAssign for Exchanged {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.without_session += other.without_session;
        self.refused += other.refused;
        self.as_is += other.as_is;
    }
}

impl fmt::Display for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tokens: {} replaced by sessions; re-signed: {} that the native gate rejects, {} that no session can \
             replace; {} unchanged",
            self.sessions, self.refused, self.without_session, self.as_is
        )
    }
}

impl Exchanged {
    /// Whether tokens other than sessions were sent since `before`.
    pub fn has_others_since(&self, before: &Self) -> bool {
        let others = |seen: &Self| seen.without_session + seen.refused + seen.as_is;
        others(self) != others(before)
    }
}

/// The inputs of a token's exchange, other than the token.
#[derive(Clone, Copy)]
struct Asked<'a> {
    now: UnixSeconds,
    /// The raw path of the request, which determines the session.
    path: &'a [u8],
}

/// A key that an edge cannot use, and the secret that replaces it.
struct Key {
    /// The key ID of the secret.
    kid: String,
    /// Whether it is its issuer's only key for the algorithm, so that tokens need not name it.
    is_only: bool,
    algorithm: Algorithm,
    prepared: Box<dyn PreparedKey>,
    minter: Minter,
}

/// A request that owns its parts.
pub struct Owned {
    /// The raw target.
    pub target: Vec<u8>,
    /// The header field lines.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Resigner {
    /// Adds to a policy what an edge needs that `verifies` only these algorithms.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy's keys are rejected, which the compiler has ruled out.
    pub fn new(
        policy: &ImageSpec,
        provider: &dyn Provider,
        verifies: fn(Algorithm) -> bool,
    ) -> Result<(ImageSpec, Self)> {
        let config = GateConfig::decode(&policy.gate)?;
        let limits = Limits {
            max_token_bytes: config.max_token_bytes,
            leeway_secs: config.leeway_secs,
        };
        let verifier = Verifier::new(&config.issuers, limits, provider)
            .map_err(|errors| anyhow!("keys are rejected: {errors:?}"))?;
        let mut keys = Vec::new();
        let mut small = config.clone();
        for issuer in &mut small.issuers {
            keys.extend(add_secrets(issuer, provider, verifies)?);
        }
        // An edge that can use every key of the policy receives every token unchanged.
        let mut big = None;
        let mut deployed = config.clone();
        if !keys.is_empty() {
            BigEdge::new(policy, &mut deployed)?;
            big = BigEdge::new(policy, &mut small)?;
        }
        let of = |config: &GateConfig| -> Result<ImageSpec> {
            let gate = config.encode()?;
            Ok(ImageSpec {
                gate,
                ..policy.clone()
            })
        };
        let deployed = of(&deployed)?;
        let policy = of(&small)?;
        Ok((
            policy,
            Self {
                config,
                verifier,
                keys,
                verifies,
                big,
                deployed,
                exchanged: Cell::default(),
            },
        ))
    }

    /// The policy as deployed: with sessions, and without substitutes for keys that the edge cannot use.
    pub fn deployed(&self) -> &ImageSpec {
        &self.deployed
    }

    /// The treatment of the tokens so far.
    pub fn exchanged(&self) -> Exchanged {
        self.exchanged.get()
    }

    /// Returns the request, with every token that the edge cannot verify exchanged for one that it can.
    pub fn request(&self, request: &Request<'_>) -> Owned {
        let (path, query) = match request.target.iter().position(|byte| *byte == b'?') {
            Some(at) => request.target.split_at(at + 1),
            None => (request.target, &[][..]),
        };
        let asked = Asked {
            now: request.now,
            path: path.strip_suffix(b"?").unwrap_or(path),
        };
        let is_query = |name: &[u8]| {
            self.has(|source| matches!(source, TokenSource::Query(own) if own.as_bytes() == name))
        };
        let mut target = path.to_vec();
        target.extend(self.pairs(query, b'&', &is_query, asked));
        let headers = request.headers.iter().map(|(name, value)| {
            let value = if name.eq_ignore_ascii_case("cookie") {
                let is_cookie = |name: &[u8]| {
                    self.has(|source| matches!(source, TokenSource::Cookie(own) if own.as_bytes() == name.trim_ascii()))
                };
                self.pairs(value, b';', &is_cookie, asked)
            } else if self.has(|source| matches!(source, TokenSource::Header(own) if own.eq_ignore_ascii_case(name))) {
                let start = if name.eq_ignore_ascii_case("authorization") {
                    value.iter().position(|byte| *byte == b' ').map_or(0, |at| at + 1)
                } else {
                    0
                };
                let (scheme, token) = value.split_at(start);
                [scheme, &self.token(token, asked)].concat()
            } else {
                value.to_vec()
            };
            ((*name).to_owned(), value)
        });
        Owned {
            target,
            headers: headers.collect(),
        }
    }

    fn has(&self, test: impl Fn(&TokenSource) -> bool) -> bool {
        self.config.sources.iter().any(test)
    }

    fn pairs(
        &self,
        text: &[u8],
        separator: u8,
        is_token: &dyn Fn(&[u8]) -> bool,
        asked: Asked<'_>,
    ) -> Vec<u8> {
        let pairs: Vec<Vec<u8>> = text
            .split(|byte| *byte == separator)
            .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
                Some(at) if pair.get(..at).is_some_and(is_token) => {
                    let (name, value) = pair.split_at(at + 1);
                    [name, &self.token(value, asked)].concat()
                }
                _ => pair.to_vec(),
            })
            .collect();
        pairs.join(&separator)
    }

    fn token(&self, token: &[u8], Asked { now, path }: Asked<'_>) -> Vec<u8> {
        let Some(resigned) = self.resigned(token) else {
            self.count(|seen| &mut seen.as_is);
            return token.to_vec();
        };
        if self.verifier.verify(token, now).is_err() {
            self.count(|seen| &mut seen.refused);
            return resigned.into_bytes();
        }
        let session = str::from_utf8(token)
            .ok()
            .zip(self.big.as_ref())
            .and_then(|(token, big)| big.session(token, path, now));
        match session {
            Some(session) => {
                self.count(|seen| &mut seen.sessions);
                session.into_bytes()
            }
            None => {
                self.count(|seen| &mut seen.without_session);
                resigned.into_bytes()
            }
        }
    }

    fn count(&self, field: impl Fn(&mut Exchanged) -> &mut u64) {
        let mut seen = self.exchanged.get();
        *field(&mut seen) += 1;
        self.exchanged.set(seen);
    }

    /// Returns the token signed for the edge, unless it stays unchanged.
    fn resigned(&self, token: &[u8]) -> Option<String> {
        let refused = self.verifier.verify(token, UnixSeconds(0)).err();
        let refused = refused.map(|rejected| rejected.error);
        // A token over the length limit must stay over it.
        if refused == Some(TokenError::TooLarge) {
            return None;
        }
        let mut parts = str::from_utf8(token).ok()?.split('.');
        let (header, payload, signature, None) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let json = String::from_utf8(decode(header.as_bytes())?).ok()?;
        let (before, name, after) = split_at_algorithm(&json)?;
        let algorithm = Algorithm::from_name(&name)?;
        // A token whose key may not be used with its algorithm must be rejected for that reason there as
        // well, although its keys have other algorithms.
        if refused == Some(TokenError::AlgNotAllowed) {
            let header = format!("{before}\"{NOWHERE}\"{after}");
            return Some(format!(
                "{}.{payload}.{signature}",
                base64url(header.as_bytes())
            ));
        }
        if (self.verifies)(algorithm) {
            return None;
        }
        let signer = decode(signature.as_bytes()).and_then(|bytes| {
            let signed = format!("{header}.{payload}");
            self.keys.iter().find(|key| {
                key.algorithm == algorithm && key.prepared.verify(signed.as_bytes(), &bytes).is_ok()
            })
        });
        let named = self.name_of_only_key(&json, algorithm, signer);
        let rest = before.strip_prefix('{').unwrap_or(before);
        let new_header = match named {
            Some(kid) => format!("{{\"kid\":\"{kid}\",{rest}\"HS256\"{after}"),
            None => format!("{before}\"HS256\"{after}"),
        };
        let input = format!("{}.{payload}", base64url(new_header.as_bytes()));
        match signer {
            Some(key) => key.minter.resign(&input).ok(),
            None => Some(format!("{input}.{signature}")),
        }
    }

    /// Returns the `kid` that a header without one needs to keep its meaning: keys that were each the only
    /// one of their algorithm become several secrets of one algorithm.
    fn name_of_only_key(
        &self,
        header: &str,
        algorithm: Algorithm,
        signer: Option<&Key>,
    ) -> Option<String> {
        let header: serde_json::Value = serde_json::from_str(header).ok()?;
        if header.as_object()?.contains_key("kid") {
            return None;
        }
        let mut all = signer.into_iter().chain(&self.keys);
        let only = all.find(|key| key.is_only && key.algorithm == algorithm);
        Some(only.map_or_else(|| NOWHERE.to_owned(), |key| key.kid.clone()))
    }
}

/// Splits a header at the value of its first `alg`: the text before, the value, and the text after. The name
/// and the value may contain escapes.
fn split_at_algorithm(json: &str) -> Option<(&str, String, &str)> {
    let mut from = 0;
    let mut is_next = false;
    loop {
        let start = from + json.get(from..)?.find('"')?;
        let mut strings =
            serde_json::Deserializer::from_str(json.get(start..)?).into_iter::<String>();
        let text = strings.next()?.ok()?;
        let end = start + strings.byte_offset();
        if is_next {
            return Some((json.get(..start)?, text, json.get(end..)?));
        }
        is_next = text == "alg" && json.get(end..)?.trim_start().starts_with(':');
        from = end;
    }
}

/// Gives an issuer a secret for each key that the edge cannot use, with that key's ID.
fn add_secrets(
    issuer: &mut IssuerConfig,
    provider: &dyn Provider,
    verifies: fn(Algorithm) -> bool,
) -> Result<Vec<Key>> {
    let mut found: Vec<(Option<String>, Algorithm, KeyMaterial)> = Vec::new();
    for secret in &issuer.secrets {
        for algorithm in &issuer.algorithms {
            if algorithm.key_kind() == KeyKind::Hmac {
                let k = secret.key.clone();
                found.push((
                    Some(secret.kid.clone()),
                    *algorithm,
                    KeyMaterial::Hmac { k },
                ));
            }
        }
    }
    if let Some(jwks) = &issuer.jwks {
        let set = Jwks::parse(jwks.as_bytes(), &issuer.algorithms)
            .map_err(|errors| anyhow!("a key set is rejected: {errors:?}"))?;
        for key in set.keys() {
            let kid = key.kid.as_ref().map(ToString::to_string);
            found.push((kid, key.algorithm, key.material.clone()));
        }
    }
    let mut keys = Vec::new();
    for (kid, algorithm, material) in &found {
        if verifies(*algorithm) {
            continue;
        }
        let prepared = provider
            .prepare(*algorithm, material)
            .map_err(|_| anyhow!("the key {kid:?} cannot be used"))?;
        let kid = kid
            .clone()
            .unwrap_or_else(|| format!("{NOWHERE}-{algorithm}"));
        let secret = match material {
            KeyMaterial::Hmac { k } => k.clone(),
            _ => stand_in(material),
        };
        let signer = PrivateKey::from_secret(&kid, MintAlgorithm::HS256, &secret);
        keys.push(Key {
            is_only: found
                .iter()
                .filter(|(_, other, _)| other == algorithm)
                .count()
                == 1,
            algorithm: *algorithm,
            prepared,
            minter: Minter::new(signer),
            kid: kid.clone(),
        });
        if algorithm.key_kind() != KeyKind::Hmac {
            issuer
                .secrets
                .push(tollgate_token::Secret { kid, key: secret });
        }
    }
    if !keys.is_empty() && !issuer.algorithms.contains(&Algorithm::HS256) {
        issuer.algorithms.push(Algorithm::HS256);
    }
    Ok(keys)
}

/// Returns a secret that replaces a public key: one for each key, independent of its issuer and key ID.
fn stand_in(material: &KeyMaterial) -> Vec<u8> {
    let bytes: &[u8] = match material {
        KeyMaterial::Rsa { n, .. } => n,
        KeyMaterial::Ec { x, .. } => x,
        KeyMaterial::Ed25519 { x } => x,
        KeyMaterial::Hmac { k } => k,
    };
    [b"a secret in place of a public key: ".as_slice(), bytes].concat()
}

impl Owned {
    /// Evaluates this request with the remaining fields of another.
    ///
    /// # Errors
    ///
    /// Those of `ask`.
    pub fn with<T>(
        &self,
        rest: &Request<'_>,
        ask: impl FnOnce(&Request<'_>) -> Result<T>,
    ) -> Result<T> {
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        ask(&Request {
            target: &self.target,
            headers: &headers,
            ..*rest
        })
        .context("a JavaScript edge")
    }
}
