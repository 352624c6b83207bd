//! The npm package in its own Node process, called over standard input and output.
//!
//! The process is stopped on drop. Not here: the package, which is `edge-wasm/node`, and its wire encoding.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tollgate_gate::Request;
use tollgate_testkit::Answer;

use crate::driver::Ask;
use crate::process::Process;

/// The driver script, embedded in the program, so that it works from any directory.
const DRIVER: &str = concat!(
    include_str!("../node/driver.mjs"),
    include_str!("../javascript/exhaust.js")
);

/// The first version with every feature that the package uses.
const OLDEST_MAJOR: u32 = 20;

/// A Node process with a policy loaded.
pub struct Node(Process);

/// The amount of measuring, for [`Node::measure`].
pub struct Measure<'a> {
    /// The requests, taken in turn.
    pub requests: &'a [Request<'a>],
    /// The number of measurements.
    pub samples: usize,
    /// The number of decisions averaged in each measurement.
    pub repeats: usize,
}

impl Node {
    /// Starts Node with the package in `folder` and the policy image in a file.
    ///
    /// # Errors
    ///
    /// Returns an error if Node cannot be started, or the package rejects the image; the message contains the
    /// reason.
    pub fn start(folder: &Path, image: &Path) -> Result<Self> {
        let mut node = Command::new("node");
        node.args(["--input-type=module", "--eval", DRIVER, "--"])
            .arg(folder)
            .arg(image);
        Process::start("node", &mut node).map(Self)
    }

    /// Sends the driver a command other than a decision.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends, or reports a failure.
    pub(crate) fn exchange(&mut self, question: &Value) -> Result<Value> {
        self.0.exchange(question)
    }

    /// Returns why this machine cannot run it, if it cannot.
    pub fn missing() -> Option<String> {
        let Ok(asked) = Command::new("node").arg("--version").output() else {
            return Some("`node` is not installed".to_owned());
        };
        let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        let major = version
            .trim_start_matches('v')
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        match major {
            Some(OLDEST_MAJOR..) => None,
            _ => Some(format!(
                "Node {OLDEST_MAJOR} or later is required; found `{version}`"
            )),
        }
    }

    /// Decides requests repeatedly; returns nanoseconds per request, one value per sample.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends or the package throws.
    pub fn measure(&mut self, what: &Measure<'_>) -> Result<Vec<f64>> {
        let requests: Vec<Value> = what.requests.iter().map(as_json).collect();
        let asked =
            json!({ "requests": requests, "samples": what.samples, "repeats": what.repeats });
        self.0.figures(&json!({ "measure": asked }))
    }
}

impl Ask for Node {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let answer = self.0.exchange(&json!({ "request": as_json(request) }))?;
        serde_json::from_value(answer).context("node's result")
    }
}

/// Encodes a request for the package and for the hosts of generated JavaScript: one character per byte.
pub fn as_json(request: &Request<'_>) -> Value {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
    };
    let headers: Vec<[String; 2]> = request
        .headers
        .iter()
        .map(|(name, value)| [(*name).to_owned(), text(value)])
        .collect();
    json!({
        "method": request.method,
        "target": text(request.target),
        "headers": headers,
        "ip": request.ip,
        "now": request.now.0,
    })
}
