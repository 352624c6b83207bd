//! Built parts joined with a policy image: a zip or a directory, as the edge's description specifies.
//!
//! Not here: additions for one edge, which are in the edge's own file.

use tollgate_edges::{Artifact as Deployed, CLOUDFLARE, Edge, LAMBDA_EDGE, Parts};

use super::artifact::{Artifact, Content, Input, check_size};
use super::{cloudflare, lambda_edge, pack, parts, sign};
use crate::failure::Failure;
use crate::write::Entry;

/// Adds an edge's own files, notes and warnings to its artifact. The number is the size of the joined files, in bytes.
type Finish = fn(&Input<'_>, usize, &mut Artifact);

/// The edges that have additions.
const FINISHES: [(&str, Finish); 2] = [
    (LAMBDA_EDGE.name, lambda_edge::finish),
    (CLOUDFLARE.name, cloudflare::finish),
];

pub(super) fn build(edge: &Edge, of: &Parts, input: &Input<'_>) -> Result<Artifact, Failure> {
    let folder = of.folder_of(input.flavour);
    let mut entries = input.parts.folder(&folder, of.main)?;
    sign::put_trust(&mut entries, of.trust, input.trust)?;
    entries.push(Entry {
        name: of.policy.to_owned(),
        bytes: input.image().to_vec(),
    });
    parts::check_complete(&entries)?;
    // The file that the edge starts comes first.
    entries.sort_by_key(|entry| (entry.name != of.main, entry.name.clone()));
    let bytes: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
    let content = match edge.artifact {
        Deployed::Zip(_) => Content::File(pack::zip(entries).map_err(Failure::Pack)?),
        Deployed::Folder(_) | Deployed::Function | Deployed::Bundle | Deployed::Config(_) => {
            Content::Folder(entries)
        }
    };
    check_size(edge, content.bytes())?;
    let mut artifact = Artifact::of(content);
    if let Some((_, finish)) = FINISHES.iter().find(|(name, _)| *name == edge.name) {
        finish(input, bytes, &mut artifact);
    }
    Ok(artifact)
}
