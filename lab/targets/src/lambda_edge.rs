//! The finished Lambda@Edge package in a Node process, called with CloudFront events.
//!
//! `tollgate build` makes the zip, which is unpacked and run unchanged. The input is a viewer-request event;
//! the output is interpreted as CloudFront would. Not here: the package, which is `lambda-adapter/edge`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tollgate_edges::{Flavour, LAMBDA_EDGE};
use tollgate_gate::Request;
use tollgate_testkit::{Answer, Sent};
use zip::ZipArchive;

use crate::driver::Ask;
use crate::node::Measure;
use crate::places::Places;
use crate::process::Process;

/// The driver script, embedded in the program, so that it works from any directory.
const DRIVER: &str = concat!(
    include_str!("../node/lambda_edge.mjs"),
    include_str!("../javascript/exhaust.js")
);

/// An unpacked package, deleted when nothing that was started from it is running.
#[derive(Clone)]
pub struct Package {
    folder: Arc<TempDir>,
    zip_bytes: u64,
}

/// A Node process with a package loaded.
pub struct LambdaEdge {
    process: Process,
    /// The directory of the running package.
    _package: Package,
}

/// A file that exists only if a flavour is built.
pub(crate) fn artifact(flavour: &Flavour, places: &Places) -> PathBuf {
    let parts = LAMBDA_EDGE.parts();
    let file = parts.map(|parts| Path::new(&parts.folder_of(Some(flavour))).join(parts.main));
    places.parts.join(file.unwrap_or_default())
}

impl Package {
    /// Builds the package of the policy whose image is in a file, and unpacks it.
    ///
    /// # Errors
    ///
    /// Returns an error if the `tollgate` command cannot build it; the message contains the reason.
    pub fn build(flavour: &Flavour, places: &Places, image: &Path) -> Result<Self> {
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        let file = folder.path().join("edge.zip");
        let made = Command::new(&places.tollgate)
            .arg("build")
            .arg(image)
            .args(["--target", "lambda-edge", "--flavour", flavour.name])
            .arg("--parts")
            .arg(&places.parts)
            .arg("--out")
            .arg(&file)
            .output()
            .with_context(|| format!("cannot start {}", places.tollgate.display()))?;
        if !made.status.success() {
            bail!("no package: {}", String::from_utf8_lossy(&made.stderr));
        }
        let zip = File::open(&file).context("the package was not written")?;
        let zip_bytes = zip.metadata()?.len();
        let mut archive = ZipArchive::new(zip).context("the package is not a zip")?;
        let unpacked = folder.path().join("package");
        archive
            .extract(&unpacked)
            .context("the package cannot be unpacked")?;
        Ok(Self {
            folder: Arc::new(folder),
            zip_bytes,
        })
    }

    /// The directory of the unpacked package.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("package")
    }

    /// The size of the zip.
    pub fn zip_bytes(&self) -> u64 {
        self.zip_bytes
    }

    /// Starts Node with the package.
    ///
    /// # Errors
    ///
    /// Returns an error if Node cannot be started or the package does not load.
    pub fn start(&self) -> Result<LambdaEdge> {
        self.start_in("alone")
    }

    /// Starts it with a network: keys are fetched. The handler's warnings are then not failures.
    ///
    /// # Errors
    ///
    /// Returns an error if Node cannot be started.
    pub(crate) fn start_live(&self) -> Result<LambdaEdge> {
        self.start_in("live")
    }

    fn start_in(&self, world: &str) -> Result<LambdaEdge> {
        let mut node = Command::new("node");
        node.args(["--input-type=module", "--eval", DRIVER, "--"])
            .arg(self.folder())
            .arg(world);
        Ok(LambdaEdge {
            process: Process::start("the Lambda@Edge package", &mut node)?,
            _package: self.clone(),
        })
    }
}

impl LambdaEdge {
    /// Handles events repeatedly; returns nanoseconds per event, one value per sample.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends.
    pub fn measure(&mut self, what: &Measure<'_>) -> Result<Vec<f64>> {
        let events: Vec<Value> = what.requests.iter().map(event).collect();
        let now = what.requests.first().map(|request| request.now.0);
        self.process.figures(&json!({ "measure": {
            "events": events, "now": now, "samples": what.samples, "repeats": what.repeats,
        }}))
    }
}

impl LambdaEdge {
    /// Handles one event: returns the handler's result as `result`, and its log record as `log`. `more`
    /// describes the fault to inject.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends, or the handler throws.
    pub(crate) fn live(&mut self, request: &Request<'_>, more: Value) -> Result<Value> {
        let asked = json!({ "event": event(request), "now": request.now.0, "more": more });
        self.process.exchange(&asked)
    }
}

impl Ask for LambdaEdge {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let event = event(request);
        let asked = json!({ "event": event, "now": request.now.0 });
        let answer = self.process.exchange(&asked)?;
        if let Some(failed) = answer.get("failed").and_then(Value::as_str) {
            bail!("the handler failed: {failed}");
        }
        let member = |name| answer.get(name).cloned().unwrap_or_default();
        let (result, log) = (member("result"), member("log"));
        let path = log.get("path").cloned().unwrap_or_default();
        let mut answer: Answer = serde_json::from_value(log).context("the log record")?;
        answer.response = sent(&result);
        let asked = event
            .pointer("/Records/0/cf/request")
            .unwrap_or(&Value::Null);
        agree(asked, &result, &answer, &path)?;
        Ok(answer)
    }
}

/// The response to the client, if the request is not forwarded to the origin.
fn sent(result: &Value) -> Option<Sent> {
    result.get("status")?;
    let fields = result.get("headers").and_then(Value::as_object);
    let headers = fields.into_iter().flatten().map(|(name, lines)| {
        let value = lines.pointer("/0/value").and_then(Value::as_str);
        (name.clone(), value.unwrap_or_default().to_owned())
    });
    let body = result.get("body").and_then(Value::as_str);
    Some(Sent::new(headers, body.unwrap_or_default()))
}

/// Returns an error if the log record differs from what CloudFront received; `path` is the logged path.
fn agree(asked: &Value, result: &Value, answer: &Answer, path: &Value) -> Result<()> {
    let status = result.get("status").map(|status| status.as_str());
    match status {
        None => {
            ensure!(answer.status == 200, "logged {answer:?}, but forwarded it");
            for kept in ["method", "clientIp"] {
                ensure!(result.get(kept) == asked.get(kept), "`{kept}` was changed");
            }
            let uri = |of: &Value| of.get("uri").and_then(Value::as_str).map(str::to_owned);
            let (before, after) = (uri(asked), uri(result));
            // Long paths are truncated in the log.
            let is_logged = after
                .as_deref()
                .zip(path.as_str())
                .is_some_and(|(after, logged)| match logged.strip_suffix('…') {
                    Some(start) => after.starts_with(start),
                    None => after == logged,
                });
            ensure!(is_logged, "forwarded {after:?}, but logged {path}");
            // Only an index document is appended, and only to a path that ends in a slash.
            let is_kept = after == before
                || before
                    .as_ref()
                    .zip(after.as_ref())
                    .is_some_and(|(before, after)| {
                        before.ends_with('/') && after.starts_with(before)
                    });
            ensure!(is_kept, "requested {before:?}, but forwarded {after:?}");
        }
        Some(status) => {
            ensure!(
                status == Some(answer.status.to_string().as_str()),
                "logged {answer:?}, but responded {status:?}"
            );
            ensure!(
                result.get("uri").is_none(),
                "a response must not contain a request"
            );
        }
    }
    Ok(())
}

/// Returns the viewer-request event that CloudFront creates for a request.
fn event(request: &Request<'_>) -> Value {
    let mut parts = request.target.splitn(2, |byte| *byte == b'?');
    let mut next = || text(parts.next().unwrap_or_default());
    let (uri, querystring) = (next(), next());
    let mut headers = Map::new();
    for (name, value) in request.headers {
        let line = json!({ "key": name, "value": text(value) });
        let lines = headers.entry(name.to_ascii_lowercase());
        if let Value::Array(lines) = lines.or_insert_with(|| json!([])) {
            lines.push(line);
        }
    }
    json!({ "Records": [{ "cf": {
        "config": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": "viewer-request",
            "requestId": "EXAMPLE",
        },
        "request": {
            "clientIp": request.ip.unwrap_or_default(),
            "headers": headers,
            "method": request.method,
            "querystring": querystring,
            "uri": uri,
        },
    }}]})
}

/// Decodes bytes as CloudFront does: as UTF-8 if valid, else one character per byte.
fn text(bytes: &[u8]) -> String {
    core::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().map(|byte| char::from(*byte)).collect(),
        str::to_owned,
    )
}

#[cfg(test)]
mod tests {
    use tollgate_core::UnixSeconds;

    use super::*;

    #[test]
    fn events_are_cloudfronts() {
        let event = event(&Request {
            method: "GET",
            target: b"/a%20b?x=\xC3\xBC?",
            headers: &[("Cookie", b"a=\xE9"), ("Host", b"h"), ("cookie", b"b")],
            ip: None,
            now: UnixSeconds(0),
            entropy: None,
        });
        let expect = json!({
            "clientIp": "",
            "headers": {
                "cookie": [{ "key": "Cookie", "value": "a=é" }, { "key": "cookie", "value": "b" }],
                "host": [{ "key": "Host", "value": "h" }],
            },
            "method": "GET",
            "querystring": "x=ü?",
            "uri": "/a%20b",
        });
        assert_eq!(event["Records"][0]["cf"]["request"], expect);
    }
}
