//! The Cloudflare Worker in workerd, the engine of Cloudflare's edge, called over HTTP.
//!
//! The Worker runs as deployed, except for its first module, which receives a case and calls the Worker's
//! handler with it. The process is stopped on drop. Not here: the Worker, which is `edge-wasm/cloudflare`,
//! and requests over plain HTTP, which its own tests send.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_gate::Request;
use tollgate_lab_http::Connection;
use tollgate_testkit::Answer;

use crate::driver::Ask;
use crate::node::{Measure, as_json};
use crate::places::Places;

/// The first module, embedded in the program, so that it works from any directory.
const DRIVER: &str = concat!(
    include_str!("../cloudflare/driver.js"),
    include_str!("../javascript/exhaust.js")
);
const DRIVER_NAME: &str = "driver.js";
/// The first module of the deployed Worker, which the driver replaces.
const MAIN: &str = "index.js";
/// The configuration that starts the Worker, and the one that starts it with the driver.
const CONFIG: &str = "config.capnp";
const DRIVER_CONFIG: &str = "driver.capnp";
/// The configuration that starts it as deployed, with less logging.
const QUIET_CONFIG: &str = "quiet.capnp";
/// The configuration that starts it with the driver, with issuers and KV on loopback.
const LIVE_CONFIG: &str = "live.capnp";
/// A timeout longer than any response may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The maximum response size that is read.
const MAX_ANSWER_BYTES: usize = 1_024 * 1_024;
/// The minimum number of requests per sample: a message to the process costs as much as several of them.
const LEAST_REPEATS: usize = 200;

/// A built Worker, deleted when nothing that was started from it is running.
#[derive(Clone)]
pub struct Worker {
    folder: Arc<TempDir>,
    workerd: PathBuf,
}

/// A workerd process with a Worker and a policy.
pub struct Workerd {
    child: Child,
    asked: Connection,
    /// Its standard streams: workerd would end without either.
    _worker: Worker,
    _output: BufReader<ChildStdout>,
}

impl Worker {
    /// A file that exists only if it is built.
    pub(crate) fn artifact(places: &Places) -> PathBuf {
        places.parts.join("cloudflare").join(MAIN)
    }

    /// Builds the Worker of the policy whose image is in a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the `tollgate` command cannot build it; the message contains the reason.
    pub fn build(places: &Places, image: &Path) -> Result<Self> {
        Self::build_with(places, image, &[])
    }

    /// The same with more arguments for the build.
    ///
    /// # Errors
    ///
    /// As [`Worker::build`].
    pub fn build_with(places: &Places, image: &Path, more: &[&OsStr]) -> Result<Self> {
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        let built = folder.path().join("built");
        let made = Command::new(&places.tollgate)
            .arg("build")
            .arg(image)
            .args(["--target", "cloudflare", "--parts"])
            .arg(&places.parts)
            .arg("--out")
            .arg(&built)
            .args(more)
            .output()
            .with_context(|| format!("cannot start {}", places.tollgate.display()))?;
        if !made.status.success() {
            bail!("no Worker: {}", String::from_utf8_lossy(&made.stderr));
        }
        // The same configuration with another first module.
        let config =
            fs::read_to_string(built.join(CONFIG)).context("no configuration was built")?;
        ensure!(config.contains(MAIN), "the configuration lacks {MAIN}");
        fs::write(built.join(DRIVER_CONFIG), config.replace(MAIN, DRIVER_NAME))?;
        fs::write(built.join(DRIVER_NAME), DRIVER)?;
        fs::write(
            built.join(QUIET_CONFIG),
            config.replace("\"all\"", "\"denied\""),
        )?;
        Ok(Self {
            folder: Arc::new(folder),
            workerd: places.workerd.clone(),
        })
    }

    /// The directory of the build.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("built")
    }

    /// Starts workerd with the driver in front of the Worker.
    ///
    /// # Errors
    ///
    /// Returns an error if workerd cannot be started, or the Worker rejects the policy; the message contains
    /// the reason.
    pub fn start(&self) -> Result<Workerd> {
        self.start_with(DRIVER_CONFIG, &[])
    }

    /// Starts workerd with the Worker as deployed, in front of an origin. Allowed requests are not logged,
    /// because nothing reads the log.
    ///
    /// # Errors
    ///
    /// As [`Worker::start`].
    pub fn serve(&self, origin: SocketAddr) -> Result<Workerd> {
        self.start_with(QUIET_CONFIG, &[format!("--external-addr=origin={origin}")])
    }

    /// Starts workerd with the driver, with issuers on loopback, and KV at this address if one is given.
    ///
    /// # Errors
    ///
    /// As [`Worker::start`].
    pub(crate) fn start_live(&self, kv: Option<SocketAddr>) -> Result<Workerd> {
        const PUBLIC: &str = "allow = [\"public\"], tlsOptions = (trustBrowserCas = true)";
        const LOG: &str = "(name = \"LOG\", text = \"all\"),";
        const SERVICES: &str = "services = [";
        let folder = self.folder();
        let config = fs::read_to_string(folder.join(DRIVER_CONFIG))?;
        ensure!(
            [PUBLIC, LOG, SERVICES]
                .iter()
                .all(|part| config.matches(part).count() == 1),
            "the configuration does not match what this code expects"
        );
        let mut config = config.replace(PUBLIC, "allow = [\"local\"]");
        if let Some(kv) = kv {
            let service = format!(
                "{SERVICES}\n    (name = \"kv\", external = (address = \"{kv}\", http = ())),"
            );
            let bound = format!("{LOG}\n    (name = \"POLICY\", kvNamespace = \"kv\"),");
            config = config.replace(SERVICES, &service).replace(LOG, &bound);
        }
        fs::write(folder.join(LIVE_CONFIG), config)?;
        self.start_with(LIVE_CONFIG, &[])
    }

    fn start_with(&self, config: &str, options: &[String]) -> Result<Workerd> {
        let mut child = Command::new(&self.workerd)
            .args(["serve", "--socket-addr=http=127.0.0.1:0", "--control-fd=1"])
            .args(options)
            .arg(self.folder().join(config))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot start workerd")?;
        let output = child.stdout.take().context("workerd has no output")?;
        let mut output = BufReader::new(output);
        let listening = port(&mut output)
            .and_then(|port| Connection::open((Ipv4Addr::LOCALHOST, port).into(), PATIENCE));
        match listening {
            Ok(asked) => Ok(Workerd {
                child,
                asked,
                _worker: self.clone(),
                _output: output,
            }),
            Err(error) => {
                _ = child.kill();
                _ = child.wait();
                Err(error)
            }
        }
    }
}

impl Workerd {
    /// Decides requests repeatedly; returns nanoseconds per request, one value per sample. The clock is in
    /// this process, so a sample contains many requests per message to the other.
    ///
    /// # Errors
    ///
    /// Returns an error if workerd ends, or the Worker denies a request.
    pub fn measure(&mut self, what: &Measure<'_>) -> Result<Vec<f64>> {
        let now = what.requests.first().map_or(0, |request| request.now.0);
        let requests: Vec<Value> = what.requests.iter().map(as_json).collect();
        // A first round without the clock sends the requests, and warms up code and data.
        let all = json!({ "requests": requests, "now": now, "repeats": requests.len() });
        self.exchange(&json!({ "measure": all }))?;
        let repeats = what.repeats.max(LEAST_REPEATS);
        let sample = json!({ "measure": { "now": now, "repeats": repeats } });
        let mut figures = Vec::with_capacity(what.samples);
        for _ in 0..what.samples {
            let began = Instant::now();
            let answer = self.exchange(&sample)?;
            figures.push(began.elapsed().as_nanos() as f64 / repeats as f64);
            let sent = answer.get("sent").and_then(Value::as_u64);
            ensure!(
                sent == Some(repeats as u64),
                "requests were denied: {answer}"
            );
        }
        Ok(figures)
    }

    /// Sends a request without a body over the one connection, and reads a response that allows it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response, or a different one.
    pub fn get(&mut self, target: &str) -> Result<()> {
        let host: (&str, &[u8]) = ("host", b"site.example");
        self.asked.send("GET", target.as_bytes(), &[host], b"")?;
        self.body().map(|_| ())
    }

    /// Posts a command to the driver.
    pub(crate) fn exchange(&mut self, question: &Value) -> Result<Value> {
        let body = question.to_string();
        let host: (&str, &[u8]) = ("host", b"driver");
        self.asked.send("POST", b"/", &[host], body.as_bytes())?;
        let answer = self.body().context("workerd's answer")?;
        let answer: Value = serde_json::from_slice(&answer)
            .with_context(|| format!("workerd printed {}", String::from_utf8_lossy(&answer)))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => bail!("the Worker: {error}"),
            None => Ok(answer),
        }
    }

    /// The body of the next response.
    fn body(&mut self) -> Result<Vec<u8>> {
        let reply = self.asked.reply(MAX_ANSWER_BYTES)?;
        ensure!(reply.status == 200, "status {}", reply.status);
        Ok(reply.body)
    }
}

impl Ask for Workerd {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let answer = self.exchange(&as_json(request))?;
        serde_json::from_value(answer).context("the Worker's answer")
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Returns the address that workerd reports once it listens.
fn port(output: &mut impl BufRead) -> Result<u16> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        let told: Option<Value> = serde_json::from_str(&line).ok();
        let port = told.as_ref().and_then(|told| told.get("port")?.as_u64());
        if let Some(port) = port {
            return Ok(u16::try_from(port)?);
        }
        line.clear();
    }
    bail!("workerd ended before it listened");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_the_one_that_workerd_reports() {
        let mut said =
            "a line\n{\"event\":\"listen\",\"socket\":\"http\",\"port\":4711}\n".as_bytes();
        assert_eq!(port(&mut said).ok(), Some(4_711));
        assert!(port(&mut "{\"event\":\"other\"}\n".as_bytes()).is_err());
    }
}
