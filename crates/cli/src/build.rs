//! `tollgate build`: builds the artifact of a policy for any edge. A failed build leaves no files behind.
//!
//! Targets are the image and the edges that `tollgate-edges` describes. This file has the steps that all targets share:
//! compiling, atomic writing, reporting. The files under `build/` join built parts with the policy and add the files
//! that only one edge needs.

mod artifact;
mod cloudflare;
mod cloudfront_functions;
mod edgeworkers;
mod joined;
mod lambda_edge;
mod pack;
mod parts;
mod proxy;
mod sign;
mod sign_in;
mod target;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tollgate_author::test_keys;
use tollgate_compiler::SourceTree;
use tollgate_core::Image;
use tollgate_edges::Edge;
use tollgate_gate::Gate;

use crate::failure::{Failure, Problem, print_findings, sized, warn};
use crate::output::{FAINT, GOOD, print, print_json, styled, visible};
use crate::overwrite::{self, Output, OverwriteError, Refused};
use crate::policy::Deployable;
use crate::verdict::Verdict;
use crate::write::{self, write_whole};
use crate::{edge, policy, trust};
use artifact::{Content, Input};
use parts::Parts;
pub(crate) use parts::PartsError;
use proxy::SiteArgs;
use sign::SignArgs;
use target::Target;

/// Compile a policy into the artifact that an edge loads
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tollgate build policy -o dist/policy.tgi\n  \
                  tollgate build policy --target lambda-edge -o dist/edge.zip\n  \
                  tollgate build policy --target nginx --listen 0.0.0.0:80 --authz 127.0.0.1:9000 \\\n      \
                  --upstream http://127.0.0.1:8081 -o dist/nginx\n  \
                  tollgate build policy --sign release-1.pem --key-id release-1 --policy-version 7 \\\n      \
                  --trust trust.json --target cloudflare -o dist"
)]
pub(crate) struct Build {
    /// The policy directory, or an image that was built from one [default: the nearest directory with `site.toml`]
    #[arg(value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Write the artifact to this file or directory; an existing one is replaced atomically
    #[arg(short, long, value_name = "PATH")]
    out: PathBuf,
    /// The artifact to build
    #[arg(long, value_name = "TARGET", default_value = target::IMAGE, value_parser = target::parser())]
    target: Target,
    /// With `--target lambda-edge`: the build of the gate in the function [default: wasm]
    #[arg(long, value_name = "FLAVOUR", value_parser = target::flavours())]
    flavour: Option<String>,
    /// The directory of the built parts [default: $TOLLGATE_PARTS, else the parts inside this program, else `parts` next
    /// to it or to its directory]
    #[arg(long, value_name = "DIR")]
    parts: Option<PathBuf>,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    signing: SignArgs,
    /// Skip invalid keys of key sets with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The file of a target, without signature and trust keys.
pub(crate) fn file(
    target: &str,
    policy: &Deployable,
    gate: &Gate<Vec<u8>>,
    parts: Option<PathBuf>,
) -> Result<Vec<u8>, Failure> {
    let edge = Edge::named(target).ok_or_else(|| Failure::NoArtifact(target.to_owned()))?;
    let target = Target::Edge(edge);
    let artifact = target.build(&Input {
        policy,
        trust: None,
        gate: gate.config(),
        index: gate.image().path_options().index,
        site: None,
        id: &gate.policy_id().to_string(),
        out: Path::new("artifact"),
        parts: &Parts::find(parts),
        flavour: target.flavour(None),
    })?;
    match artifact.content {
        Content::File(bytes) => Ok(bytes),
        Content::Folder(_) | Content::Files(_) => {
            Err(Failure::NoArtifact(target.name().to_owned()))
        }
    }
}

impl Build {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let target = self.target.name();
        let flavour = self.target.flavour(self.flavour.as_deref());
        if self.flavour.is_some() && flavour.is_none() {
            return Err(Failure::Argument {
                name: "--flavour",
                value: target.to_owned(),
                problem: Problem::Flavour,
            });
        }
        if self.signing.needs_image() && !self.target.has_image() {
            return Err(Failure::NotSignable);
        }
        let addresses = self.site.site(target, self.target.proxy())?;
        if let Some(output) = self.target.file() {
            overwrite::check(&self.out, output)?;
        }
        let source = policy::folder_or_default(self.policy)?;
        let (policy, sources) = if source.is_file() {
            (Deployable::read(&source)?, SourceTree::new())
        } else {
            let policy = policy::compile(&source, self.lenient_jwks)?;
            if !self.json {
                print_findings(&policy.diagnostics, &policy.sources);
            }
            (policy.deployable, policy.sources)
        };
        let policy = self.signing.sealed(policy, &source)?;
        let keys = self.signing.trust()?;
        let mut trust = match &keys {
            Some((path, text)) => Some(trust::of_bytes(path, text)?),
            None => None,
        };
        // Load the image once with the same code that loads it at the edge.
        let gate = policy.gate(&source, trust.as_mut())?;
        let limits = edge::check(target, gate.config(), sources)?;
        let (image, id, release) = (gate.image(), gate.policy_id(), gate.release());
        self.signing.check_replaced(&self.out, release, id)?;
        let keys = keys.map(|(_, text)| String::from_utf8_lossy(&text).into_owned());
        let artifact = self.target.build(&Input {
            policy: &policy,
            trust: keys.as_deref(),
            gate: gate.config(),
            index: image.path_options().index,
            site: addresses.as_ref(),
            id: &id.to_string(),
            out: &self.out,
            parts: &Parts::find(self.parts),
            flavour,
        })?;
        let written = match &artifact.content {
            Content::File(bytes) => write_whole(&self.out, bytes),
            Content::Folder(entries) => {
                overwrite::check_place(&self.out)?;
                for entry in entries.iter().filter(|entry| entry.name.ends_with(".toml")) {
                    overwrite::check_place(&self.out.join(&entry.name))?;
                }
                let replaces = write::replaced(&self.out, entries).is_ok_and(|replaces| replaces);
                if replaces && !self.target.made(&self.out) {
                    let (path, refused) = (self.out, Refused::Foreign(Output::Folder));
                    return Err(OverwriteError { path, refused }.into());
                }
                write::write_folder(&self.out, entries)
            }
            Content::Files(entries) => {
                for entry in entries {
                    overwrite::check(&self.out.join(&entry.name), Output::Config)?;
                }
                write::write_files(&self.out, entries)
            }
        };
        written.map_err(|error| Failure::Write {
            path: self.out.clone(),
            error,
        })?;
        let bytes = artifact.content.bytes();
        if self.json {
            let mut object = json!({
                "policy": id.to_string(),
                "target": target,
                "file": self.out.to_string_lossy(),
                "bytes": bytes,
                "rules": Image::rule_count(image),
            });
            limits.add_to(&mut object);
            if let (Some(release), Some(object)) = (release, object.as_object_mut()) {
                object.insert("key_id".to_owned(), (*release.key_id).into());
                object.insert("policy_version".to_owned(), release.version.get().into());
            }
            print_json(object)?;
        } else {
            print(format_args!(
                "{} {} ({}, policy {id})",
                styled(GOOD, "wrote"),
                self.out.display(),
                sized(bytes)
            ))?;
            if let Some(release) = release {
                let text = format!(
                    "version {}, signed with {}",
                    release.version, release.key_id
                );
                print(styled(FAINT, visible(&text)))?;
            }
            limits.print();
            for note in &artifact.notes {
                print(styled(FAINT, note))?;
            }
            for warning in &artifact.warnings {
                warn(warning);
            }
            for key in test_keys::of_config(gate.config()) {
                warn(format_args!("{key}: do not publish this; {}", key.cure()));
            }
        }
        Ok(Verdict::Yes)
    }
}
