//! Requests per second in workerd: our Worker, a hand-written one, and two that decide nothing.
//!
//! Forwarded requests go to an origin inside the same process, so that no other server limits the rate. The
//! Workers are measured alternately, and the median round counts. Not here: latency of single requests.

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Places;
use crate::node::{Prepared, copy};
use crate::rows::{OURS, Row};
use crate::site::{CLIENT, ISSUER};
use crate::timing::{Effort, Progress};

const RULES: usize = 1_000;
const TOKENS: usize = 64;
const CONNECTIONS: &str = "32";
const NOTE: &str = "wrk, one thread, 32 connections; 64 cached RS256-2048 tokens in turn; origin in the same workerd";
const COMPATIBILITY_DATE: &str = "2026-04-01";
const ORIGIN: &str = include_str!("../../../worker/ok.js");
const FORWARD: &str = include_str!("../../../worker/forward.js");
const BY_HAND: &str = include_str!("../../../worker/jose.js");
const MAIN: &str = "index.js";
const JOSE: &str = "node_modules/jose/dist/webapi";

/// A Worker that is measured.
struct Worker {
    subject: &'static str,
    setup: &'static str,
    /// Whether it denies anything.
    decides: bool,
    /// The directory of its modules.
    folder: TempDir,
    rounds: Vec<Round>,
}

/// The results of wrk.
#[derive(Deserialize)]
struct Round {
    requests: f64,
    micros: f64,
    p50_micros: f64,
    p99_micros: f64,
    errors: u64,
}

impl Round {
    fn per_second(&self) -> f64 {
        self.requests / self.micros * 1e6
    }
}

pub(crate) fn measure(places: &Places, effort: Effort, progress: &Progress) -> Result<Vec<Row>> {
    let prepared = Prepared::new(RULES)?;
    let script = prepared.file("wrk.lua");
    fs::write(&script, lua(&prepared.allowed(RULES, TOKENS)?)?)?;
    let mut workers = workers(places, &prepared)?;
    for worker in &workers {
        check(worker, places, &prepared)?;
    }
    for round in 1..=effort.rounds {
        for worker in &mut workers {
            progress.say(format!("workerd, round {round}: {}", worker.subject));
            let workerd = Workerd::start(&places.workerd, worker.folder.path())?;
            // Warms up code and connections.
            wrk(&places.wrk, &script, workerd.port, 1)?;
            let seen = wrk(&places.wrk, &script, workerd.port, effort.round_secs)?;
            ensure!(
                seen.errors == 0 && seen.requests > 0.0,
                "{}: {} of {} requests failed",
                worker.subject,
                seen.errors,
                seen.requests
            );
            worker.rounds.push(seen);
        }
    }
    workers.into_iter().map(row).collect()
}

fn row(mut worker: Worker) -> Result<Row> {
    worker
        .rounds
        .sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
    let middle = worker.rounds.len() / 2;
    let round = worker.rounds.get(middle).context("a round")?;
    Ok(Row {
        what: "requests".to_owned(),
        target: "cloudflare".to_owned(),
        subject: worker.subject.to_owned(),
        rules: Some(RULES),
        p50_ns: Some(round.p50_micros * 1e3),
        p99_ns: Some(round.p99_micros * 1e3),
        per_second: Some(round.per_second().round()),
        samples: Some(worker.rounds.len()),
        note: NOTE.to_owned(),
        setup: Some(worker.setup.to_owned()),
        ..Row::default()
    })
}

fn workers(places: &Places, prepared: &Prepared) -> Result<Vec<Worker>> {
    let worker = |subject, setup, decides| {
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        Ok::<_, anyhow::Error>(Worker {
            subject,
            setup,
            decides,
            folder,
            rounds: Vec::new(),
        })
    };
    let own = worker(OURS, "our Worker as deployed, logging what is denied", true)?;
    copy(&places.edges.join("cloudflare"), own.folder.path())?;
    let image = own.folder.path().join("policy.image");
    fs::copy(prepared.file("policy.image"), image)?;
    let hand = worker(
        "jose",
        "plain JavaScript: jose with a local key set, hand-written rule",
        true,
    )?;
    let site = json!({
        "jwks": serde_json::from_str::<Value>(&prepared.issuer.jwks)?,
        "issuer": ISSUER,
        "client": CLIENT,
    });
    copy(&places.npm.join(JOSE), &hand.folder.path().join("jose"))?;
    fs::write(hand.folder.path().join("site.json"), site.to_string())?;
    fs::write(hand.folder.path().join(MAIN), BY_HAND)?;
    let forward = worker(
        "forward-only",
        "decides nothing, forwards to the origin",
        false,
    )?;
    fs::write(forward.folder.path().join(MAIN), FORWARD)?;
    let ok = worker("answer-200", "decides nothing, responds 200 itself", false)?;
    fs::write(ok.folder.path().join(MAIN), ORIGIN)?;
    let all = vec![own, hand, forward, ok];
    for worker in &all {
        let folder = worker.folder.path();
        let config = config(folder)?;
        fs::create_dir_all(folder.join("origin"))?;
        fs::write(folder.join("origin").join(MAIN), ORIGIN)?;
        fs::write(folder.join("config.capnp"), config)?;
    }
    Ok(all)
}

/// Returns the workerd configuration for the modules in a directory.
fn config(folder: &Path) -> Result<String> {
    let mut names = Vec::new();
    let mut ahead = vec![PathBuf::new()];
    while let Some(below) = ahead.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                ahead.push(name);
            } else {
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    // workerd starts the first one.
    names.sort_by_key(|name| (name != MAIN, name.clone()));
    let mut modules = String::new();
    for name in names {
        let kind = match name.rsplit_once('.') {
            Some((_, "js")) => "esModule",
            Some((_, "wasm")) => "wasm",
            Some((_, "json")) => "json",
            _ => "data",
        };
        write!(
            modules,
            "(name = \"{name}\", {kind} = embed \"{name}\"),\n    "
        )?;
    }
    Ok(format!(
        "using Workerd = import \"/workerd/workerd.capnp\";
const config :Workerd.Config = (
  services = [(name = \"main\", worker = .main), (name = \"origin\", worker = .origin)],
  sockets = [(name = \"http\", address = \"127.0.0.1:0\", http = (), service = \"main\")],
);
const main :Workerd.Worker = (
  modules = [
    {modules}],
  compatibilityDate = \"{COMPATIBILITY_DATE}\",
  bindings = [(name = \"ORIGIN\", service = \"origin\"), (name = \"LOG\", text = \"denied\")],
);
const origin :Workerd.Worker = (
  modules = [(name = \"{MAIN}\", esModule = embed \"origin/{MAIN}\")],
  compatibilityDate = \"{COMPATIBILITY_DATE}\",
);
"
    ))
}

/// A workerd process, stopped on drop.
struct Workerd {
    child: Child,
    port: u16,
    /// It would end if nothing read its output.
    _output: BufReader<ChildStdout>,
}

impl Workerd {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["serve", "--control-fd=1"])
            .arg(folder.join("config.capnp"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start workerd")?;
        let output = child.stdout.take().context("workerd has no output")?;
        let mut started = Self {
            child,
            port: 0,
            _output: BufReader::new(output),
        };
        let mut line = String::new();
        while started.port == 0 {
            line.clear();
            ensure!(
                started._output.read_line(&mut line)? > 0,
                "workerd ended before it listened"
            );
            let told: Option<Value> = serde_json::from_str(&line).ok();
            let port = told.as_ref().and_then(|told| told.get("port")?.as_u64());
            started.port = u16::try_from(port.unwrap_or_default())?;
        }
        Ok(started)
    }

    /// Returns the status of a response.
    fn status(&self, path: &str, bearer: &str) -> Result<u16> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let token = match bearer {
            "" => String::new(),
            bearer => format!("authorization: {bearer}\r\n"),
        };
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: site.example\r\n{token}connection: close\r\n\r\n"
        )?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .context("the response has no status")?;
        Ok(status.parse()?)
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Checks that a Worker allows and denies what it should.
fn check(worker: &Worker, places: &Places, prepared: &Prepared) -> Result<()> {
    let workerd = Workerd::start(&places.workerd, worker.folder.path())?;
    for (path, bearer) in prepared.allowed(RULES, TOKENS)? {
        let status = workerd.status(&path, &bearer)?;
        ensure!(
            status == 200,
            "{} returns {status} for {path}",
            worker.subject
        );
    }
    for (path, bearer) in prepared.refused(RULES)? {
        let status = workerd.status(&path, &bearer)?;
        let refused = status == 401 || status == 403;
        ensure!(
            refused == worker.decides,
            "{} returns {status} for an invalid token",
            worker.subject
        );
    }
    Ok(())
}

/// The script of wrk: the requests in turn, and a report that is easy to parse.
fn lua(requests: &[(String, String)]) -> Result<String> {
    let mut text = String::from("local asked = {}\nlocal turn = 0\nfunction init()\n");
    for (path, bearer) in requests {
        writeln!(
            text,
            "  asked[#asked + 1] = wrk.format(\"GET\", \"{path}\", {{ [\"authorization\"] = \"{bearer}\" }})"
        )?;
    }
    text.push_str(
        "end
function request()
  turn = turn % #asked + 1
  return asked[turn]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\\nreport {\"requests\":%d,\"micros\":%d,\"p50_micros\":%.1f,\"p99_micros\":%.1f,\"errors\":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
",
    );
    Ok(text)
}

fn wrk(program: &Path, script: &Path, port: u16, seconds: u32) -> Result<Round> {
    let done = Command::new(program)
        .args(["-t1", "-c", CONNECTIONS])
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}/"))
        .output()
        .context("cannot start wrk")?;
    let said = String::from_utf8_lossy(&done.stdout);
    let Some(report) = said.lines().find_map(|line| line.strip_prefix("report ")) else {
        bail!("wrk printed no report: {said}");
    };
    Ok(serde_json::from_str(report)?)
}
