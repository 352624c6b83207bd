//! The input and the output of building a target.
//!
//! Not here: building, which each target does in its own file, and writing ([`crate::write`]).

use std::path::Path;

use tollgate_edges::{Edge, Flavour};
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;
use tollgate_proxies::Site;

use super::parts::Parts;
use crate::failure::Failure;
use crate::policy::Deployable;
use crate::write::Entry;

/// The input of building a target.
pub(super) struct Input<'a> {
    /// The policy, whose image the gate has loaded once.
    pub(super) policy: &'a Deployable,
    /// Trust keys for targets that load images.
    pub(super) trust: Option<&'a str>,
    /// The configuration of the gate in the image.
    pub(super) gate: &'a GateConfig,
    /// The name of the index document.
    pub(super) index: Option<&'a str>,
    /// The addresses in the configuration of a proxy.
    pub(super) site: Option<&'a Site>,
    /// The policy ID.
    pub(super) id: &'a str,
    /// The path that the artifact is written to.
    pub(super) out: &'a Path,
    /// The built parts, which are the same for every policy.
    pub(super) parts: &'a Parts,
    /// The flavour of the parts, for targets that have several.
    pub(super) flavour: Option<&'static Flavour>,
}

/// The output of building a target.
pub(super) struct Artifact {
    pub(super) content: Content,
    /// Notes for the human-readable report, one per line.
    pub(super) notes: Vec<String>,
    /// Warnings, one per line.
    pub(super) warnings: Vec<String>,
}

/// The files to write.
pub(super) enum Content {
    File(Vec<u8>),
    /// A directory that contains nothing else, replaced atomically.
    Folder(Vec<Entry>),
    /// Files in a directory that may contain others, each replaced atomically.
    Files(Vec<Entry>),
}

impl Input<'_> {
    /// The policy image, signed or not.
    pub(super) fn image(&self) -> &[u8] {
        self.policy.image()
    }

    /// The checked policy, for targets that cannot be built from an image.
    pub(super) fn spec(&self) -> Result<&ImageSpec, Failure> {
        self.policy.spec().ok_or(Failure::NeedsFolder)
    }
}

impl Artifact {
    /// An artifact without notes or warnings.
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
            Content::Folder(entries) | Content::Files(entries) => {
                entries.iter().map(|entry| entry.bytes.len()).sum()
            }
        }
    }
}

/// Returns an error if the artifact is larger than the edge accepts.
pub(super) fn check_size(edge: &Edge, bytes: usize) -> Result<(), Failure> {
    match edge.max_artifact_bytes {
        Some(limit) if bytes > limit => Err(Failure::TooLarge { bytes, limit }),
        _ => Ok(()),
    }
}
