//! Generated JavaScript, built from a policy and run in Node.
//!
//! Cases whose token an edge cannot verify use the session that the native gate mints from it. If it mints
//! none, they use the same token in the algorithm that the edge supports (see [`resign`]). Not here: nginx's
//! engine, which is in `njs`.

pub mod resign;
mod session;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_gate::Request;
use tollgate_javascript::{CloudFront, cloudfront, cloudfront_of_any_size, edgeworkers};
use tollgate_policy::spec::ImageSpec;
use tollgate_testkit::Answer;

use crate::process::Process;

/// The files that run scripts, embedded in the program, so that it works from any directory.
pub(crate) const EVENT: &str = include_str!("../javascript/event.js");
/// The mock of CloudFront's module.
pub(crate) const CLOUDFRONT: &str = include_str!("../javascript/cloudfront.js");
const ENGINES: &str = include_str!("../javascript/engines.mjs");

/// The latest time that a JavaScript clock can represent, in seconds since 1970.
pub const MAX_CLOCK_SECS: i64 = 8_640_000_000_000;

/// A restricted edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// CloudFront Functions.
    CloudFront,
    /// Akamai EdgeWorkers.
    EdgeWorkers,
}

/// A generated script with its runtime environment.
pub struct Script {
    edge: Engine,
    source: String,
    store: Value,
}

impl Script {
    /// Generates the script of a policy with this image id.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy cannot become a script; the message contains the reason.
    pub fn new(edge: Engine, policy: &ImageSpec, id: &str) -> Result<Self> {
        Ok(match edge {
            Engine::CloudFront => Self::from_cloudfront(&cloudfront(policy, id)?),
            Engine::EdgeWorkers => Self {
                edge,
                source: edgeworkers(policy, id)?.main,
                store: json!({}),
            },
        })
    }

    /// Generates the function of a policy, even if it exceeds CloudFront's size limit.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy cannot become a function for another reason; the message contains the
    /// reason.
    pub fn cloudfront_of_any_size(policy: &ImageSpec, id: &str) -> Result<Self> {
        Ok(Self::from_cloudfront(&cloudfront_of_any_size(policy, id)?))
    }

    /// Returns the script and store of a finished function.
    pub fn from_cloudfront(made: &CloudFront) -> Self {
        let entries = made.entries.iter().chain([&made.pointer]);
        let store = entries.map(|entry| (entry.key.clone(), json!(entry.value)));
        Self {
            edge: Engine::CloudFront,
            source: made.function.clone(),
            store: Value::Object(store.collect()),
        }
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The store's entries as a single object.
    pub fn store(&self) -> &Value {
        &self.store
    }

    /// Returns the same script with another store.
    #[must_use]
    pub fn with_store(&self, store: Value) -> Self {
        Self {
            edge: self.edge,
            source: self.source.clone(),
            store,
        }
    }
}

/// A Node process that runs scripts, one at a time.
pub struct Node {
    process: Process,
    /// Contains the files that the process reads.
    _folder: TempDir,
}

impl Node {
    /// Starts Node, with WebAssembly and code from strings switched off.
    ///
    /// # Errors
    ///
    /// Returns an error if Node cannot be started.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
        for (name, text) in [
            ("event.js", EVENT),
            ("cloudfront.js", CLOUDFRONT),
            ("engines.mjs", ENGINES),
        ] {
            fs::write(folder.path().join(name), text).context("cannot write a temporary file")?;
        }
        let mut command = Command::new("node");
        command
            .args([
                "--no-expose-wasm",
                "--disallow-code-generation-from-strings",
                "--experimental-vm-modules",
                "--no-warnings",
            ])
            .arg(folder.path().join("engines.mjs"))
            .arg(folder.path());
        Ok(Self {
            process: Process::start("node", &mut command)?,
            _folder: folder,
        })
    }

    /// Loads a script that replaces the previous one.
    ///
    /// # Errors
    ///
    /// Returns an error if the script throws or does not parse.
    pub fn load(&mut self, script: &Script) -> Result<()> {
        let edge = match script.edge {
            Engine::CloudFront => "cloudfront",
            Engine::EdgeWorkers => "edgeworkers",
        };
        let load = json!({ "edge": edge, "source": script.source, "store": script.store });
        self.process.exchange(&json!({ "load": load })).map(drop)
    }

    /// Decides requests repeatedly with the loaded bundle; returns nanoseconds per decision, one value per
    /// sample, and those of a bundle that does nothing.
    ///
    /// # Errors
    ///
    /// Returns an error if the script throws, or is not an EdgeWorkers bundle.
    pub fn measure(
        &mut self,
        requests: &[Value],
        samples: usize,
        repeats: u32,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let asked = json!({ "requests": requests, "samples": samples, "repeats": repeats });
        let said = self.process.exchange(&json!({ "measure": asked }))?;
        let figures = |name: &str| {
            let figures = said.get(name).and_then(Value::as_array);
            let figures = figures.with_context(|| format!("no measurements: {said}"))?;
            Ok::<Vec<f64>, anyhow::Error>(figures.iter().filter_map(Value::as_f64).collect())
        };
        Ok((figures("ns")?, figures("bare_ns")?))
    }

    /// Returns the code points in these ranges that the loaded script accepts in a path. `request` contains
    /// everything except a target.
    ///
    /// # Errors
    ///
    /// Returns an error if the script throws.
    pub fn accepted(&mut self, request: &Value, ranges: &[(u32, u32)]) -> Result<Vec<u64>> {
        let asked = json!({ "request": request, "ranges": ranges });
        let said = self.process.exchange(&json!({ "sweep": asked }))?;
        let allowed = said.get("allowed").and_then(Value::as_array);
        let allowed = allowed.with_context(|| format!("no code points: {said}"))?;
        Ok(allowed.iter().filter_map(Value::as_u64).collect())
    }

    /// Evaluates requests with the loaded script.
    ///
    /// # Errors
    ///
    /// Returns an error if the script does not return a result for each of them.
    pub fn ask(&mut self, requests: &[Value]) -> Result<Vec<Value>> {
        answers(
            self.process.exchange(&json!({ "ask": requests }))?,
            requests.len(),
        )
    }
}

/// Returns the results in an engine's output.
pub(crate) fn answers(said: Value, count: usize) -> Result<Vec<Value>> {
    let Some(Value::Array(answers)) = said.get("answers") else {
        bail!("no results: {said}");
    };
    if answers.len() != count {
        bail!("{} results for {count} requests", answers.len());
    }
    if let Some(wrong) = answers.iter().find_map(|answer| answer.get("error")) {
        bail!("{wrong}");
    }
    Ok(answers.clone())
}

/// Returns the testkit's result for a script's.
pub(crate) fn answer(said: Vec<Value>) -> Result<Answer> {
    let said = said.into_iter().next().context("no result")?;
    serde_json::from_value(said).context("the script's answer")
}

/// Returns why a JavaScript edge cannot express a request, if it cannot.
pub(crate) fn beyond_clock(request: &Request<'_>) -> Option<String> {
    (request.now.0.unsigned_abs() > MAX_CLOCK_SECS.unsigned_abs())
        .then(|| "the time of the request is beyond the range of a JavaScript clock".to_owned())
}
