//! Verification of untrusted tokens.
//!
//! The order is fixed: length, form, header, key, signature, and only then claims. A token never
//! chooses how it is verified: the key that its `kid` names has one algorithm and one issuer.
//! Nothing is fetched and no clock is read. Not here: what a verified token grants.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use tollgate_core::UnixSeconds;

use crate::{
    algorithm::{Algorithm, KeyKind},
    base64url,
    claims::Claims,
    compact::{Header, Parts},
    error::{ClaimName, KeyError, KeyErrorKind, Rejected, SkipReason, SkippedKey, TokenError},
    issuer::{IssuerConfig, IssuerKind, Secret},
    jwk,
    jwks::Jwks,
    lifetime::Lifetime,
    provider::{CheckedKey, KeyMaterial, Provider},
};

/// Limits on tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of a token, in bytes.
    pub max_token_bytes: u32,
    /// Maximum lag of our clock behind the issuer's, in seconds. It applies to `nbf` and `iat` and
    /// never extends a token's lifetime.
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

/// Verifies tokens of the configured issuers. Keys are validated and prepared once, when it is
/// built.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<IssuerConfig>,
    /// Sorted by `kid`; keys without one come first.
    keys: Vec<NamedKey>,
    limits: Limits,
}

impl Verifier {
    /// Validates and prepares all keys.
    ///
    /// # Errors
    /// Returns every invalid key, and every issuer that has no key.
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
        let mut verifier = Self {
            issuers: issuers.to_vec(),
            keys: loader.keys,
            limits,
        };
        verifier.sort_keys();
        Ok(verifier)
    }

    /// Replaces an issuer's public keys with a key set fetched at run time. Invalid keys in it are
    /// skipped and reported; secrets are unaffected.
    ///
    /// # Errors
    /// Returns an error if it is not a key set, or contains no key that could verify a token of the
    /// issuer. The current keys then stay in use.
    pub fn refresh(
        &mut self,
        issuer_index: usize,
        jwks: &[u8],
        provider: &dyn Provider,
    ) -> Result<Vec<SkippedKey>, Vec<KeyError>> {
        let Some(issuer) = self.issuers.get(issuer_index) else {
            return Err(Vec::from([KeyError::whole_set(KeyErrorKind::NoUsableKey)]));
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
        loader.load_set(issuer_index, &set);
        if loader.keys.is_empty() {
            let none = KeyError::whole_set(KeyErrorKind::NoUsableKey).of_issuer(&issuer.name);
            return Err(Vec::from([none]));
        }
        let mut notes = set.skipped().to_vec();
        notes.extend(loader.errors.into_iter().map(|error| SkippedKey {
            index: error.index,
            kid: error.kid,
            reason: SkipReason::Refused(error.fault),
        }));
        self.keys.retain(stays);
        self.keys.append(&mut loader.keys);
        self.sort_keys();
        Ok(notes)
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// Returns the first error found. Time is bounded by the length limit. Never panics.
    pub fn verify(&self, token: &[u8], now: UnixSeconds) -> Result<Verified, Rejected> {
        if token.len() > self.limits.max_token_bytes as usize {
            return Err(TokenError::TooLarge.into());
        }
        let parts = Parts::split(token)?;
        if parts.payload.is_empty() {
            return Err(TokenError::Malformed.into());
        }
        let header = Header::decode(parts.header)?;
        let algorithm = header.algorithm()?;
        header.require_jwt()?;
        let kid = header.kid()?;
        let is_known = match kid {
            Some(kid) => !self.keys_named(kid).is_empty(),
            None => self.keys_for(None, algorithm).next().is_some(),
        };
        if !is_known {
            return Err(TokenError::UnknownKey.into());
        }
        let signature = base64url::decode(parts.signature).ok_or(TokenError::BadEncoding)?;
        // Decoded now, but parsed only after its signature is verified.
        let mut payload = Some(base64url::decode(parts.payload).ok_or(TokenError::BadEncoding)?);

        // Issuers choose key IDs freely, so two may use the same one; one of the keys must verify
        // the token. The reported error is that of the key that got furthest.
        let mut rejected = Rejected::from(TokenError::AlgNotAllowed);
        let mut claims = None;
        for key in self.keys_for(kid, algorithm) {
            if key.key.verify(parts.signing_input, &signature).is_err() {
                if rejected.error == TokenError::AlgNotAllowed {
                    rejected.error = TokenError::BadSignature;
                }
                continue;
            }
            let Some(issuer) = self.issuers.get(key.issuer) else {
                continue;
            };
            let signed = match (payload.take(), claims.take()) {
                (Some(payload), _) => Claims::parse(payload).map_err(|error| Rejected {
                    error,
                    issuer: Some(key.issuer),
                })?,
                (None, Some(claims)) => claims,
                (None, None) => continue,
            };
            match validate_claims(&signed, issuer, now, self.limits.leeway_secs) {
                Ok(ValidatedClaims { issuer, lifetime }) => {
                    let issuer = issuer.into();
                    let issuer_index = key.issuer;
                    return Ok(Verified {
                        issuer_index,
                        issuer,
                        lifetime,
                        claims: signed,
                    });
                }
                Err(error) => {
                    use TokenError::{AlgNotAllowed, BadSignature, WrongIssuer};
                    if matches!(rejected.error, AlgNotAllowed | BadSignature | WrongIssuer) {
                        rejected = Rejected {
                            error,
                            issuer: Some(key.issuer),
                        };
                    }
                    claims = Some(signed);
                }
            }
        }
        Err(rejected)
    }

    /// Whether a token rejected for [`UnknownKey`](TokenError::UnknownKey) could be valid with
    /// refreshed keys: some issuer's keys can be fetched, and it allows the algorithm with public
    /// keys. Reads only the header; without a valid signature, the issuer is unknown.
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

    /// The MAC of a message with an issuer's secret, for Tollgate's own tokens; `None` if the
    /// secret does not exist or the provider cannot compute MACs.
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

    /// The issuers, in the order of the configuration.
    pub fn issuers(&self) -> &[IssuerConfig] {
        &self.issuers
    }

    /// The keys that may have signed a token with this header. A token without `kid` selects an
    /// issuer's only key for the algorithm.
    fn keys_for(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &NamedKey> {
        let keys = kid.map_or(self.keys.as_slice(), |kid| self.keys_named(kid));
        keys.iter()
            .filter(move |key| key.key.algorithm() == algorithm && (kid.is_some() || key.is_only))
    }

    fn keys_named(&self, kid: &str) -> &[NamedKey] {
        let kid = Some(kid);
        let start = self.keys.partition_point(|key| key.kid.as_deref() < kid);
        let rest = self.keys.get(start..).unwrap_or_default();
        let count = rest.partition_point(|key| key.kid.as_deref() == kid);
        rest.get(..count).unwrap_or_default()
    }

    fn sort_keys(&mut self) {
        let mut counts = BTreeMap::<_, u32>::new();
        for key in &self.keys {
            *counts.entry((key.issuer, key.key.algorithm())).or_default() += 1;
        }
        for key in &mut self.keys {
            key.is_only = counts.get(&(key.issuer, key.key.algorithm())) == Some(&1);
        }
        self.keys.sort_by(|a, b| a.kid.cmp(&b.kid));
    }
}

/// A token whose signature, times, issuer and audience have been verified. Only
/// [`Verifier::verify`] creates one.
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
    /// The index of its issuer in the configuration.
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

    /// The period in which it is valid.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Its claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

struct ValidatedClaims<'a> {
    issuer: &'a str,
    lifetime: Lifetime,
}

/// Validates claims that the issuer has signed.
fn validate_claims<'a>(
    claims: &'a Claims,
    issuer: &IssuerConfig,
    now: UnixSeconds,
    leeway_secs: u32,
) -> Result<ValidatedClaims<'a>, TokenError> {
    let iss = claims
        .string(ClaimName::Iss)?
        .ok_or(TokenError::WrongIssuer)?;
    if !issuer.issuers.iter().any(|accepted| accepted == iss) {
        return Err(TokenError::WrongIssuer);
    }
    // Everything that facts are built from must be well-formed, even if no rule reads it.
    claims.subject()?;
    claims.groups(issuer.claims.groups.as_ref())?;
    claims.scopes(issuer.claims.scopes.as_ref())?;
    validate_client(claims, issuer)?;
    let lifetime = Lifetime::read(claims)?;
    lifetime.check(now, leeway_secs)?;
    Ok(ValidatedClaims {
        issuer: iss,
        lifetime,
    })
}

/// Requires that the token was issued to one of the configured app clients.
fn validate_client(claims: &Claims, issuer: &IssuerConfig) -> Result<(), TokenError> {
    let by_kind = match issuer.kind {
        IssuerKind::Oidc => "aud",
        IssuerKind::Cognito { id, access } => match claims.string(ClaimName::TokenUse)? {
            Some("id") if id => "aud",
            Some("access") if access => "client_id",
            _ => return Err(TokenError::WrongTokenUse),
        },
    };
    let claim = issuer.claims.client.as_deref().unwrap_or(by_kind);
    // Whole values are compared, never parts of them.
    let is_ours = |member: &&str| issuer.clients.iter().any(|client| client == member);
    if claims.clients(claim)?.iter().any(is_ours) {
        Ok(())
    } else {
        Err(TokenError::WrongAudience)
    }
}

/// A prepared key with its key ID.
#[derive(Debug)]
struct NamedKey {
    kid: Option<Box<str>>,
    issuer: usize,
    key: CheckedKey,
    /// Whether it is its issuer's only key for its algorithm.
    is_only: bool,
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
                Err(KeyErrorKind::DuplicateKid)
            } else {
                self.load_secret(index, secret, &issuer.algorithms)
            };
            if let Err(fault) = loaded {
                let kid = jwk::validate_kid(&secret.kid).ok();
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
                Ok(set) => self.load_set(index, &set),
                Err(errors) => self.errors.extend(errors),
            }
        }
        if self.keys.len() == keys_before && self.errors.len() == errors_before {
            self.errors
                .push(KeyError::whole_set(KeyErrorKind::NoUsableKey));
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
    ) -> Result<(), KeyErrorKind> {
        let kid = jwk::validate_kid(&secret.kid)?;
        let material = KeyMaterial::Hmac {
            k: secret.key.clone(),
        };
        let hmac = |algorithm: &&Algorithm| algorithm.key_kind() == KeyKind::Hmac;
        let mut usable = false;
        for algorithm in allowed.iter().filter(hmac) {
            usable = true;
            if !material.fits(*algorithm) {
                return Err(KeyErrorKind::ShortSecret);
            }
            let key = CheckedKey::prepare(self.provider, *algorithm, &material)
                .map_err(|_| KeyErrorKind::ProviderRefused)?;
            self.keys.push(NamedKey {
                kid: Some(kid.clone()),
                issuer,
                key,
                is_only: false,
            });
        }
        if usable {
            Ok(())
        } else {
            Err(KeyErrorKind::SecretWithoutAlgorithm)
        }
    }

    fn load_set(&mut self, issuer: usize, set: &Jwks) {
        for key in set.keys() {
            let kid = key.kid.clone();
            match CheckedKey::prepare(self.provider, key.algorithm, &key.material) {
                Ok(key) => self.keys.push(NamedKey {
                    kid,
                    issuer,
                    key,
                    is_only: false,
                }),
                Err(_) => self.errors.push(KeyError {
                    issuer: None,
                    index: Some(key.index),
                    kid,
                    fault: KeyErrorKind::ProviderRefused,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
