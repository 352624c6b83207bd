//! A Lambda@Edge function: a zip with the handler, the gate and the policy.
//!
//! AWS gives such a function no environment variables, no layers and no runtime but Node and Python,
//! so whatever it knows is in the zip. Not here: the handler, which is `lambda-adapter/edge`.

use clap::ValueEnum;
use tollgate_edges::LAMBDA_EDGE;

use super::{Artifact, Content, Entry, Input, pack, parts, sign};
use crate::failure::{Failure, sized};

/// The file that AWS calls as `index.handler`.
const HANDLER: &str = "index.mjs";
/// Where the handler looks for the policy.
pub(super) const POLICY: &str = "policy.tgi";
/// Where it looks for trust keys.
const TRUST: &str = "trust.mjs";
/// What was the limit for viewer events until lately, and may still be where an account is old.
const SMALL_ZIP_BYTES: usize = 1_024 * 1_024;

/// What decides inside the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flavour {
    /// The gate as WebAssembly: small, for every processor
    Wasm,
    /// The gate as an addon for Node on Linux x86-64: verifies signatures faster
    Native,
}

impl Flavour {
    /// Its folder among the parts.
    const fn folder(self) -> &'static str {
        match self {
            Flavour::Wasm => "lambda-edge/wasm",
            Flavour::Native => "lambda-edge/native",
        }
    }
}

pub(super) fn build(input: &Input<'_>) -> Result<Artifact, Failure> {
    let flavour = input.flavour.unwrap_or(Flavour::Wasm);
    let mut entries = input.parts.folder(flavour.folder(), HANDLER)?;
    sign::put_trust(&mut entries, TRUST, input.trust)?;
    entries.push(Entry {
        name: POLICY.to_owned(),
        bytes: input.image.to_vec(),
    });
    parts::check_complete(&entries)?;
    let unpacked: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
    let archive = pack::zip(entries).map_err(Failure::Pack)?;
    let packed = archive.len();
    super::check_size(&LAMBDA_EDGE, packed)?;
    let mut artifact = Artifact::of(Content::File(archive));
    artifact.notes.push(format!(
        "handler index.handler, {} unpacked, of which the policy is {}",
        sized(unpacked),
        sized(input.image.len())
    ));
    if packed > SMALL_ZIP_BYTES {
        artifact.warnings.push(format!(
            "{} is more than {}, which some accounts still have as limit for viewer events",
            sized(packed),
            sized(SMALL_ZIP_BYTES)
        ));
    }
    Ok(artifact)
}
