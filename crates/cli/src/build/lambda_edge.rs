//! A Lambda@Edge function: a zip with the handler, the gate and the policy.
//!
//! AWS gives such a function no environment variables, no layers, and only the Node and Python runtimes, so its whole
//! configuration is in the zip. Not here: the handler, which is `lambda-adapter/edge`.

use super::artifact::{Artifact, Input};
use crate::failure::sized;

/// The former limit for viewer events; some older accounts still have it.
const SMALL_ZIP_BYTES: usize = 1_024 * 1_024;

/// Reports the size of the zip.
pub(super) fn finish(input: &Input<'_>, unpacked: usize, artifact: &mut Artifact) {
    artifact.notes.push(format!(
        "handler index.handler, {} unpacked, of which the policy is {}",
        sized(unpacked),
        sized(input.image().len())
    ));
    let packed = artifact.content.bytes();
    if packed > SMALL_ZIP_BYTES {
        artifact.warnings.push(format!(
            "{} exceeds {}, which is still the limit for viewer events in some accounts",
            sized(packed),
            sized(SMALL_ZIP_BYTES)
        ));
    }
}
