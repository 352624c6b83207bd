//! A Lambda@Edge function: a zip with the handler, the gate and the policy.
//!
//! AWS gives such a function no environment variables, no layers and no runtime but Node and Python,
//! so everything it knows is in the zip. Not here: the handler, which is `lambda-adapter/edge`.

use super::artifact::{Artifact, Input};
use crate::failure::sized;

/// The former limit for viewer events; some older accounts still have it.
const SMALL_ZIP_BYTES: usize = 1_024 * 1_024;

/// Says how large the zip is.
pub(super) fn finish(input: &Input<'_>, unpacked: usize, artifact: &mut Artifact) {
    artifact.notes.push(format!(
        "handler index.handler, {} unpacked, of which the policy is {}",
        sized(unpacked),
        sized(input.image.len())
    ));
    let packed = artifact.content.bytes();
    if packed > SMALL_ZIP_BYTES {
        artifact.warnings.push(format!(
            "{} is more than {}, which some accounts still have as limit for viewer events",
            sized(packed),
            sized(SMALL_ZIP_BYTES)
        ));
    }
}
