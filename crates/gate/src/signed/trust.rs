//! Trust keys: which signed images are accepted, and how old they may be.
//!
//! Trust keys are a JSON Web Key Set that contains only Ed25519 keys. It may name the one site that the keys
//! are for: `{"site":"simple-courses","keys":[{"kty":"OKP","crv":"Ed25519","x":"…","kid":"…"}]}`. Unknown
//! members are rejected, because ignoring a restriction would widen the trust. Not here: where trust keys are
//! stored.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use tollgate_core::ImageId;
use tollgate_token::{
    Algorithm, CheckedKey, Jwks, KeyError, KeyRefused, Provider, SkipReason, json,
};

use super::{Envelope, MAX_KEY_ID_BYTES, PolicyVersion, Release, SignedError, is_key_id};
use crate::config::MAX_SITE_BYTES;

/// Trust keys, and the newest image accepted under them. A gate loads an image under this trust only if it is
/// signed by one of the keys, for the right site, and not older than the one before.
#[derive(Clone)]
pub struct Trust {
    keys: Arc<[(Box<str>, CheckedKey)]>,
    site: Option<Box<str>>,
    accepted: Option<Accepted>,
    rollback_to: Option<PolicyVersion>,
}

/// The newest accepted image; only its version if the host configured it.
#[derive(Clone, Copy)]
struct Accepted {
    version: PolicyVersion,
    policy: Option<ImageId>,
}

/// The reason why trust keys are rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// They are not a key set, or it contains invalid keys.
    Keys(Vec<KeyError>),
    /// The key at this position cannot sign images.
    NotForImages(Option<usize>, SkipReason),
    /// The set has no key.
    Empty,
    /// A key's id is not visible ASCII.
    KeyId,
    /// The site is not a valid site name.
    Site,
    /// The set has an unknown member.
    UnknownMember,
    /// The oldest accepted version is not a valid version.
    Version,
    /// The signature provider cannot use a key.
    Refused(KeyRefused),
}

impl Trust {
    /// Reads trust keys.
    ///
    /// # Errors
    ///
    /// Returns an error if anything in them is unknown or unusable.
    pub fn from_json(text: &[u8], provider: &dyn Provider) -> Result<Self, TrustError> {
        let set = Jwks::parse(text, &[Algorithm::EdDSA]).map_err(TrustError::Keys)?;
        let mut skipped = set.skipped().iter();
        if let Some(note) = skipped.find(|note| note.reason != SkipReason::Repeated) {
            return Err(TrustError::NotForImages(note.index, note.reason));
        }
        if set.keys().is_empty() {
            return Err(TrustError::Empty);
        }
        let prepared = set.keys().iter().map(|key| {
            let is_id = |kid: &&str| is_key_id(kid) && kid.len() <= MAX_KEY_ID_BYTES;
            let kid = key.kid.as_deref().filter(is_id).ok_or(TrustError::KeyId)?;
            let checked = key.prepare(provider).map_err(TrustError::Refused)?;
            Ok((kid.into(), checked))
        });
        Ok(Self {
            keys: prepared.collect::<Result<_, _>>()?,
            site: site(text)?,
            accepted: None,
            rollback_to: None,
        })
    }

    /// Reads trust keys for images of at least version `oldest`, a JavaScript number; 0 for any version.
    ///
    /// # Errors
    ///
    /// As [`Trust::from_json`], and for a number that is not a version.
    pub fn from_json_since(
        text: &[u8],
        oldest: f64,
        provider: &dyn Provider,
    ) -> Result<Self, TrustError> {
        let trust = Self::from_json(text, provider)?;
        match PolicyVersion::from_f64(oldest) {
            Some(oldest) => Ok(trust.at_least(oldest)),
            None if oldest == 0.0 => Ok(trust),
            None => Err(TrustError::Version),
        }
    }

    /// Rejects all images older than this version.
    #[must_use]
    pub fn at_least(mut self, version: PolicyVersion) -> Self {
        self.accepted = Some(Accepted {
            version,
            policy: None,
        });
        self
    }

    /// Also accepts older images from now on, down to this version. Only the operator may decide this, never
    /// the source of the image.
    pub fn permit_rollback_to(&mut self, version: Option<PolicyVersion>) {
        self.rollback_to = version;
    }

    /// The newest accepted version, or the oldest one accepted initially.
    pub fn newest(&self) -> Option<PolicyVersion> {
        self.accepted.map(|accepted| accepted.version)
    }

    /// The key ids.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_ref())
    }

    /// Returns the envelope in these bytes, if a trusted key signed it for this site and it is not too old.
    ///
    /// # Errors
    ///
    /// Returns the first error. No field except the key id is used before the signature is verified.
    pub fn check<'a>(&self, bytes: &'a [u8]) -> Result<Envelope<'a>, SignedError> {
        let envelope = Envelope::read(bytes)?;
        let by_id = |(id, _): &&(Box<str>, CheckedKey)| id.as_ref() == envelope.key_id;
        let (_, key) = self
            .keys
            .iter()
            .find(by_id)
            .ok_or(SignedError::UnknownKey)?;
        let (signed, signature) = envelope.signed();
        key.verify(signed, signature)
            .map_err(|_| SignedError::BadSignature)?;
        if self
            .site
            .as_deref()
            .is_some_and(|site| site != envelope.site)
        {
            return Err(SignedError::OtherSite);
        }
        match self.oldest() {
            Some(oldest) if envelope.version < oldest => Err(SignedError::Older {
                offered: envelope.version,
                oldest,
            }),
            _ => Ok(envelope),
        }
    }

    /// Records an image that was verified and loaded.
    pub(crate) fn accept(&mut self, release: &Release, policy: ImageId) -> Result<(), SignedError> {
        let is_other = |accepted: Accepted| {
            accepted.version == release.version && accepted.policy.is_some_and(|id| id != policy)
        };
        if self.accepted.is_some_and(is_other) {
            return Err(SignedError::Reused(release.version));
        }
        self.accepted = Some(Accepted {
            version: release.version,
            policy: Some(policy),
        });
        Ok(())
    }

    fn oldest(&self) -> Option<PolicyVersion> {
        let newest = self.newest()?;
        Some(
            self.rollback_to
                .map_or(newest, |version| version.min(newest)),
        )
    }
}

/// The site of the trust keys. The caller has already parsed `keys`.
fn site(text: &[u8]) -> Result<Option<Box<str>>, TrustError> {
    // It has already been parsed as a key set, so it is an object.
    let document = json::Document::parse(text.to_vec()).map_err(|_| TrustError::Empty)?;
    let mut site = None;
    for (name, value) in document.root().members().into_iter().flatten() {
        match name {
            "keys" => {}
            "site" => {
                let name = value.as_str().ok_or(TrustError::Site)?;
                if !(1..=MAX_SITE_BYTES).contains(&name.len()) {
                    return Err(TrustError::Site);
                }
                site = Some(name.into());
            }
            _ => return Err(TrustError::UnknownMember),
        }
    }
    Ok(site)
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("keys", &self.key_ids().collect::<Vec<_>>())
            .field("site", &self.site)
            .field("newest", &self.newest())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the trust keys are rejected: ")?;
        match self {
            Self::Keys(errors) => {
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if at == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            Self::NotForImages(index, reason) => {
                if let Some(index) = index {
                    write!(f, "keys[{index}]: ")?;
                }
                write!(f, "images can only be signed with Ed25519: {reason}")
            }
            Self::Empty => f.write_str("the key set is empty"),
            Self::KeyId => {
                write!(
                    f,
                    "a key id must be 1 to {MAX_KEY_ID_BYTES} visible ASCII characters"
                )
            }
            Self::Site => write!(f, "`site` must be a string of 1 to {MAX_SITE_BYTES} bytes"),
            Self::UnknownMember => f.write_str("only the members `keys` and `site` are supported"),
            Self::Version => f.write_str("the oldest accepted version is invalid"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TrustError {}
