//! The reasons for rejecting bytes as an image.
//!
//! Not here: errors while deciding; a record that cannot be read there is an internal error and denies.

use core::fmt;

use super::format::{OLDEST_VERSION, Section, VERSION};

/// The reason why bytes are not an image that this code can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes do not start with the magic number.
    NotAnImage,
    /// An image of another format version.
    Version(u16),
    /// The length is not the one in the header.
    Length,
    /// The checksum does not match: the image is corrupt.
    Damaged,
    /// A section has the wrong position or contents.
    BadSection(Section),
}

impl ImageError {
    /// The stable code, for log records.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnImage => "not_an_image",
            Self::Version(_) => "image_version",
            Self::Length => "image_length",
            Self::Damaged => "image_damaged",
            Self::BadSection(_) => "image_section",
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnImage => f.write_str("this is not a policy image"),
            Self::Version(version) => write!(
                f,
                "the policy image has format version {version}; this program reads versions {} to {}",
                OLDEST_VERSION, VERSION
            ),
            Self::Length => f.write_str("the policy image is truncated or has trailing bytes"),
            Self::Damaged => {
                f.write_str("the policy image is corrupt: its checksum does not match")
            }
            Self::BadSection(section) => {
                write!(f, "the policy image is malformed in `{section:?}`")
            }
        }
    }
}

impl core::error::Error for ImageError {}
