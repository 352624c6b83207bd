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

/// How long a part may take to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// A record is written before its answer is sent.
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
    /// Starts a process. Lines that it writes, wherever, and that are JSON objects can be read later.
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
        let out = child.stdout.take().context("a process without output")?;
        let err = child.stderr.take().context("a process without errors")?;
        read(out, std::io::sink(), sender.clone());
        read(err, log, sender);
        Ok(Part {
            name,
            child,
            errors,
            lines,
        })
    }

    /// The next JSON object it prints, the first of which says where it is.
    pub(super) fn first(&self) -> Result<Value> {
        match self.lines.recv_timeout(START_TIMEOUT) {
            Ok(value) => Ok(value),
            Err(_) => bail!("{} did not start: {}", self.name, self.said()),
        }
    }

    /// Waits until it answers this target, whatever it answers; without a target, until it listens.
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

    /// Fails if it has ended, which it must not before its value.
    pub(super) fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, self.said()),
        }
    }

    /// Forgets what it has written so far: the next record will be of what is asked next.
    pub(super) fn forget(&self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// The record of a decision, if one was made.
    pub(super) fn record(&self) -> Result<Option<Value>> {
        match self.lines.recv_timeout(RECORD_TIMEOUT) {
            Ok(record) => Ok(Some(record)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{} has ended: {}", self.name, self.said())
            }
        }
    }

    /// The last lines it wrote on standard error.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default();
        format!(
            "{}\n(all of it: {})",
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

/// Reads lines on a thread of their own: all of them are kept, objects are sent on.
fn read(
    from: impl Read + Send + 'static,
    mut keep: impl Write + Send + 'static,
    to: Sender<Value>,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // A log that cannot be written is no reason to stop.
            _ = writeln!(keep, "{line}");
            if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line) {
                _ = to.send(value);
            }
        }
    });
}

/// Where the demo keeps what it makes.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = repo::target().join("demo");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The address in an answer's member, `http://127.0.0.1:PORT`.
pub(super) fn address(place: &Value, member: &str) -> Result<SocketAddr> {
    let url = place.get(member).and_then(Value::as_str);
    url.and_then(http::split)
        .map(|(address, _)| address)
        .with_context(|| format!("no address in {place}"))
}
