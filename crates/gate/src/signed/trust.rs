//! Whose images are taken, and how old they may be.
//!
//! Trust keys come as a JSON Web Key Set of Ed25519 keys with nothing else in it, and may name the one
//! site that they are for: `{"site":"simple-courses","keys":[{"kty":"OKP","crv":"Ed25519","x":"…","kid":"…"}]}`.
//! Anything that is not understood in it is refused: a trust that was meant to be narrower must not be
//! wider. Not here: where it is kept.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use tollgate_core::ImageId;
use tollgate_token::{
    Algorithm, CheckedKey, Jwks, KeyError, KeyRefused, Provider, SkipReason, json,
};

use super::{Envelope, MAX_KEY_ID_BYTES, PolicyVersion, Release, SignedError, is_key_id};
use crate::config::MAX_SITE_BYTES;

/// Trust keys, and what was accepted under them. A gate that is loaded under it is signed by one of the
/// keys, for the right site, and not older than the one before.
#[derive(Clone)]
pub struct Trust {
    keys: Arc<[(Box<str>, CheckedKey)]>,
    site: Option<Box<str>>,
    accepted: Option<Accepted>,
    rollback_to: Option<PolicyVersion>,
}

/// The newest image that was taken; only its version if somebody else remembers it.
#[derive(Clone, Copy)]
struct Accepted {
    version: PolicyVersion,
    policy: Option<ImageId>,
}

/// Why trust keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// They are not a key set, or keys of it are bad.
    Keys(Vec<KeyError>),
    /// A key, by its position, is not for this.
    NotForImages(Option<usize>, SkipReason),
    /// There is no key.
    Empty,
    /// A key's id is not visible ASCII.
    KeyId,
    /// The site is not a name that a site can have.
    Site,
    /// There is a member that means nothing here.
    UnknownMember,
    /// The oldest version that was asked for is none.
    Version,
    /// The signature provider cannot use a key.
    Refused(KeyRefused),
}

impl Trust {
    /// Reads trust keys.
    ///
    /// # Errors
    ///
    /// If anything in them is not understood or cannot be used.
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

    /// Reads trust keys, for images of at least a version that came as a number of JavaScript; 0 for any.
    ///
    /// # Errors
    ///
    /// As [`Trust::from_json`], and for a number that is no version.
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

    /// Takes no image older than this version, from the first one on.
    #[must_use]
    pub fn at_least(mut self, version: PolicyVersion) -> Self {
        self.accepted = Some(Accepted {
            version,
            policy: None,
        });
        self
    }

    /// From now on takes images down to this version, also after newer ones. It is the operator who says
    /// so, and never the one who brings the image.
    pub fn permit_rollback_to(&mut self, version: Option<PolicyVersion>) {
        self.rollback_to = version;
    }

    /// The newest version that was accepted, or asked for to begin with.
    pub fn newest(&self) -> Option<PolicyVersion> {
        self.accepted.map(|accepted| accepted.version)
    }

    /// The ids of the keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_ref())
    }

    /// The envelope in these bytes, if a trusted key signed it, for this site, and it is not too old.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it. Nothing it says is looked at before its signature.
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

    /// Remembers an image that was checked and has been loaded.
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

/// The site that the keys are for. `keys` has been read already.
fn site(text: &[u8]) -> Result<Option<Box<str>>, TrustError> {
    // It has been parsed before as a key set, which is an object.
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
        f.write_str("the trust keys are refused: ")?;
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
                write!(f, "images are signed with Ed25519 alone: {reason}")
            }
            Self::Empty => f.write_str("there is no key"),
            Self::KeyId => {
                write!(
                    f,
                    "a key id is 1 to {MAX_KEY_ID_BYTES} characters of visible ASCII"
                )
            }
            Self::Site => write!(f, "`site` is text of 1 to {MAX_SITE_BYTES} bytes"),
            Self::UnknownMember => f.write_str("there is a member beside `keys` and `site`"),
            Self::Version => f.write_str("the oldest version is no version"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TrustError {}
