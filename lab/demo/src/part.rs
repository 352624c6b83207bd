//! A process that the demo talks to: started, waited for until it reports its address, its log read line by
//! line, stopped on drop. Standard error also goes to a file, which is shown if the process does not start.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use tollgate_lab_http as http;
use xtask::repo;

/// The time limit for a part to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// A record is written before its response is sent.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// A running process.
pub(super) struct Part {
    name: &'static str,
    child: Child,
    errors: PathBuf,
    lines: Receiver<Value>,
}

impl Part {
    /// Starts a process. Lines on either stream that are JSON objects can be read later.
    pub(super) fn start(name: &'static str, command: &mut Command) -> Result<Part> {
        let errors = folder()?.join(format!("{name}.log"));
        let log = File::create(&errors)
            .with_context(|| format!("cannot write {}", repo::shown(&errors)))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let (sender, lines) = channel();
        let out = child.stdout.take().context("the process has no output")?;
        let err = child
            .stderr
            .take()
            .context("the process has no standard error")?;
        read(out, std::io::sink(), sender.clone());
        read(err, log, sender);
        Ok(Part {
            name,
            child,
            errors,
            lines,
        })
    }

    /// Returns the next JSON object that it prints; the first one contains its address.
    pub(super) fn first(&self) -> Result<Value> {
        match self.lines.recv_timeout(START_TIMEOUT) {
            Ok(value) => Ok(value),
            Err(_) => bail!("{} did not start: {}", self.name, self.said()),
        }
    }

    /// Waits until it responds to this target with any status; without a target, until it listens.
    pub(super) fn listens(&mut self, address: SocketAddr, target: Option<&str>) -> Result<()> {
        let is_there = || match target {
            Some(target) => http::ask(address, "GET", target, &[], b"").is_ok(),
            None => TcpStream::connect(address).is_ok(),
        };
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            self.is_alive()?;
            if is_there() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{} did not start: {}", self.name, self.said())
    }

    /// Returns an error if it has ended, which it must not before it is dropped.
    pub(super) fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, self.said()),
        }
    }

    /// Discards its output so far: the next record belongs to the next request.
    pub(super) fn forget(&self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// Returns the record of a decision, if one was made.
    pub(super) fn record(&self) -> Result<Option<Value>> {
        match self.lines.recv_timeout(RECORD_TIMEOUT) {
            Ok(record) => Ok(Some(record)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{} has ended: {}", self.name, self.said())
            }
        }
    }

    /// Returns the last lines that it wrote to standard error.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default();
        format!(
            "{}\n(complete output: {})",
            last.join("\n"),
            repo::shown(&self.errors)
        )
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Reads lines on a separate thread: all of them are saved, objects are sent to the channel.
fn read(
    from: impl Read + Send + 'static,
    mut keep: impl Write + Send + 'static,
    to: Sender<Value>,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // A log that cannot be written must not stop the demo.
            _ = writeln!(keep, "{line}");
            if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line) {
                _ = to.send(value);
            }
        }
    });
}

/// The directory of the demo's files.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = repo::target().join("demo");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// Returns the address in a member of an object, `http://127.0.0.1:PORT`.
pub(super) fn address(place: &Value, member: &str) -> Result<SocketAddr> {
    let url = place.get(member).and_then(Value::as_str);
    url.and_then(http::split)
        .map(|(address, _)| address)
        .with_context(|| format!("no address in {place}"))
}
