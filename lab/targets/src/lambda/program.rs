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

/// How long a log record may take that was written before the result.
const LOG: Duration = Duration::from_secs(20);
/// How long after an answer the log of earlier ones may come.
const LATE: Duration = Duration::from_millis(200);

/// What delivers links without a bucket. The key opens nothing: nothing is sent.
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
        let errors = child.stderr.take().context("a process without errors")?;
        let (sender, lines) = channel();
        // It ends with the process, or with whoever listens.
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Forgets the decisions on so many questions, of which some may never have arrived.
    pub(super) fn forget(&mut self, asked: u32) -> Result<()> {
        self.record()?;
        if asked > 1 {
            while self.lines.recv_timeout(LATE).is_ok() {}
        }
        Ok(())
    }

    /// The next decision in the log.
    pub(super) fn decided(&mut self) -> Result<Answer> {
        serde_json::from_value(self.record()?).context("the log record")
    }

    /// The record of the next decision in the log.
    pub(super) fn record(&mut self) -> Result<Value> {
        let mut said = VecDeque::new();
        while let Ok(line) = self.lines.recv_timeout(LOG) {
            let record: Option<Value> = serde_json::from_str(&line).ok();
            match record.filter(|record| record.get("reason").is_some()) {
                Some(record) => return Ok(record),
                // Notes on how a delivery ended come after a decision, and so before the next.
                None => said.push_back(line),
            }
        }
        bail!("the function logged no decision, but {said:?}")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It serves until it is ended; how it ends no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program as a filter: an event a line in, a result a line out. For benchmarks, where a runtime API
/// between would cost more than what is measured.
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
    /// If it cannot be started.
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
        let output = child.stdout.take().context("a process without output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Whether a request is allowed.
    ///
    /// # Errors
    ///
    /// If the process has ended or answers with something else than a result.
    pub fn allows(&mut self, request: &Request<'_>) -> Result<bool> {
        let input = self.input.as_mut().context("a process without input")?;
        writeln!(input, "{}", event::proxy(request)).context("the program does not listen")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the program ended: {}", self.child.wait()?);
        }
        let result: Value = serde_json::from_str(&line).context("a result that is no JSON")?;
        Ok(result.get("statusCode").and_then(Value::as_u64) == Some(302))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Without input it ends by itself; whether it did well no longer matters.
        self.input = None;
        _ = self.child.wait();
    }
}

/// The program with nothing of ours in its environment but what is named here.
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
