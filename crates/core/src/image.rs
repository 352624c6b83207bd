//! A compiled policy: validated once, then only read.
//!
//! [`Image::from_bytes`] checks every number in the image, so that reading it later cannot fail; a
//! read that fails nevertheless is an internal error and denies. Not here: writing images
//! (`tollgate-policy`), and matching ([`decide`](crate::decide)).

pub mod format;

mod budget;
mod claim;
mod error;
mod extra;
mod id;
mod layout;
mod program;
mod read;
mod stack;
mod validate;

pub use claim::{ClaimDecl, ClaimKind};
pub use error::ImageError;
pub use extra::Extra;
pub use id::{ImageId, RuleId, RuleName};

pub(crate) use read::{End, Members, Node, Rule, View, instruction as read_instruction};
pub(crate) use stack::Stack;

use crate::method::MethodSet;
use crate::path::PathOptions;
use format::Section;
use layout::Layout;

/// A validated policy image over any storage.
///
/// INVARIANT (validated): made only by [`Image::from_bytes`], and the storage does not change.
#[derive(Clone, Debug)]
pub struct Image<B> {
    bytes: B,
    layout: Layout,
}

impl<B: AsRef<[u8]>> Image<B> {
    /// Validates `bytes` as an image.
    ///
    /// Never panics and never allocates; time is linear in the image. The storage must return the same
    /// bytes on every call.
    ///
    /// # Errors
    /// Returns an error if the bytes are not a valid image of a version that this code reads.
    pub fn from_bytes(bytes: B) -> Result<Self, ImageError> {
        let layout = layout::layout(bytes.as_ref())?;
        validate::contents(&View::new(bytes.as_ref(), &layout), bytes.as_ref().len())?;
        Ok(Self { bytes, layout })
    }

    /// The content id: two images with the same id decide identically.
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

    /// The number of rules.
    pub fn rule_count(&self) -> usize {
        self.view().count(Section::Rules)
    }

    /// The size of a section in bytes.
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

    /// The effect of a rule, and its methods.
    pub fn rule_effect(&self, rule: RuleId) -> Option<(crate::Effect, MethodSet)> {
        let rule = self.view().rule(rule.0)?;
        Some((rule.effect, rule.methods))
    }

    /// The number of declared claims.
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
