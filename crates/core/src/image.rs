//! A compiled policy: validated once, then only read.
//!
//! [`Image::from_bytes`] checks every number in the image, so that reading it later cannot go wrong; a
//! read that fails all the same is an internal error and denies. Not here: writing images, which is the
//! compiler's, and matching, which is [`decide`](crate::decide)'s.

pub mod format;

mod read;
mod validate;

use core::{fmt, ops::Range};

pub(crate) use validate::Budget;

pub(crate) use read::{End, Extra, Node, Rule, View, instruction as read_instruction};

use crate::method::MethodSet;
use crate::path::{PathOptions, PathReader};
use format::Section;

/// The content id of an image.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(pub [u8; 16]);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The number of a rule in its image. Rules are numbered in the order of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// A rule's name: displays as `course/id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleName<'a> {
    /// The course, or `site`.
    pub course: &'a str,
    /// The rule's id within its file.
    pub id: &'a str,
}

impl fmt::Display for RuleName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.course, self.id)
    }
}

/// The declared type of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ClaimKind {
    /// `"string"`
    String = 0,
    /// `"int"`
    Int = 1,
    /// `"bool"`
    Bool = 2,
    /// `"string[]"`
    StringList = 3,
}

impl ClaimKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::String, Self::Int, Self::Bool, Self::StringList]
            .get(usize::from(number))
            .copied()
    }
}

/// One declared claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimDecl<'a> {
    /// Its number.
    pub slot: u16,
    /// Its name in the token.
    pub name: &'a str,
    /// Its declared type.
    pub kind: ClaimKind,
}

/// Why bytes are not an image this code can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes do not start like an image.
    NotAnImage,
    /// An image of another format version.
    Version(u16),
    /// Not as long as it says.
    Length,
    /// The checksum does not fit: the image was damaged.
    Damaged,
    /// A section is not where or what it must be.
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
                format::OLDEST_VERSION,
                format::VERSION
            ),
            Self::Length => f.write_str("the policy image is cut short or has something behind it"),
            Self::Damaged => f.write_str("the policy image is damaged: its checksum does not fit"),
            Self::BadSection(section) => {
                write!(f, "the policy image is malformed in `{section:?}`")
            }
        }
    }
}

impl core::error::Error for ImageError {}

/// A validated policy image over any storage.
///
/// INVARIANT (validated): made only by [`Image::from_bytes`], and the storage does not change.
#[derive(Clone, Debug)]
pub struct Image<B> {
    bytes: B,
    layout: Layout,
}

/// Where things are in a validated image.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) sections: [Range<usize>; Section::COUNT],
    pub(crate) version: u16,
    pub(crate) id: ImageId,
    pub(crate) ascii_only: bool,
    pub(crate) reader: PathReader,
    /// The string that is the name of the index document.
    pub(crate) index: Option<u32>,
    pub(crate) max_probe: u32,
}

impl<B: AsRef<[u8]>> Image<B> {
    /// Validates `bytes` as an image.
    ///
    /// Never panics and never allocates; time is linear in the image. The storage must return the same
    /// bytes each time it is asked.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: B) -> Result<Self, ImageError> {
        let layout = validate::layout(bytes.as_ref())?;
        validate::contents(&View::new(bytes.as_ref(), &layout), bytes.as_ref().len())?;
        Ok(Self { bytes, layout })
    }

    /// The content id: two images with one id decide alike.
    pub fn id(&self) -> ImageId {
        self.layout.id
    }

    /// The format version of the image.
    pub fn version(&self) -> u16 {
        self.layout.version
    }

    /// The rules for request paths.
    pub fn path_options(&self) -> PathOptions<'_> {
        PathOptions {
            ascii_only: self.layout.ascii_only,
            reader: self.layout.reader,
            index: self
                .layout
                .index
                .and_then(|index| self.view().string(index)),
        }
    }

    /// The gate's configuration, opaque here.
    pub fn gate_config(&self) -> &[u8] {
        self.view().bytes(Section::Gate)
    }

    /// The whole image.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.view().count(Section::Rules)
    }

    /// How many bytes a section takes.
    pub fn section_bytes(&self, section: Section) -> usize {
        self.view().bytes(section).len()
    }

    /// The name of a rule of this image.
    pub fn rule_name(&self, rule: RuleId) -> Option<RuleName<'_>> {
        let view = self.view();
        let rule = view.rule(rule.0)?;
        Some(RuleName {
            course: view.string(rule.course)?,
            id: view.string(rule.id)?,
        })
    }

    /// The author's reason for a rule, if one was given.
    pub fn rule_because(&self, rule: RuleId) -> Option<&str> {
        let view = self.view();
        let extra = view.extra(view.rule(rule.0)?.extra)?;
        view.string(extra.because)
    }

    /// What a rule does when it matches, and the methods it is about.
    pub fn rule_effect(&self, rule: RuleId) -> Option<(crate::Effect, MethodSet)> {
        let rule = self.view().rule(rule.0)?;
        Some((rule.effect, rule.methods))
    }

    /// How many claims are declared.
    pub fn claim_count(&self) -> usize {
        self.view().count(Section::Claims)
    }

    /// The declared claims in the order of their slots.
    pub fn claims(&self) -> impl Iterator<Item = ClaimDecl<'_>> {
        let view = self.view();
        (0..).map_while(move |slot| {
            let (name, kind) = view.claim(slot)?;
            Some(ClaimDecl { slot, name, kind })
        })
    }

    /// The slot and type of a declared claim.
    pub fn claim_slot(&self, name: &str) -> Option<(u16, ClaimKind)> {
        self.claims()
            .find(|claim| claim.name == name)
            .map(|claim| (claim.slot, claim.kind))
    }

    /// The declared type of a claim.
    pub fn claim_kind(&self, slot: u16) -> Option<ClaimKind> {
        self.view().claim(slot).map(|(_, kind)| kind)
    }

    pub(crate) fn name_id(&self, name: &str) -> Option<u32> {
        self.view().find_name(name)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.bytes.as_ref(), &self.layout)
    }
}
