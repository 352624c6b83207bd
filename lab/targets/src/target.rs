//! The targets by name, started with a policy and asked about cases.
//!
//! A target that this machine cannot run skips its cases and says why; one that refuses the policy
//! fails them. Not here: what a target is made of.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Result, bail};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_testkit::{Answer, Case, Engine, Stop};

use crate::cloudflare::Worker;
use crate::edgeworkers::Bundle;
use crate::embedded::Compiled;
use crate::javascript::resign::Exchanged;
use crate::lambda::Lambda;
use crate::lambda_edge::{Flavour, LambdaEdge, Package};
use crate::native::Library;
use crate::njs::Function;
use crate::node::Node;
use crate::policy::Policy;

/// A way the gate runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The Rust library in this process.
    Native,
    /// The plain WASM module in the `wasmtime` crate.
    Wasmtime,
    /// The npm package in Node.
    Node,
    /// The Lambda@Edge package with the gate as WebAssembly.
    LambdaEdge,
    /// The Lambda@Edge package with the gate as an addon.
    LambdaEdgeNative,
    /// The Cloudflare Worker in workerd.
    Cloudflare,
    /// The native Lambda program behind a runtime API.
    Lambda,
    /// The generated function for CloudFront Functions in nginx's engine.
    CloudfrontFunctions,
    /// The generated bundle for Akamai EdgeWorkers in Node.
    Edgeworkers,
}

/// The name is that of no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTarget;

/// Whatever answers requests.
pub trait Ask {
    /// Answers one request.
    ///
    /// # Errors
    ///
    /// If there is no answer, which is a failure of the target.
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer>;

    /// Why the target cannot be asked this, if it cannot.
    fn cannot(&self, _: &Request<'_>) -> Option<String> {
        None
    }

    /// Asks, unless the target cannot be asked this.
    ///
    /// # Errors
    ///
    /// As [`Ask::ask`].
    fn ask_if_able(&mut self, request: &Request<'_>) -> Result<Option<Answer>> {
        match self.cannot(request) {
            Some(_) => Ok(None),
            None => self.ask(request).map(Some),
        }
    }

    /// What became of the tokens that it was asked with, if it gets others than the cases have.
    fn exchanged(&self) -> Option<Exchanged> {
        None
    }
}

/// Where the built artifacts are: options of every program that drives targets.
#[derive(Clone, Debug, clap::Args)]
pub struct Places {
    /// The plain WASM module.
    #[arg(long, value_name = "FILE")]
    pub wasm: PathBuf,
    /// The folder of the npm package.
    #[arg(long, value_name = "DIR")]
    pub node_package: PathBuf,
    /// The folder with the built parts of edges, a folder for each target.
    #[arg(long, value_name = "DIR")]
    pub parts: PathBuf,
    /// The authors' command, which joins parts and policy.
    #[arg(long, value_name = "FILE")]
    pub tollgate: PathBuf,
    /// The program `workerd`.
    #[arg(long, value_name = "FILE")]
    pub workerd: PathBuf,
    /// The native Lambda program.
    #[arg(long, value_name = "FILE")]
    pub lambda: PathBuf,
    /// The program `cargo-lambda`, which serves it events.
    #[arg(long, value_name = "FILE")]
    pub cargo_lambda: PathBuf,
    /// The program `nginx` with its JavaScript engine.
    #[arg(long, value_name = "FILE")]
    pub nginx: PathBuf,
}

/// Starts targets; what can be made once is made once.
pub struct Host {
    places: Places,
    compiled: OnceLock<Result<Compiled, String>>,
}

/// A target with a policy, or the reason why there is none.
pub struct Started {
    target: Target,
    state: State,
}

enum State {
    Ready(Box<dyn Ask>),
    Absent(String),
    Broken(String),
}

impl Target {
    /// All targets, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Native,
        Self::Wasmtime,
        Self::Node,
        Self::LambdaEdge,
        Self::LambdaEdgeNative,
        Self::Cloudflare,
        Self::Lambda,
        Self::CloudfrontFunctions,
        Self::Edgeworkers,
    ];

    /// The name, as in `--target`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasmtime => "wasmtime",
            Self::Node => "node",
            Self::LambdaEdge => "lambda-edge",
            Self::LambdaEdgeNative => "lambda-edge-native",
            Self::Cloudflare => "cloudflare",
            Self::Lambda => "lambda",
            Self::CloudfrontFunctions => "cloudfront-functions",
            Self::Edgeworkers => "edgeworkers",
        }
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        Self::ALL
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or(UnknownTarget)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the targets are")?;
        for (at, target) in Target::ALL.into_iter().enumerate() {
            write!(f, "{} {target}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownTarget {}

impl Host {
    /// A host of artifacts that have been built.
    pub const fn new(places: Places) -> Self {
        Self {
            places,
            compiled: OnceLock::new(),
        }
    }

    /// Starts a target with a policy.
    pub fn start(&self, target: Target, policy: &Policy) -> Started {
        let state = match self.missing(target) {
            Some(why) => State::Absent(why),
            None => match self.open(target, policy) {
                Ok(asked) => State::Ready(asked),
                Err(error) => State::Broken(format!("{error:#}")),
            },
        };
        Started { target, state }
    }

    /// Starts a target that [is not missing](Self::missing), to ask it without cases.
    ///
    /// # Errors
    ///
    /// If it does not start, or refuses the policy.
    pub fn open(&self, target: Target, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(match target {
            Target::Native => Box::new(Library::load(policy.image())?),
            Target::Wasmtime => Box::new(self.compiled()?.start(policy.image())?),
            Target::Node => Box::new(Node::start(&self.places.node_package, policy.file())?),
            Target::LambdaEdge => Box::new(self.lambda_edge(Flavour::Wasm, policy)?),
            Target::LambdaEdgeNative => Box::new(self.lambda_edge(Flavour::Native, policy)?),
            Target::Cloudflare => Box::new(Worker::build(&self.places, policy.file())?.start()?),
            Target::Lambda => Box::new(Lambda::start(&self.places, policy.file())?),
            Target::CloudfrontFunctions => Box::new(Function::start(&self.places.nginx, policy)?),
            Target::Edgeworkers => Box::new(Bundle::start(policy)?),
        })
    }

    fn lambda_edge(&self, flavour: Flavour, policy: &Policy) -> Result<LambdaEdge> {
        Package::build(flavour, &self.places, policy.file())?.start()
    }

    fn compiled(&self) -> Result<&Compiled> {
        let compile =
            || Compiled::from_file(&self.places.wasm).map_err(|error| format!("{error:#}"));
        match self.compiled.get_or_init(compile) {
            Ok(compiled) => Ok(compiled),
            Err(error) => bail!("{error}"),
        }
    }

    /// Why this machine cannot run the target, if it cannot.
    pub fn missing(&self, target: Target) -> Option<String> {
        let artifact = match target {
            Target::Native => return None,
            Target::Edgeworkers => return Node::missing(),
            Target::CloudfrontFunctions if self.places.nginx.exists() => return None,
            Target::CloudfrontFunctions => {
                return Some(format!("there is no {}", self.places.nginx.display()));
            }
            Target::Wasmtime => self.places.wasm.clone(),
            Target::Node => self.places.node_package.join("pkg/tollgate_node_bg.wasm"),
            Target::LambdaEdge => Flavour::Wasm.artifact(&self.places),
            Target::LambdaEdgeNative => Flavour::Native.artifact(&self.places),
            Target::Cloudflare => Worker::artifact(&self.places),
            Target::Lambda => self.places.lambda.clone(),
        };
        if !artifact.exists() {
            return Some(format!(
                "{} is not built; `cargo xtask build` does it",
                artifact.display()
            ));
        }
        match target {
            Target::Native | Target::Wasmtime => None,
            Target::CloudfrontFunctions | Target::Edgeworkers => None,
            Target::Node | Target::LambdaEdge | Target::LambdaEdgeNative => Node::missing(),
            Target::Cloudflare if self.places.workerd.exists() => None,
            Target::Cloudflare => Some(format!("there is no {}", self.places.workerd.display())),
            Target::Lambda if self.places.cargo_lambda.exists() => None,
            Target::Lambda => Some(format!(
                "there is no {}",
                self.places.cargo_lambda.display()
            )),
        }
    }
}

impl Started {
    /// What became of the tokens that it was asked with, if it gets others than the cases have.
    pub fn exchanged(&self) -> Option<Exchanged> {
        match &self.state {
            State::Ready(asked) => asked.exchanged(),
            State::Absent(_) | State::Broken(_) => None,
        }
    }
}

impl Engine for Started {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn run(&mut self, case: &Case) -> Result<Answer, Stop> {
        let asked = match &mut self.state {
            State::Ready(asked) => asked,
            State::Absent(why) => return Err(Stop::skip(why.as_str())),
            State::Broken(what) => return Err(Stop::broken(what)),
        };
        let values: Vec<Vec<u8>> = case
            .headers
            .iter()
            .map(|(_, value)| header_bytes(value))
            .collect();
        let headers: Vec<(&str, &[u8])> = case
            .headers
            .iter()
            .zip(&values)
            .map(|((name, _), value)| (name.as_str(), value.as_slice()))
            .collect();
        let request = Request {
            method: &case.method,
            target: &case.target,
            headers: &headers,
            ip: case.ip.as_deref(),
            now: UnixSeconds(case.now),
        };
        if let Some(why) = asked.cannot(&request) {
            return Err(Stop::skip(why));
        }
        let answer = asked.ask(&request);
        answer.map_err(|error| {
            // Nothing that failed once is asked again: what it would say means nothing.
            let what = format!("{error:#}");
            self.state = State::Broken(format!("gave up after an earlier failure: {what}"));
            Stop::broken(what)
        })
    }
}

/// The bytes of a header value in a case: one for each char where all are bytes, else UTF-8.
fn header_bytes(value: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = value.chars().map(|char| u8::try_from(char).ok()).collect();
    bytes.unwrap_or_else(|| value.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for target in Target::ALL {
            assert_eq!(target.name().parse(), Ok(target));
        }
        assert_eq!("deno".parse::<Target>(), Err(UnknownTarget));
    }

    #[test]
    fn header_values_are_bytes_where_they_can_be() {
        assert_eq!(header_bytes("a\u{e9}"), b"a\xe9");
        assert_eq!(header_bytes("\u{e9}\u{2013}"), "\u{e9}\u{2013}".as_bytes());
    }
}
