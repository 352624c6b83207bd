//! The policy image alone: what `tollgate serve` and every embedder load.

use super::{Artifact, Content, Input};
use crate::failure::Failure;

pub(super) fn build(input: &Input<'_>) -> Result<Artifact, Failure> {
    Ok(Artifact::of(Content::File(input.image.to_vec())))
}
