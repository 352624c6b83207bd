//! A target that can be asked, hurt and given another policy, and how one is started.

use core::cell::OnceCell;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use tollgate_gate::Request;

use super::store::Store;
use super::{native, node, program, scripts, wasm, worker};
use crate::embedded::Compiled;
use crate::lambda_edge::Flavour;
use crate::policy::Policy;
use crate::target::{Places, Target};

/// What a target did with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whether the request went on to the origin, or what stands for it.
    pub allows: bool,
    /// The status of the answer; 200 for a request that went on.
    pub status: u16,
    /// Why, in the words of the log record; what was said in its place where there was none.
    pub why: String,
}

/// What can be made to happen inside a target with the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Something panics, traps or throws.
    Panic,
    /// There is no more memory for a module.
    Memory,
}

/// A running target.
pub trait Edge {
    /// Asks it about a request, which may wait for keys as it would in production.
    ///
    /// # Errors
    ///
    /// If there is no answer at all.
    fn ask(&mut self, request: &Request<'_>) -> Result<Told>;

    /// Makes this happen with the next request.
    ///
    /// # Errors
    ///
    /// If it cannot happen here.
    fn break_next(&mut self, how: Break) -> Result<()>;

    /// Offers another policy image while it runs, where that is how the target gets one. An image that is
    /// refused is an error inside.
    fn offer(&mut self, _image: &[u8]) -> Option<Result<()>> {
        None
    }
}

/// A signed image, and the trust keys that know who signed it.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The trust keys, as text.
    pub trust: &'a str,
    /// The image in its envelope.
    pub image: &'a [u8],
}

/// Everything that targets are started from.
pub struct Stage {
    /// The built artifacts.
    pub places: Places,
    /// The Lambda program with keys that panic; it is built for this alone.
    pub fragile_lambda: PathBuf,
    compiled: OnceCell<Compiled>,
}

impl Stage {
    /// With artifacts that have been built.
    pub const fn new(places: Places, fragile_lambda: PathBuf) -> Stage {
        Stage {
            compiled: OnceCell::new(),
            places,
            fragile_lambda,
        }
    }

    /// The plain module, compiled at its first use.
    fn compiled(&self) -> Result<&Compiled> {
        if let Some(compiled) = self.compiled.get() {
            return Ok(compiled);
        }
        let compiled = Compiled::from_file(&self.places.wasm)?;
        Ok(self.compiled.get_or_init(|| compiled))
    }

    /// Starts a target with a policy; a Worker that reads policies from `store` where there is one.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(
        &self,
        target: Target,
        policy: &Policy,
        store: Option<&Store>,
    ) -> Result<Box<dyn Edge + '_>> {
        let places = &self.places;
        Ok(match target {
            Target::Native => Box::new(native::Native::start(policy.image())?),
            Target::Wasmtime => {
                Box::new(wasm::Wasm::start(self.compiled()?, policy.image(), None)?)
            }
            Target::Node => Box::new(node::Package::start(&places.node_package, policy.file())?),
            Target::LambdaEdge => Box::new(node::Handler::start(Flavour::Wasm, places, policy)?),
            Target::LambdaEdgeNative => {
                Box::new(node::Handler::start(Flavour::Native, places, policy)?)
            }
            Target::Cloudflare => Box::new(worker::LiveWorker::start(places, policy, store)?),
            Target::Lambda => Box::new(program::Program::start(
                places,
                &self.fragile_lambda,
                policy.file(),
            )?),
            Target::CloudfrontFunctions => {
                Box::new(scripts::Function::start(&places.nginx, policy, |store| {
                    store
                })?)
            }
            Target::Edgeworkers => Box::new(scripts::Bundle::start(policy)?),
        })
    }

    /// Starts a target that takes only images that are signed as its trust keys ask, where it gets images
    /// while it runs.
    ///
    /// # Errors
    ///
    /// If it does not start, or gets none.
    pub fn start_signed(
        &self,
        target: Target,
        policy: &Policy,
        signed: &Signed<'_>,
        store: Option<&Store>,
    ) -> Result<Box<dyn Edge + '_>> {
        let places = &self.places;
        let Signed { trust, image } = *signed;
        Ok(match target {
            Target::Wasmtime => Box::new(wasm::Wasm::start(self.compiled()?, image, Some(trust))?),
            Target::Node => {
                let mut package = node::Package::start(&places.node_package, policy.file())?;
                package.trust(trust, image)?;
                Box::new(package)
            }
            Target::Cloudflare => {
                let [image, trust] = [in_file(image)?, in_file(trust.as_bytes())?];
                let (image, trust) = (image.path(), trust.path());
                Box::new(worker::LiveWorker::start_signed(
                    places, image, trust, store,
                )?)
            }
            other => bail!("{other} gets no images while it runs"),
        })
    }

    /// Starts the function for CloudFront beside a store that is not as it should be.
    ///
    /// # Errors
    ///
    /// If nginx does not start.
    pub fn function_beside(
        &self,
        policy: &Policy,
        spoil: impl FnOnce(serde_json::Value) -> serde_json::Value,
    ) -> Result<Box<dyn Edge>> {
        let function = scripts::Function::start(&self.places.nginx, policy, spoil)?;
        Ok(Box::new(function))
    }

    /// Starts a Lambda@Edge package whose image was replaced by these bytes after it was built.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn package_with(
        &self,
        flavour: Flavour,
        policy: &Policy,
        image: &[u8],
    ) -> Result<Box<dyn Edge>> {
        let handler = node::Handler::with_image(flavour, &self.places, policy, image)?;
        Ok(Box::new(handler))
    }

    /// Why a program refuses to start with an image, in its own words; with trust keys, only a signed one that
    /// is not older than a version would do.
    ///
    /// # Errors
    ///
    /// If it starts.
    pub fn refusal(
        &self,
        target: Target,
        image: &[u8],
        trust: Option<(&str, u64)>,
    ) -> Result<String> {
        let file = in_file(image)?;
        let trust = match trust {
            Some((keys, oldest)) => Some((in_file(keys.as_bytes())?, oldest.to_string())),
            None => None,
        };
        let mut command = match target {
            Target::Native => {
                let mut serve = Command::new(&self.places.tollgate);
                serve.args(["serve", "--root", ".", "--listen", "127.0.0.1:0"]);
                serve.arg("--policy").arg(file.path());
                if let Some((keys, oldest)) = &trust {
                    serve.arg("--trust").arg(keys.path());
                    serve.args(["--oldest-version", oldest]);
                }
                serve
            }
            Target::Lambda => {
                let mut function = Command::new(&self.places.lambda);
                function.env("TOLLGATE_ROLE", "cloudfront");
                function.env("TOLLGATE_POLICY", file.path());
                if let Some((keys, oldest)) = &trust {
                    function.env("TOLLGATE_TRUST", keys.path());
                    function.env("TOLLGATE_OLDEST_POLICY", oldest);
                }
                function
            }
            other => bail!("{other} is no program"),
        };
        let said = command.output().context("the program cannot be run")?;
        if said.status.success() {
            bail!("{target} started with a broken image");
        }
        let text = String::from_utf8_lossy(&said.stderr);
        let last = text
            .lines()
            .rev()
            .find(|line| line.contains("rejected") || line.contains("refused"));
        let last = last.with_context(|| format!("it said something else: {text}"))?;
        let file = file.path().display().to_string();
        Ok(last.trim().replace(&file, "policy.tgi"))
    }
}

/// A file with these bytes, as long as the value lives.
fn in_file(bytes: &[u8]) -> Result<NamedTempFile> {
    let file = NamedTempFile::new().context("cannot make a temporary file")?;
    std::fs::write(file.path(), bytes).context("cannot write a temporary file")?;
    Ok(file)
}

/// A filler that makes a request larger than the memory that a module has left.
pub(super) const FILLER_BYTES: usize = 8 * 1_024 * 1_024;
