//! Limitations of an edge for a policy, for subcommands that target one edge.
//!
//! Not here: the capabilities of edges, which `tollgate-edges` describes.

use tollgate_compiler::{Diagnostic, SourceTree};
use tollgate_edges::Edge;
use tollgate_gate::config::GateConfig;

use crate::failure::Failure;
use crate::notes::Notes;

/// Returns warnings about what users cannot do on the named edge. A name that is not an edge has none.
///
/// # Errors
///
/// Returns an error if no user could gain access on the edge.
pub(crate) fn check(
    name: &str,
    config: &GateConfig,
    sources: SourceTree,
) -> Result<Notes, Failure> {
    let edge = Edge::named(name);
    let findings = edge.map_or_else(Vec::new, |edge| edge.check(config, &sources));
    if findings.iter().any(Diagnostic::is_error) {
        let sources = Box::new(sources);
        return Err(Failure::Policy { findings, sources });
    }
    Ok(Notes::new(findings, sources))
}
