//! What a target is made from, and what it makes.
//!
//! Not here: making it, which each target does in a file of its own, and writing it ([`crate::write`]).

use std::path::Path;

use tollgate_edges::{Edge, Flavour};
use tollgate_policy::spec::ImageSpec;

use super::parts::Parts;
use crate::failure::Failure;
use crate::write::Entry;

/// What a target is made from.
pub(super) struct Input<'a> {
    /// The policy image, signed or not, which the gate has loaded once.
    pub(super) image: &'a [u8],
    /// Trust keys for whatever takes images.
    pub(super) trust: Option<&'a str>,
    /// The checked policy, where a folder was compiled.
    pub(super) spec: Option<&'a ImageSpec>,
    /// Its content id.
    pub(super) id: &'a str,
    /// Where the artifact is going to be.
    pub(super) out: &'a Path,
    /// What is built for all policies.
    pub(super) parts: &'a Parts,
    /// Which parts, of targets that have several flavours of them.
    pub(super) flavour: Option<&'static Flavour>,
}

/// What a target makes.
pub(super) struct Artifact {
    pub(super) content: Content,
    /// More to tell people, a line each.
    pub(super) notes: Vec<String>,
    /// What people should think about, a line each.
    pub(super) warnings: Vec<String>,
}

/// What is written.
pub(super) enum Content {
    File(Vec<u8>),
    Folder(Vec<Entry>),
}

impl Input<'_> {
    /// The checked policy, for targets that an image is not enough for.
    pub(super) fn spec(&self) -> Result<&ImageSpec, Failure> {
        self.spec.ok_or(Failure::NeedsFolder)
    }
}

impl Artifact {
    /// An artifact with nothing more to tell.
    pub(super) fn of(content: Content) -> Self {
        Self {
            content,
            notes: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Content {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Content::File(bytes) => bytes.len(),
            Content::Folder(entries) => entries.iter().map(|entry| entry.bytes.len()).sum(),
        }
    }
}

/// Refuses a file that the edge would not take.
pub(super) fn check_size(edge: &Edge, bytes: usize) -> Result<(), Failure> {
    match edge.max_artifact_bytes {
        Some(limit) if bytes > limit => Err(Failure::TooLarge { bytes, limit }),
        _ => Ok(()),
    }
}
