//! Signed policy images: an image in an envelope that contains its release version, its site and the signing
//! key.
//!
//! The envelope is around the image, not in it: a signed image decides as the plain one does and has the same
//! content id. All numbers are little-endian, and each envelope has a single encoding.
//!
//! | bytes | field |
//! |---|---|
//! | 0–31 | [`CONTEXT`]: type and format version; no other signed data starts with these bytes |
//! | 32–39 | policy version, 1 to [`PolicyVersion::MAX`] |
//! | 40 | length of the key id, 1 to [`MAX_KEY_ID_BYTES`] |
//! | 41 | length of the site's name, 1 to [`MAX_SITE_BYTES`] |
//! | 42–43 | zero |
//! | 44–47 | length of the image |
//! | 48– | key id in visible ASCII, the site's name in UTF-8, the image |
//! | the last 64 | Ed25519 signature over everything before it |
//!
//! [`Trust`] decides which envelopes are accepted. An edge without trust keys accepts all of them, and plain
//! images too: there an envelope is only a wrapper. Not here: signing, and private keys.

mod trust;

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, ops::Range};

use tollgate_core::image::format::MAX_IMAGE_BYTES;

use crate::config::MAX_SITE_BYTES;

pub use trust::{Trust, TrustError};

/// The first bytes of an envelope. They are signed with the rest.
pub const CONTEXT: [u8; 32] = *b"Tollgate signed policy image v1\n";
/// Longest key id, in bytes.
pub const MAX_KEY_ID_BYTES: usize = tollgate_token::MAX_KID_BYTES;
/// Length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;
/// Largest signed image, in bytes.
pub const MAX_SIGNED_BYTES: usize =
    HEADER_BYTES + MAX_KEY_ID_BYTES + MAX_SITE_BYTES + MAX_IMAGE_BYTES + SIGNATURE_BYTES;

/// The offset of the key id, which the site and the image follow.
const HEADER_BYTES: usize = 48;
/// The length of the prefix that all format versions share.
const ANY_VERSION: usize = 30;

/// The release number of a site's policy; later releases have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersion(u64);

/// A parsed envelope that is not verified: an attacker may have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The claimed release version.
    pub version: PolicyVersion,
    /// The id of the claimed signing key.
    pub key_id: &'a str,
    /// The claimed site.
    pub site: &'a str,
    /// The image.
    pub image: &'a [u8],
    whole: &'a [u8],
}

/// The content of the envelope of the current image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The release version.
    pub version: PolicyVersion,
    /// The id of the key that signed it.
    pub key_id: Box<str>,
    /// The site it is for.
    pub site: Box<str>,
    /// Whether the signature was verified, as it always is where there are trust keys.
    pub verified: bool,
}

/// The reason why an image is rejected because of its envelope, or the lack of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedError {
    /// There is no envelope, but a signed image is required.
    Unsigned,
    /// The envelope is truncated, has trailing bytes, or is not encoded correctly.
    Malformed,
    /// The envelope has another format version.
    Format,
    /// No trusted key has this id.
    UnknownKey,
    /// The signature does not match this key and these bytes.
    BadSignature,
    /// The image is signed for another site, or contains the policy of another site.
    OtherSite,
    /// The image is older than one that was accepted before.
    Older {
        /// The version of this image.
        offered: PolicyVersion,
        /// The oldest version that is accepted.
        oldest: PolicyVersion,
    },
    /// A different image was accepted before under the same version.
    Reused(PolicyVersion),
}

/// The reason why an image cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The key id is empty, too long, or not visible ASCII.
    KeyId,
    /// The site's name is empty or too long.
    Site,
    /// The image is too large.
    Image,
}

impl PolicyVersion {
    /// The largest version: the largest integer that JavaScript numbers represent exactly.
    pub const MAX: u64 = (1 << 53) - 1;

    /// Returns a version, if the number is from 1 to [`PolicyVersion::MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        match number {
            1..=Self::MAX => Some(Self(number)),
            _ => None,
        }
    }

    /// Returns a version from a JavaScript number, if it is valid.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a number that does not convert back unchanged is rejected"
    )]
    pub fn from_f64(number: f64) -> Option<Self> {
        let whole = number as u64;
        if whole as f64 == number {
            Self::new(whole)
        } else {
            None
        }
    }

    /// The version as a JavaScript number.
    #[expect(clippy::cast_precision_loss, reason = "no version is that large")]
    pub const fn to_f64(self) -> f64 {
        self.0 as f64
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Whether these bytes start like an envelope of any format version.
pub fn is_envelope(bytes: &[u8]) -> bool {
    bytes.get(..ANY_VERSION) == CONTEXT.get(..ANY_VERSION)
}

/// Encodes an envelope without its signature. The signature covers exactly these bytes and is appended to
/// them.
///
/// # Errors
///
/// Returns an error if a field is out of range.
pub fn to_be_signed(
    version: PolicyVersion,
    key_id: &str,
    site: &str,
    image: &[u8],
) -> Result<Vec<u8>, SealError> {
    let small =
        |len: usize, most: usize| u8::try_from(len).ok().filter(|_| (1..=most).contains(&len));
    let key_id_len = small(key_id.len(), MAX_KEY_ID_BYTES)
        .filter(|_| is_key_id(key_id))
        .ok_or(SealError::KeyId)?;
    let site_len = small(site.len(), MAX_SITE_BYTES).ok_or(SealError::Site)?;
    let image_len = u32::try_from(image.len())
        .ok()
        .filter(|_| image.len() <= MAX_IMAGE_BYTES)
        .ok_or(SealError::Image)?;
    let mut bytes = Vec::with_capacity(MAX_SIGNED_BYTES - MAX_IMAGE_BYTES + image.len());
    bytes.extend(CONTEXT);
    bytes.extend(version.0.to_le_bytes());
    bytes.extend([key_id_len, site_len, 0, 0]);
    bytes.extend(image_len.to_le_bytes());
    bytes.extend_from_slice(key_id.as_bytes());
    bytes.extend_from_slice(site.as_bytes());
    bytes.extend_from_slice(image);
    Ok(bytes)
}

/// Returns an image and the content of its envelope, if it has one, without verifying the signature.
///
/// # Errors
///
/// Returns an error if the envelope is malformed.
pub fn open_envelope(bytes: Vec<u8>) -> Result<(Vec<u8>, Option<Release>), SignedError> {
    if !is_envelope(&bytes) {
        return Ok((bytes, None));
    }
    let envelope = Envelope::read(&bytes)?;
    let (release, image) = (envelope.release(false), envelope.image_range());
    Ok((cut(bytes, image), Some(release)))
}

/// Returns a part of the bytes, in place, because an image may take up most of the available memory.
fn cut(mut bytes: Vec<u8>, part: Range<usize>) -> Vec<u8> {
    bytes.truncate(part.end);
    bytes.drain(..part.start);
    bytes
}

fn is_key_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl<'a> Envelope<'a> {
    /// Parses an envelope without verifying it.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not exactly one envelope.
    pub fn read(bytes: &'a [u8]) -> Result<Self, SignedError> {
        let mut rest = Fields(bytes);
        if rest.array().as_ref() != Some(&CONTEXT) {
            return Err(if is_envelope(bytes) && bytes.len() >= CONTEXT.len() {
                SignedError::Format
            } else if is_envelope(bytes) {
                SignedError::Malformed
            } else {
                SignedError::Unsigned
            });
        }
        Self::fields(bytes, rest).ok_or(SignedError::Malformed)
    }

    fn fields(whole: &'a [u8], mut rest: Fields<'a>) -> Option<Self> {
        let version = PolicyVersion::new(u64::from_le_bytes(rest.array()?))?;
        let [key_id_len, site_len, 0, 0] = rest.array()? else {
            return None;
        };
        let image_len = usize::try_from(u32::from_le_bytes(rest.array()?)).ok()?;
        let key_id = core::str::from_utf8(rest.take(key_id_len.into())?).ok()?;
        let site = core::str::from_utf8(rest.take(site_len.into())?).ok()?;
        let image = rest.take(image_len)?;
        let is_valid = (1..=MAX_KEY_ID_BYTES).contains(&key_id.len())
            && is_key_id(key_id)
            && (1..=MAX_SITE_BYTES).contains(&site.len())
            && image_len <= MAX_IMAGE_BYTES
            && rest.0.len() == SIGNATURE_BYTES;
        is_valid.then_some(Self {
            version,
            key_id,
            site,
            image,
            whole,
        })
    }

    /// The signed bytes, and the signature.
    fn signed(&self) -> (&'a [u8], &'a [u8]) {
        // INVARIANT (read): there are at least as many bytes as in a signature.
        let at = self.whole.len().saturating_sub(SIGNATURE_BYTES);
        self.whole.split_at_checked(at).unwrap_or_default()
    }

    fn image_range(&self) -> Range<usize> {
        let end = self.whole.len().saturating_sub(SIGNATURE_BYTES);
        end.saturating_sub(self.image.len())..end
    }

    fn release(&self, verified: bool) -> Release {
        Release {
            version: self.version,
            key_id: self.key_id.into(),
            site: self.site.into(),
            verified,
        }
    }
}

/// The bytes that are still unread.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(field)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

impl SignedError {
    /// The stable code, for log records and programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "image_unsigned",
            Self::Malformed => "image_envelope",
            Self::Format => "image_envelope_version",
            Self::UnknownKey => "image_unknown_key",
            Self::BadSignature => "image_bad_signature",
            Self::OtherSite => "image_other_site",
            Self::Older { .. } => "image_older",
            Self::Reused(_) => "image_version_reused",
        }
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => {
                f.write_str("the image is not signed, but a signed image is required")
            }
            Self::Malformed => f.write_str("the envelope is malformed"),
            Self::Format => {
                f.write_str("this program does not support the envelope's format version")
            }
            Self::UnknownKey => f.write_str("no trusted key has the key id of the signature"),
            Self::BadSignature => f.write_str("the signature is invalid"),
            Self::OtherSite => f.write_str("the image is signed for another site"),
            Self::Older { offered, oldest } => {
                write!(
                    f,
                    "the image has version {offered}, but the oldest accepted version is {oldest}"
                )
            }
            Self::Reused(version) => {
                write!(
                    f,
                    "a different image was already accepted as version {version}"
                )
            }
        }
    }
}

impl core::error::Error for SignedError {}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyId => {
                write!(
                    f,
                    "a key id must be 1 to {MAX_KEY_ID_BYTES} visible ASCII characters"
                )
            }
            Self::Site => write!(f, "a site name must be 1 to {MAX_SITE_BYTES} bytes long"),
            Self::Image => write!(f, "an image can have at most {MAX_IMAGE_BYTES} bytes"),
        }
    }
}

impl core::error::Error for SealError {}

#[cfg(test)]
mod tests;
