//! From an untrusted token to a verified one.
//!
//! The order is fixed: length, form, header, key, signature, and only then claims. A token never
//! chooses how it is checked: the key that its `kid` names has one algorithm and one issuer. Nothing
//! is fetched and no clock is read. Not here: what a verified token may do.

use alloc::{boxed::Box, vec::Vec};

use tollgate_core::UnixSeconds;

use crate::{
    algorithm::{Algorithm, KeyKind},
    base64url,
    claims::Claims,
    compact::{Header, Parts},
    error::{KeyError, KeyFault, KeyNote, SkipReason, TokenError},
    issuer::{IssuerConfig, IssuerKind, Secret},
    jwk,
    jwks::Jwks,
    lifetime::Lifetime,
    provider::{CheckedKey, KeyMaterial, Provider},
};

/// Bounds on tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest token, in bytes.
    pub max_token_bytes: u32,
    /// By how much our clock may be behind the issuer's, in seconds. It moves `nbf` and `iat` and
    /// never lengthens a token's life.
    pub leeway_secs: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_token_bytes: 8192,
            leeway_secs: 60,
        }
    }
}

/// Verifies tokens of the configured issuers. Keys are judged and prepared once, when it is made.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<IssuerConfig>,
    /// Sorted by `kid`.
    keys: Vec<NamedKey>,
    limits: Limits,
}

impl Verifier {
    /// Judges and prepares all keys.
    ///
    /// # Errors
    /// Every key that is bad, and every issuer that has none.
    pub fn new(
        issuers: &[IssuerConfig],
        limits: Limits,
        provider: &dyn Provider,
    ) -> Result<Self, Vec<KeyError>> {
        let mut loader = Loader {
            provider,
            keys: Vec::new(),
            errors: Vec::new(),
        };
        for (index, issuer) in issuers.iter().enumerate() {
            loader.load(index, issuer);
        }
        if !loader.errors.is_empty() {
            return Err(loader.errors);
        }
        loader.keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        Ok(Self {
            issuers: issuers.to_vec(),
            keys: loader.keys,
            limits,
        })
    }

    /// Takes a key set that was fetched at run time in place of an issuer's public keys. Bad keys in
    /// it are left out and reported; secrets stay.
    ///
    /// # Errors
    /// If it is not a key set, or has no key that could verify a token of the issuer. The keys stay
    /// as they were.
    pub fn refresh(
        &mut self,
        issuer_index: usize,
        jwks: &[u8],
        provider: &dyn Provider,
    ) -> Result<Vec<KeyNote>, Vec<KeyError>> {
        let Some(issuer) = self.issuers.get(issuer_index) else {
            return Err(Vec::from([KeyError::whole_set(KeyFault::NoUsableKey)]));
        };
        let set = Jwks::parse_lenient(jwks, &issuer.algorithms)?;
        let mut loader = Loader {
            provider,
            keys: Vec::new(),
            errors: Vec::new(),
        };
        let stays = |key: &NamedKey| {
            key.issuer != issuer_index || key.key.algorithm().key_kind() == KeyKind::Hmac
        };
        let secrets: Vec<_> = issuer
            .secrets
            .iter()
            .map(|secret| secret.kid.as_str())
            .collect();
        loader.load_set(issuer_index, &set, &secrets);
        if loader.keys.is_empty() {
            let none = KeyError::whole_set(KeyFault::NoUsableKey).of_issuer(&issuer.name);
            return Err(Vec::from([none]));
        }
        let mut notes = set.skipped().to_vec();
        notes.extend(loader.errors.into_iter().map(|error| KeyNote {
            index: error.index,
            kid: error.kid,
            reason: SkipReason::Refused(error.fault),
        }));
        self.keys.retain(stays);
        self.keys.append(&mut loader.keys);
        self.keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        Ok(notes)
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Time is bounded by the length limit; never panics.
    pub fn verify(&self, token: &[u8], now: UnixSeconds) -> Result<Verified, TokenError> {
        if token.len() > self.limits.max_token_bytes as usize {
            return Err(TokenError::TooLarge);
        }
        let parts = Parts::split(token)?;
        if parts.payload.is_empty() {
            return Err(TokenError::Malformed);
        }
        let header = Header::decode(parts.header)?;
        let algorithm = header.algorithm()?;
        header.require_jwt()?;
        let keys = self.keys_named(header.kid()?);
        if keys.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let signature = base64url::decode(parts.signature).ok_or(TokenError::BadEncoding)?;
        // Decoded, but not read before somebody has signed it.
        let mut payload = Some(base64url::decode(parts.payload).ok_or(TokenError::BadEncoding)?);

        // Issuers choose names of keys freely, so two may use the same; a token has to pass with one
        // of them. The error reported is that of the key that got furthest.
        let mut error = TokenError::AlgNotAllowed;
        let mut claims = None;
        for key in keys.iter().filter(|key| key.key.algorithm() == algorithm) {
            if key.key.verify(parts.signing_input, &signature).is_err() {
                if error == TokenError::AlgNotAllowed {
                    error = TokenError::BadSignature;
                }
                continue;
            }
            let Some(issuer) = self.issuers.get(key.issuer) else {
                continue;
            };
            let signed = match (payload.take(), claims.take()) {
                (Some(payload), _) => Claims::parse(payload)?,
                (None, Some(claims)) => claims,
                (None, None) => continue,
            };
            match judge(&signed, issuer, now, self.limits.leeway_secs) {
                Ok(Judged { issuer, lifetime }) => {
                    let issuer = issuer.into();
                    let issuer_index = key.issuer;
                    return Ok(Verified {
                        issuer_index,
                        issuer,
                        lifetime,
                        claims: signed,
                    });
                }
                Err(other) => {
                    use TokenError::{AlgNotAllowed, BadSignature, WrongIssuer};
                    if matches!(error, AlgNotAllowed | BadSignature | WrongIssuer) {
                        error = other;
                    }
                    claims = Some(signed);
                }
            }
        }
        Err(error)
    }

    /// Whether a token that was refused for [`UnknownKey`](TokenError::UnknownKey) could pass with fresh
    /// keys: some issuer has a place to fetch them from, and allows the algorithm with public keys. It
    /// reads the header only; which issuer it is, nobody says before a signature is good.
    pub fn refresh_might_help(&self, token: &[u8]) -> bool {
        let algorithm = Parts::split(token)
            .and_then(|parts| Header::decode(parts.header))
            .and_then(|header| header.algorithm());
        let Ok(algorithm) = algorithm else {
            return false;
        };
        let is_public = algorithm.key_kind() != KeyKind::Hmac;
        let could = |issuer: &IssuerConfig| {
            issuer.refresh.is_some() && issuer.algorithms.contains(&algorithm)
        };
        is_public && self.issuers.iter().any(could)
    }

    /// The MAC of a message with a secret of an issuer, for tokens of our own; none if there is no such
    /// secret, or the provider cannot.
    pub fn mac(
        &self,
        issuer_index: usize,
        kid: &str,
        algorithm: Algorithm,
        message: &[u8],
    ) -> Option<Vec<u8>> {
        let is_it =
            |key: &&NamedKey| key.issuer == issuer_index && key.key.algorithm() == algorithm;
        self.keys_named(kid).iter().find(is_it)?.key.mac(message)
    }

    /// The issuers, in the order they were given.
    pub fn issuers(&self) -> &[IssuerConfig] {
        &self.issuers
    }

    fn keys_named(&self, kid: &str) -> &[NamedKey] {
        let start = self.keys.partition_point(|key| key.kid.as_ref() < kid);
        let rest = self.keys.get(start..).unwrap_or_default();
        let count = rest.partition_point(|key| key.kid.as_ref() == kid);
        rest.get(..count).unwrap_or_default()
    }
}

/// A token whose signature, times, issuer and audience were checked. Only
/// [`Verifier::verify`] makes one.
///
/// ```compile_fail
/// let claims = tollgate_token::Claims::from_json(b"{}").unwrap();
/// let forged = tollgate_token::Verified { issuer_index: 0, claims };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    issuer_index: usize,
    issuer: Box<str>,
    lifetime: Lifetime,
    claims: Claims,
}

impl Verified {
    /// Which of the configured issuers it comes from.
    pub fn issuer_index(&self) -> usize {
        self.issuer_index
    }

    /// Its `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The first second in which it is no longer valid.
    pub fn expires_at(&self) -> UnixSeconds {
        self.lifetime.expires_at()
    }

    /// From when until when it is valid.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

struct Judged<'a> {
    issuer: &'a str,
    lifetime: Lifetime,
}

/// Judges claims that the issuer has signed.
fn judge<'a>(
    claims: &'a Claims,
    issuer: &IssuerConfig,
    now: UnixSeconds,
    leeway_secs: u32,
) -> Result<Judged<'a>, TokenError> {
    let iss = claims.string("iss")?.ok_or(TokenError::WrongIssuer)?;
    if !issuer.issuers.iter().any(|accepted| accepted == iss) {
        return Err(TokenError::WrongIssuer);
    }
    // What facts are made of must be well formed, even if no rule asks for it.
    claims.subject()?;
    claims.groups(&issuer.groups_claim)?;
    claims.scopes()?;
    judge_audience(claims, issuer)?;
    let lifetime = Lifetime::read(claims)?;
    lifetime.check(now, leeway_secs)?;
    Ok(Judged {
        issuer: iss,
        lifetime,
    })
}

fn judge_audience(claims: &Claims, issuer: &IssuerConfig) -> Result<(), TokenError> {
    let IssuerKind::Cognito { id, access } = issuer.kind else {
        return judge_aud(claims, issuer);
    };
    match claims.string("token_use")? {
        Some("id") if id => judge_aud(claims, issuer),
        Some("access") if access => match claims.string("client_id")? {
            Some(client) if issuer.clients.iter().any(|ours| ours == client) => Ok(()),
            _ => Err(TokenError::WrongAudience),
        },
        _ => Err(TokenError::WrongTokenUse),
    }
}

/// `aud`: a string or an array of strings, of which one is a client of ours, whole.
fn judge_aud(claims: &Claims, issuer: &IssuerConfig) -> Result<(), TokenError> {
    let value = claims.member("aud").ok_or(TokenError::WrongAudience)?;
    let audience = match value.as_str() {
        Some(single) => Vec::from([single]),
        None => value.strings().ok_or(TokenError::BadClaim)?,
    };
    let ours = |member: &&str| issuer.clients.iter().any(|client| client == member);
    if audience.iter().any(ours) {
        Ok(())
    } else {
        Err(TokenError::WrongAudience)
    }
}

/// A prepared key under its name.
#[derive(Debug)]
struct NamedKey {
    kid: Box<str>,
    issuer: usize,
    key: CheckedKey,
}

struct Loader<'p> {
    provider: &'p dyn Provider,
    keys: Vec<NamedKey>,
    errors: Vec<KeyError>,
}

impl Loader<'_> {
    fn load(&mut self, index: usize, issuer: &IssuerConfig) {
        let (keys_before, errors_before) = (self.keys.len(), self.errors.len());
        let mut names = Vec::new();
        for (place, secret) in issuer.secrets.iter().enumerate() {
            let duplicate = names.contains(&secret.kid.as_str());
            names.push(secret.kid.as_str());
            let loaded = if duplicate {
                Err(KeyFault::DuplicateKid)
            } else {
                self.load_secret(index, secret, &issuer.algorithms)
            };
            if let Err(fault) = loaded {
                let kid = jwk::judge_kid(&secret.kid).ok();
                self.errors.push(KeyError {
                    issuer: None,
                    index: Some(place),
                    kid,
                    fault,
                });
            }
        }
        if let Some(jwks) = &issuer.jwks {
            match Jwks::parse(jwks.as_bytes(), &issuer.algorithms) {
                Ok(set) => self.load_set(index, &set, &names),
                Err(errors) => self.errors.extend(errors),
            }
        }
        if self.keys.len() == keys_before && self.errors.len() == errors_before {
            self.errors.push(KeyError::whole_set(KeyFault::NoUsableKey));
        }
        for error in self.errors.iter_mut().skip(errors_before) {
            error.issuer = Some(issuer.name.as_str().into());
        }
    }

    /// A secret is used with every HMAC algorithm that the issuer lists.
    fn load_secret(
        &mut self,
        issuer: usize,
        secret: &Secret,
        allowed: &[Algorithm],
    ) -> Result<(), KeyFault> {
        let kid = jwk::judge_kid(&secret.kid)?;
        let material = KeyMaterial::Hmac {
            k: secret.key.clone(),
        };
        let hmac = |algorithm: &&Algorithm| algorithm.key_kind() == KeyKind::Hmac;
        let mut usable = false;
        for algorithm in allowed.iter().filter(hmac) {
            usable = true;
            if !material.fits(*algorithm) {
                return Err(KeyFault::ShortSecret);
            }
            let key = CheckedKey::prepare(self.provider, *algorithm, &material)
                .map_err(|_| KeyFault::ProviderRefused)?;
            self.keys.push(NamedKey {
                kid: kid.clone(),
                issuer,
                key,
            });
        }
        if usable {
            Ok(())
        } else {
            Err(KeyFault::SecretWithoutAlgorithm)
        }
    }

    fn load_set(&mut self, issuer: usize, set: &Jwks, taken: &[&str]) {
        for key in set.keys() {
            let prepared = if taken.contains(&&*key.kid) {
                Err(KeyFault::DuplicateKid)
            } else {
                CheckedKey::prepare(self.provider, key.algorithm, &key.material)
                    .map_err(|_| KeyFault::ProviderRefused)
            };
            let kid = key.kid.clone();
            match prepared {
                Ok(key) => self.keys.push(NamedKey { kid, issuer, key }),
                Err(fault) => self.errors.push(KeyError {
                    issuer: None,
                    index: Some(key.index),
                    kid: Some(kid),
                    fault,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
