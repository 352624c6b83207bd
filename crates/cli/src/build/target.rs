//! Build targets: the policy image, and the artifact of every edge.

use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tollgate_edges::{Artifact as Deployed, EDGES, Edge, Flavour};
use tollgate_proxies::Proxy;

use super::artifact::{Artifact, Content, Input};
use super::{cloudfront_functions, edgeworkers, joined, proxy};
use crate::failure::Failure;
use crate::overwrite::{self, Output};

/// The name of the image as a target.
pub(super) const IMAGE: &str = "image";

/// The policy image, or the artifact of an edge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Image,
    Edge(&'static Edge),
}

/// Returns the parser of `--target`, which lists all targets.
pub(super) fn parser() -> impl TypedValueParser<Value = Target> {
    let image =
        PossibleValue::new(IMAGE).help("The policy image: rules, keys and responses in one file");
    let edges = EDGES
        .iter()
        .map(|edge| PossibleValue::new(edge.name).help(edge.about));
    PossibleValuesParser::new([image].into_iter().chain(edges))
        .map(|name| Edge::named(&name).map_or(Target::Image, Target::Edge))
}

/// Returns the parser of `--flavour`, which lists the flavours of all edges.
pub(super) fn flavours() -> PossibleValuesParser {
    let flavours = EDGES.iter().filter_map(Edge::parts);
    let flavours = flavours.flat_map(|parts| parts.flavours);
    PossibleValuesParser::new(
        flavours.map(|flavour| PossibleValue::new(flavour.name).help(flavour.about)),
    )
}

impl Target {
    /// The name, as in `--target`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Target::Image => IMAGE,
            Target::Edge(edge) => edge.name,
        }
    }

    /// The proxy that the artifact configures.
    pub(super) const fn proxy(self) -> Option<Proxy> {
        match self {
            Target::Image => None,
            Target::Edge(edge) => edge.proxy(),
        }
    }

    /// The named flavour, or the default one. `None` if it does not exist.
    pub(super) fn flavour(self, name: Option<&str>) -> Option<&'static Flavour> {
        match self {
            Target::Image => None,
            Target::Edge(edge) => edge.parts()?.flavour(name),
        }
    }

    /// The kind of the artifact, if it is a single file.
    pub(super) const fn file(self) -> Option<Output> {
        match self {
            Target::Image => Some(Output::Image),
            Target::Edge(edge) => match edge.artifact {
                Deployed::Zip(_) => Some(Output::LambdaZip),
                Deployed::Bundle => Some(Output::Bundle),
                Deployed::Folder(_) | Deployed::Function | Deployed::Config(_) => None,
            },
        }
    }

    /// Whether a directory holds an earlier artifact of this target.
    pub(super) fn made(self, folder: &Path) -> bool {
        match self {
            Target::Image => false,
            Target::Edge(edge) => match edge.artifact {
                Deployed::Folder(parts) => {
                    let policy = folder.join(parts.policy);
                    policy.is_file() && overwrite::check(&policy, Output::Image).is_ok()
                }
                Deployed::Function => cloudfront_functions::made(folder),
                // The files of a configuration are recognised one by one.
                Deployed::Zip(_) | Deployed::Bundle | Deployed::Config(_) => false,
            },
        }
    }

    /// Whether the artifact loads an image, which can be signed. The other artifacts are code generated from the
    /// policy: an attacker who can replace that code can replace everything.
    pub(super) const fn has_image(self) -> bool {
        match self {
            Target::Image => true,
            Target::Edge(edge) => edge.parts().is_some(),
        }
    }

    pub(super) fn build(self, input: &Input<'_>) -> Result<Artifact, Failure> {
        match self {
            Target::Image => Ok(Artifact::of(Content::File(input.image().to_vec()))),
            Target::Edge(edge) => match &edge.artifact {
                Deployed::Zip(parts) | Deployed::Folder(parts) => joined::build(edge, parts, input),
                Deployed::Function => cloudfront_functions::build(input),
                Deployed::Bundle => edgeworkers::build(input),
                Deployed::Config(of) => proxy::build(*of, input),
            },
        }
    }
}
