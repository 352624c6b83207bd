//! Reasons for rejecting tokens and keys.
//!
//! [`TokenError`] is for the operator's log: a client receives the same response whatever the
//! reason. [`KeyError`] and [`SkippedKey`] are for whatever component or person configured the
//! keys.

use alloc::boxed::Box;
use core::fmt;

/// The reason why a token was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenError {
    /// Not three non-empty parts with dots between them.
    Malformed,
    /// Longer than the configured limit.
    TooLarge,
    /// A part is not canonical base64url without padding.
    BadEncoding,
    /// The header is not a JSON object, or `alg` or `kid` is missing or invalid.
    BadHeader,
    /// The header's algorithm is unsupported, or not allowed by the key or the issuer.
    AlgNotAllowed,
    /// The header has `crit`, `b64` or `zip`, which change the meaning of a signature.
    UnsupportedCrit,
    /// The header's `typ` or `cty` declares another type of token.
    BadTyp,
    /// No configured key has this `kid`.
    UnknownKey,
    /// The signature is invalid.
    BadSignature,
    /// The claims are not a JSON object.
    BadJson,
    /// An object in the header or in the claims has two members with the same name.
    DuplicateName,
    /// This claim has the wrong type or is out of range.
    BadClaim(ClaimName),
    /// `exp` is missing.
    MissingExp,
    /// `exp` is now or earlier.
    Expired,
    /// `nbf` is later than now.
    NotYetValid,
    /// `iat` is later than now.
    IssuedInFuture,
    /// `iss` is missing, or not an accepted issuer of the key that signed.
    WrongIssuer,
    /// `aud` or `client_id` is missing or names none of the issuer's app client IDs.
    WrongAudience,
    /// `token_use` is missing or not allowed.
    WrongTokenUse,
    /// One source contains two different tokens.
    ConflictingTokens,
    /// The authorization header is not `Bearer`, one space, and a token.
    BadScheme,
    /// More groups or scopes than are read ([`MAX_GROUPS`](tollgate_core::facts::MAX_GROUPS)).
    TooManyGroups,
    /// The request carries more different tokens than are verified.
    TooManyTokens,
    /// A session that lacks something that the policy now reads.
    SessionOutdated,
    /// A session for paths of another course.
    SessionPath,
}

impl TokenError {
    /// Every reason, in declaration order; [`BadClaim`](Self::BadClaim) appears once, with one of
    /// its claims.
    pub const ALL: [Self; 25] = [
        Self::Malformed,
        Self::TooLarge,
        Self::BadEncoding,
        Self::BadHeader,
        Self::AlgNotAllowed,
        Self::UnsupportedCrit,
        Self::BadTyp,
        Self::UnknownKey,
        Self::BadSignature,
        Self::BadJson,
        Self::DuplicateName,
        Self::BadClaim(ClaimName::Iss),
        Self::MissingExp,
        Self::Expired,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::WrongTokenUse,
        Self::ConflictingTokens,
        Self::BadScheme,
        Self::TooManyGroups,
        Self::TooManyTokens,
        Self::SessionOutdated,
        Self::SessionPath,
    ];

    /// The stable code used in logs and conformance cases.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::BadEncoding => "bad_encoding",
            Self::BadHeader => "bad_header",
            Self::AlgNotAllowed => "alg_not_allowed",
            Self::UnsupportedCrit => "unsupported_crit",
            Self::BadTyp => "bad_typ",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::BadJson => "bad_json",
            Self::DuplicateName => "duplicate_name",
            Self::BadClaim(_) => "bad_claim",
            Self::MissingExp => "missing_exp",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongTokenUse => "wrong_token_use",
            Self::ConflictingTokens => "conflicting_tokens",
            Self::BadScheme => "bad_scheme",
            Self::TooManyGroups => "too_many_groups",
            Self::TooManyTokens => "too_many_tokens",
            Self::SessionOutdated => "session_outdated",
            Self::SessionPath => "session_path",
        }
    }

    /// The claim that is malformed, if that is the reason.
    pub const fn claim(self) -> Option<ClaimName> {
        match self {
            Self::BadClaim(claim) => Some(claim),
            _ => None,
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the token is not three non-empty parts separated by dots",
            Self::TooLarge => "the token is longer than the limit",
            Self::BadEncoding => "a part of the token is not base64url without padding",
            Self::BadHeader => {
                "the token's header lacks a usable `alg` or `kid`, or is not an object"
            }
            Self::AlgNotAllowed => "the token's algorithm is not allowed for this key and issuer",
            Self::UnsupportedCrit => "the token's header has `crit`, `b64` or `zip`",
            Self::BadTyp => "the token's header declares another type of token (`typ` or `cty`)",
            Self::UnknownKey => "no configured key has the token's `kid`",
            Self::BadSignature => "the token's signature is invalid",
            Self::BadJson => "the token's claims are not a JSON object",
            Self::DuplicateName => "an object in the token has two members with the same name",
            Self::BadClaim(claim) => {
                return write!(f, "{claim} has the wrong type or is out of range");
            }
            Self::MissingExp => "the token has no `exp`",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet (`nbf`)",
            Self::IssuedInFuture => "the token was issued in the future (`iat`)",
            Self::WrongIssuer => "the token's `iss` is not an issuer of the key that signed it",
            Self::WrongAudience => "the token is for another client (`aud` or `client_id`)",
            Self::WrongTokenUse => "the token's `token_use` is not allowed",
            Self::ConflictingTokens => "the request carries two different tokens in one source",
            Self::BadScheme => "the authorization header is not `Bearer` and a token",
            Self::TooManyGroups => "the token has too many groups or scopes",
            Self::TooManyTokens => "the request carries more different tokens than are verified",
            Self::SessionOutdated => {
                "the session was minted before the policy read all that it reads now"
            }
            Self::SessionPath => "the session is for paths of another course",
        })
    }
}

impl core::error::Error for TokenError {}

/// A claim with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimName {
    /// `iss`.
    Iss,
    /// `sub`.
    Sub,
    /// The claim that names the app client: `aud`, `client_id`, or the configured one.
    Client,
    /// Cognito's `token_use`.
    TokenUse,
    /// `exp`.
    Exp,
    /// `nbf`.
    Nbf,
    /// `iat`.
    Iat,
    /// The claim with the groups, or a reference that replaces it.
    Groups,
    /// The claim with the scopes.
    Scopes,
    /// A claim of a session token.
    Session,
}

impl ClaimName {
    /// The usual name of the claim. The names for app clients, groups and scopes can be configured.
    pub const fn standard(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Sub => "sub",
            Self::Client => "aud",
            Self::TokenUse => "token_use",
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Iat => "iat",
            Self::Groups => "groups",
            Self::Scopes => "scope",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("the claim that names the app client"),
            Self::Groups => f.write_str("the claim with the groups"),
            Self::Scopes => f.write_str("the claim with the scopes"),
            Self::Session => f.write_str("a claim of the session"),
            other => write!(f, "`{}`", other.standard()),
        }
    }
}

/// A rejected token: the reason, and the issuer whose key signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The reason.
    pub error: TokenError,
    /// The position of the issuer, if the signature is valid.
    pub issuer: Option<usize>,
}

impl From<TokenError> for Rejected {
    fn from(error: TokenError) -> Self {
        Self {
            error,
            issuer: None,
        }
    }
}

impl From<Rejected> for TokenError {
    fn from(rejected: Rejected) -> Self {
        rejected.error
    }
}

/// A key, or a whole key set, that must not be used because of an error in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    /// The configured name of the issuer, if the key belongs to one.
    pub issuer: Option<Box<str>>,
    /// Index in `keys` of the key set or in the list of secrets; `None` if the error concerns the
    /// whole set.
    pub index: Option<usize>,
    /// The key's `kid`, if it has a usable one.
    pub kid: Option<Box<str>>,
    /// The error.
    pub fault: KeyErrorKind,
}

impl KeyError {
    pub(crate) fn whole_set(fault: KeyErrorKind) -> Self {
        Self {
            issuer: None,
            index: None,
            kid: None,
            fault,
        }
    }

    pub(crate) fn of_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(issuer) = &self.issuer {
            write!(f, "issuer {issuer:?}: ")?;
        }
        write_place(f, self.index, self.kid.as_deref())?;
        fmt::Display::fmt(&self.fault, f)
    }
}

impl core::error::Error for KeyError {}

/// A key that was skipped without being an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Index in `keys` of the key set; `None` if the note concerns the whole set.
    pub index: Option<usize>,
    /// The key's `kid`, if it has a usable one.
    pub kid: Option<Box<str>>,
    /// The reason.
    pub reason: SkipReason,
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.index, self.kid.as_deref())?;
        fmt::Display::fmt(&self.reason, f)
    }
}

/// The reason why a key was skipped without being an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// `use`, `key_ops` or `alg` indicates that it does not verify signatures.
    NotForSignatures,
    /// Its `kty`, `crv` or `alg` is not supported.
    Unsupported,
    /// The issuer does not list its algorithm.
    AlgorithmNotListed,
    /// The set already contains this key.
    Repeated,
    /// It is invalid, and the set was parsed leniently.
    Refused(KeyErrorKind),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForSignatures => f.write_str("skipped: not a key for verifying signatures"),
            Self::Unsupported => f.write_str("skipped: unsupported kind of key"),
            Self::AlgorithmNotListed => {
                f.write_str("skipped: the issuer does not list an algorithm for it")
            }
            Self::Repeated => f.write_str("skipped: the same key appears earlier"),
            Self::Refused(fault) => write!(f, "skipped: {fault}"),
        }
    }
}

/// The error in a key or a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The text is not strict JSON.
    NotJson,
    /// Not an object whose `keys` is an array of objects.
    NotAKeySet,
    /// A required member is missing.
    MissingMember(&'static str),
    /// A member has the wrong type, or is not canonical base64url.
    BadMember(&'static str),
    /// `kid` is missing next to other keys of the same algorithm, so no token can select the key.
    MissingKid,
    /// `kid` is empty or longer than [`MAX_KID_BYTES`](crate::MAX_KID_BYTES).
    BadKid,
    /// Two different keys of one algorithm have this `kid`.
    DuplicateKid,
    /// A shared secret in a public key set.
    SecretInKeySet,
    /// A private key in a public key set. It has leaked and must be replaced.
    PrivateKey,
    /// An RSA modulus of less than 2048 or more than 4096 bits.
    RsaSize,
    /// An even RSA modulus.
    RsaEvenModulus,
    /// An RSA exponent that is even, below 65537, or above 2³³ − 1 (which engines reject).
    RsaExponent,
    /// An RSA modulus from a generator known to be broken (ROCA, CVE-2017-15361).
    RsaRoca,
    /// An elliptic curve coordinate whose length does not match the curve.
    CoordinateLength,
    /// The point is not on the curve.
    NotOnCurve,
    /// An Ed25519 key that is not a point in canonical form, or a point of small order.
    BadEd25519,
    /// `alg` does not belong to `kty` and `crv`.
    AlgorithmMismatch,
    /// No `alg`, and the issuer lists several algorithms for this kind of key.
    AmbiguousAlgorithm,
    /// A secret shorter than the hash of an algorithm it may be used with (RFC 7518 §3.2).
    ShortSecret,
    /// A secret, but the issuer lists no HMAC algorithm.
    SecretWithoutAlgorithm,
    /// The issuer has no key or secret that could verify a token.
    NoUsableKey,
    /// The signature provider rejects it.
    ProviderRefused,
}

impl KeyErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAKeySet => "not_a_key_set",
            Self::MissingMember(_) => "missing_member",
            Self::BadMember(_) => "bad_member",
            Self::MissingKid => "missing_kid",
            Self::BadKid => "bad_kid",
            Self::DuplicateKid => "duplicate_kid",
            Self::SecretInKeySet => "secret_in_key_set",
            Self::PrivateKey => "private_key",
            Self::RsaSize => "rsa_size",
            Self::RsaEvenModulus => "rsa_even_modulus",
            Self::RsaExponent => "rsa_exponent",
            Self::RsaRoca => "rsa_roca",
            Self::CoordinateLength => "coordinate_length",
            Self::NotOnCurve => "not_on_curve",
            Self::BadEd25519 => "bad_ed25519",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::AmbiguousAlgorithm => "ambiguous_algorithm",
            Self::ShortSecret => "short_secret",
            Self::SecretWithoutAlgorithm => "secret_without_algorithm",
            Self::NoUsableKey => "no_usable_key",
            Self::ProviderRefused => "provider_refused",
        }
    }
}

impl fmt::Display for KeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "not JSON, or an object has two members with the same name",
            Self::NotAKeySet => "not an object whose `keys` is an array of objects",
            Self::MissingMember(name) => return write!(f, "`{name}` is missing"),
            Self::BadMember(name) => {
                return write!(
                    f,
                    "`{name}` has the wrong type or is not canonical base64url"
                );
            }
            Self::MissingKid => {
                "`kid` is missing next to other keys of this algorithm, so no token can select it"
            }
            Self::BadKid => "`kid` must have 1 to 128 bytes",
            Self::DuplicateKid => "two keys of one algorithm have this `kid`",
            Self::SecretInKeySet => "a shared secret must not be in a key set",
            Self::PrivateKey => {
                "the key set contains a private key; it has leaked and must be replaced"
            }
            Self::RsaSize => "an RSA key must have 2048 to 4096 bits",
            Self::RsaEvenModulus => "the RSA modulus is even",
            Self::RsaExponent => "the RSA exponent must be odd, at least 65537 and below 2^33",
            Self::RsaRoca => "the RSA key is from a broken generator (ROCA, CVE-2017-15361)",
            Self::CoordinateLength => "the length of a coordinate does not match the curve",
            Self::NotOnCurve => "the point is not on the curve",
            Self::BadEd25519 => "not a canonical Ed25519 point, or one of small order",
            Self::AlgorithmMismatch => "`alg` does not belong to `kty` and `crv`",
            Self::AmbiguousAlgorithm => {
                "`alg` is missing, and the issuer lists several algorithms for this kind of key"
            }
            Self::ShortSecret => "the secret is shorter than the hash it is used with",
            Self::SecretWithoutAlgorithm => {
                "a secret is configured, but the issuer lists no HS algorithm"
            }
            Self::NoUsableKey => "the issuer has no key that could verify a token",
            Self::ProviderRefused => "the signature provider cannot use this key",
        })
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, index: Option<usize>, kid: Option<&str>) -> fmt::Result {
    match (index, kid) {
        (_, Some(kid)) => write!(f, "key {kid:?}: "),
        (Some(index), None) => write!(f, "key {} of the set: ", index + 1),
        (None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::ToString};

    use super::*;
    use crate::jwk::JwkError;

    #[test]
    fn codes_are_distinct_words() {
        let codes: BTreeSet<_> = TokenError::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), TokenError::ALL.len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{code}"
            );
        }
    }

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words: BTreeSet<_> = TokenError::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), TokenError::ALL.len());
        assert!(words.iter().all(|words| words.len() > 10));
    }

    #[test]
    fn every_fault_of_a_key_has_a_code_and_words() {
        use KeyErrorKind::*;
        let all = [
            (NotJson, "not_json", "not JSON"),
            (NotAKeySet, "not_a_key_set", "`keys`"),
            (MissingMember("n"), "missing_member", "`n` is missing"),
            (BadMember("e"), "bad_member", "`e` has the wrong type"),
            (MissingKid, "missing_kid", "`kid` is missing"),
            (BadKid, "bad_kid", "1 to 128"),
            (DuplicateKid, "duplicate_kid", "two keys"),
            (SecretInKeySet, "secret_in_key_set", "secret"),
            (PrivateKey, "private_key", "leaked"),
            (RsaSize, "rsa_size", "2048"),
            (RsaEvenModulus, "rsa_even_modulus", "even"),
            (RsaExponent, "rsa_exponent", "65537"),
            (RsaRoca, "rsa_roca", "ROCA"),
            (
                CoordinateLength,
                "coordinate_length",
                "does not match the curve",
            ),
            (NotOnCurve, "not_on_curve", "on the curve"),
            (BadEd25519, "bad_ed25519", "Ed25519"),
            (AlgorithmMismatch, "algorithm_mismatch", "`alg`"),
            (AmbiguousAlgorithm, "ambiguous_algorithm", "several"),
            (ShortSecret, "short_secret", "shorter"),
            (SecretWithoutAlgorithm, "secret_without_algorithm", "no HS"),
            (NoUsableKey, "no_usable_key", "no key"),
            (ProviderRefused, "provider_refused", "provider"),
        ];
        for (fault, code, words) in all {
            assert_eq!(fault.code(), code);
            assert!(fault.to_string().contains(words), "{fault}");
            let left_out = SkipReason::Refused(fault).to_string();
            assert_eq!(left_out, format!("skipped: {fault}"));
            assert_eq!(JwkError::Bad(fault).to_string(), fault.to_string());
        }
        for (reason, words) in [
            (SkipReason::NotForSignatures, "verifying"),
            (SkipReason::Unsupported, "supported"),
            (SkipReason::AlgorithmNotListed, "list"),
        ] {
            let message = reason.to_string();
            assert!(
                message.starts_with("skipped: ") && message.contains(words),
                "{message}"
            );
            assert_eq!(JwkError::Skipped(reason).to_string(), message);
            let note = SkippedKey {
                index: Some(0),
                kid: None,
                reason,
            };
            assert_eq!(note.to_string(), format!("key 1 of the set: {message}"));
        }
    }

    #[test]
    fn errors_name_the_key() {
        let mut error = KeyError::whole_set(KeyErrorKind::NotJson).of_issuer("learners");
        assert!(
            error
                .to_string()
                .starts_with("issuer \"learners\": not JSON")
        );
        error.index = Some(2);
        assert!(error.to_string().contains("key 3 of the set: "));
        error.kid = Some("a\"b".into());
        assert!(error.to_string().contains(r#"key "a\"b": "#));
    }
}
