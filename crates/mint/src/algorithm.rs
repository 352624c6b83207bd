//! The signature algorithms of JWS (RFC 7518, RFC 8037) that tokens are minted with.

/// A signature algorithm by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the names are the documentation: RFC 7518 section 3.1"
)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    HS256,
    HS384,
    HS512,
}

/// The kind of key that an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `RS…` and `PS…`.
    Rsa,
    /// `ES256`.
    P256,
    /// `ES384`.
    P384,
    /// `EdDSA`, here always with Ed25519.
    Ed25519,
    /// `HS…`.
    Secret,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 12] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::HS256,
        Self::HS384,
        Self::HS512,
    ];

    /// Returns the registered name, the `alg` of headers and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// Returns the algorithm with this registered name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Returns the kind of key it needs.
    pub const fn family(self) -> Family {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 => Family::Rsa,
            Self::PS256 | Self::PS384 | Self::PS512 => Family::Rsa,
            Self::ES256 => Family::P256,
            Self::ES384 => Family::P384,
            Self::EdDSA => Family::Ed25519,
            Self::HS256 | Self::HS384 | Self::HS512 => Family::Secret,
        }
    }

    /// Returns the size of its hash in bytes, which is also the minimum length of a safe secret.
    pub const fn hash_bytes(self) -> usize {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 | Self::HS256 => 32,
            Self::RS384 | Self::PS384 | Self::ES384 | Self::HS384 => 48,
            Self::RS512 | Self::PS512 | Self::EdDSA | Self::HS512 => 64,
        }
    }
}
