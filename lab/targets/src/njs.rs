//! CloudFront Functions: the generated function in nginx's JavaScript engine, on which CloudFront's is known
//! to be based, inside a real nginx.
//!
//! nginx runs on its own loopback port and is stopped on drop. Not here: CloudFront's parsing of requests,
//! which `javascript/event.js` emulates.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_lab_http as http;
use tollgate_testkit::Answer;
use tollgate_token::Algorithm;

use crate::driver::Ask;
use crate::javascript::resign::{Exchanged, Resigner};
use crate::javascript::{CLOUDFRONT, EVENT, Engine, Script, answer, answers, beyond_clock};
use crate::node::as_json;
use crate::policy::Policy;

const ASK: &str = include_str!("../javascript/ask.js");
const SERVER: &str = include_str!("../javascript/nginx.js");
const CLI: &str = include_str!("../javascript/cli.js");
/// The polling interval while nginx starts, and the time limit.
const STEP: Duration = Duration::from_millis(5);
const PATIENCE: u32 = 2_000;

/// nginx with a script.
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    /// The directory of nginx's files.
    _folder: TempDir,
}

/// The duration of a function call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// Nanoseconds for one decision.
    pub decision_ns: f64,
    /// Nanoseconds for one call of a function that returns the request.
    pub bare_ns: f64,
}

impl Nginx {
    /// Starts the program `nginx` with a script for CloudFront.
    ///
    /// # Errors
    ///
    /// Returns an error if nginx does not start, or its engine rejects the script.
    pub fn start(program: &Path, script: &Script) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).context("cannot write a temporary file")
        };
        write("main.js", &[script.source(), EVENT, ASK, SERVER].concat())?;
        // The module's name is the name of its file.
        write("cloudfront", CLOUDFRONT)?;
        write("store.json", &script.store().to_string())?;
        let address = http::free_address()?;
        write("nginx.conf", &config(folder.path(), address.port()))?;
        fs::create_dir(folder.path().join("logs"))?;
        let child = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut nginx = Self {
            child,
            address,
            _folder: folder,
        };
        nginx.wait()?;
        Ok(nginx)
    }

    fn wait(&mut self) -> Result<()> {
        for _ in 0..PATIENCE {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self._folder.path().join("logs/error.log"))
                    .unwrap_or_default();
                bail!("nginx ended with {status}: {log}");
            }
            thread::sleep(STEP);
        }
        bail!("nginx does not listen")
    }

    /// Evaluates requests with the script.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not return a result for each of them.
    pub fn ask(&self, requests: &[Value]) -> Result<Vec<Value>> {
        answers(self.post(&json!({ "ask": requests }))?, requests.len())
    }

    /// Times the script, and one that does nothing, on the same requests.
    ///
    /// # Errors
    ///
    /// Returns an error if the script throws.
    pub fn measure(&self, requests: &[Value], repeats: u32) -> Result<Timed> {
        let said =
            self.post(&json!({ "measure": { "requests": requests, "repeats": repeats } }))?;
        let figure = |name: &str| {
            let millis = said
                .get(name)
                .and_then(Value::as_f64)
                .with_context(|| said.to_string())?;
            Ok::<f64, anyhow::Error>(millis * 1e6 / f64::from(repeats))
        };
        Ok(Timed {
            decision_ns: figure("spent")?,
            bare_ns: figure("bare")?,
        })
    }

    fn post(&self, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let reply = http::send(self.address, "POST", b"/", &[], body.as_bytes())?;
        let said: Value = serde_json::from_slice(&reply.body).with_context(|| {
            let log =
                fs::read_to_string(self._folder.path().join("logs/error.log")).unwrap_or_default();
            format!("nginx responded with status {}\n{log}", reply.status)
        })?;
        match said.get("error").and_then(Value::as_str) {
            Some(error) => bail!("njs: {error}"),
            None => Ok(said),
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // There is only one process: see `master_process`.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nmaster_process off;\nerror_log {folder}/logs/error.log notice;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
         access_log off;\nclient_max_body_size 64m;\nclient_body_buffer_size 64m;\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         js_path {folder};\njs_preload_object store from {folder}/store.json;\njs_import main from main.js;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ js_content main.serve; }} }}\n\
         }}\n"
    )
}

/// Evaluates requests with a script for CloudFront in the engine's own program `njs`.
///
/// # Errors
///
/// Returns an error if the program cannot be run, or the script does not return a result for each request.
pub fn ask_cli(program: &Path, script: &Script, requests: &[Value]) -> Result<Vec<Value>> {
    let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
    let data = format!(
        "globalThis.store = {};\nvar asked = {};\n",
        script.store(),
        json!(requests)
    );
    fs::write(
        folder.path().join("main.js"),
        [script.source(), &data, EVENT, ASK, CLI].concat(),
    )?;
    fs::write(folder.path().join("cloudfront"), CLOUDFRONT)?;
    let done = Command::new(program)
        .arg("-p")
        .arg(folder.path())
        .arg(folder.path().join("main.js"))
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let text = String::from_utf8(done.stdout).context("the engine's output")?;
    let said = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>();
    let said = said.with_context(|| {
        format!(
            "the engine printed {text}{}",
            String::from_utf8_lossy(&done.stderr)
        )
    })?;
    answers(json!({ "answers": said }), requests.len())
}

/// A running function.
pub struct Function {
    /// The deployed function, which verifies sessions.
    deployed: Nginx,
    /// A variant that also verifies the substitutes for tokens of a full edge, for requests with such tokens.
    /// It may exceed CloudFront's size limit.
    with_stand_ins: Nginx,
    resigner: Resigner,
}

impl Function {
    /// Generates the function of a policy and starts nginx with it.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy has no function, or the engine rejects it.
    pub fn start(program: &Path, policy: &Policy) -> Result<Self> {
        let verifies = |algorithm| algorithm == Algorithm::HS256;
        let (spec, resigner) = Resigner::new(policy.spec(), &Native, verifies)?;
        let id = policy.id()?;
        let deployed = Script::new(Engine::CloudFront, resigner.deployed(), &id)?;
        let with_stand_ins = Script::cloudfront_of_any_size(&spec, &id)?;
        Ok(Self {
            deployed: Nginx::start(program, &deployed)?,
            with_stand_ins: Nginx::start(program, &with_stand_ins)?,
            resigner,
        })
    }
}

impl Ask for Function {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let before = self.resigner.exchanged();
        let owned = self.resigner.request(request);
        let nginx = match self.resigner.exchanged().has_others_since(&before) {
            true => &mut self.with_stand_ins,
            false => &mut self.deployed,
        };
        owned.with(request, |request| answer(nginx.ask(&[as_json(request)])?))
    }

    fn cannot(&self, request: &Request<'_>) -> Option<String> {
        beyond_clock(request)
    }

    fn exchanged(&self) -> Option<Exchanged> {
        Some(self.resigner.exchanged())
    }
}
