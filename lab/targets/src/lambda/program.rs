//! A process of the Lambda program: as a function, and as a line filter.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tollgate_gate::Request;
use tollgate_testkit::Answer;

use super::event;

/// The time limit for a log record that was written before the result.
const LOG: Duration = Duration::from_secs(20);
/// The time limit for log lines of earlier requests.
const LATE: Duration = Duration::from_millis(200);

/// Delivers links without a bucket. The key grants nothing, because nothing is sent.
pub(super) const CONTENT: &[(&str, &str)] = &[
    ("TOLLGATE_BUCKET", "conformance"),
    ("TOLLGATE_CHECK_OBJECT", "off"),
    ("TOLLGATE_CONTENT_FROM", "path"),
    ("TOLLGATE_DELIVERY", "presigned"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "conformance"),
    ("AWS_SECRET_ACCESS_KEY", "conformance"),
];

/// A function that waits for events.
pub(super) struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    pub(super) fn start(
        program: &Path,
        image: &Path,
        api: &str,
        role: &str,
        more: &[(&str, &str)],
    ) -> Result<Self> {
        let mut child = command(program, image, role, more)
            .env("TOLLGATE_CLOCK", "event")
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", role)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let errors = child
            .stderr
            .take()
            .context("the process has no standard error")?;
        let (sender, lines) = channel();
        // It ends with the process, or when the receiver is dropped.
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Discards the decisions on this many requests, some of which may never have arrived.
    pub(super) fn forget(&mut self, asked: u32) -> Result<()> {
        self.record()?;
        if asked > 1 {
            while self.lines.recv_timeout(LATE).is_ok() {}
        }
        Ok(())
    }

    /// Returns the next decision in the log.
    pub(super) fn decided(&mut self) -> Result<Answer> {
        serde_json::from_value(self.record()?).context("the log record")
    }

    /// Returns the record of the next decision in the log.
    pub(super) fn record(&mut self) -> Result<Value> {
        let mut said = VecDeque::new();
        while let Ok(line) = self.lines.recv_timeout(LOG) {
            let record: Option<Value> = serde_json::from_str(&line).ok();
            match record.filter(|record| record.get("reason").is_some()) {
                Some(record) => return Ok(record),
                // Notes on how a delivery ended follow a decision, and so precede the next one.
                None => said.push_back(line),
            }
        }
        bail!("the function logged no decision: {said:?}")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program as a filter: one event per input line, one result per output line. For benchmarks, where a
/// runtime API in between would cost more than what is measured.
pub struct Lines {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Lines {
    /// Starts it with the policy whose image is in a file.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started.
    pub fn start(program: &Path, image: &Path) -> Result<Self> {
        let mut child = command(program, image, "content", CONTENT)
            .env("TOLLGATE_CLOCK", "event")
            .arg("--stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the process has no output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Returns whether a request is allowed.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has ended or its output is not a result.
    pub fn allows(&mut self, request: &Request<'_>) -> Result<bool> {
        let input = self.input.as_mut().context("the process has no input")?;
        writeln!(input, "{}", event::proxy(request))
            .context("the program does not read its input")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the program ended: {}", self.child.wait()?);
        }
        let result: Value = serde_json::from_str(&line).context("the result is not JSON")?;
        Ok(result.get("statusCode").and_then(Value::as_u64) == Some(302))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Without input it ends by itself; its exit code no longer matters.
        self.input = None;
        _ = self.child.wait();
    }
}

/// Returns the program with only these variables of ours in its environment.
fn command(program: &Path, image: &Path, role: &str, more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("TOLLGATE_") || name_text.starts_with("AWS_") {
            command.env_remove(&name);
        }
    }
    command
        .env("TOLLGATE_ROLE", role)
        .env("TOLLGATE_POLICY", image)
        .envs(more.iter().copied());
    command
}
