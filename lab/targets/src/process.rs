//! A process that receives one JSON value per line and responds to each with a line.
//!
//! It is stopped on drop. Not here: the values, and the code that runs in the process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A running process with its input and output.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a process and waits for its first line, which reports that it is ready.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started, or its first line is an error.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the process has no output")?;
        let mut process = Self {
            name,
            child,
            input,
            output: BufReader::new(output),
        };
        process.hear()?;
        Ok(process)
    }

    /// Sends a value and waits for the response.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has ended, or its response has a member `error`.
    pub(crate) fn exchange(&mut self, question: &Value) -> Result<Value> {
        let name = self.name;
        let input = self.input.as_mut().context("the process has no input")?;
        writeln!(input, "{question}").with_context(|| format!("{name} does not read its input"))?;
        self.hear()
    }

    /// Requests measurements: the member `ns` of the response.
    ///
    /// # Errors
    ///
    /// As [`Process::exchange`], or if there are none.
    pub(crate) fn figures(&mut self, question: &Value) -> Result<Vec<f64>> {
        let answer = self.exchange(question)?;
        let figures = answer.get("ns").and_then(Value::as_array);
        let figures = figures.with_context(|| format!("{} sent no measurements", self.name))?;
        Ok(figures.iter().filter_map(Value::as_f64).collect())
    }

    fn hear(&mut self) -> Result<Value> {
        let name = self.name;
        let mut line = String::new();
        let heard = self.output.read_line(&mut line);
        if heard.with_context(|| format!("cannot read the output of {name}"))? == 0 {
            bail!("{name} ended: {}", self.child.wait()?);
        }
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("{name} printed {line}"))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => bail!("{name}: {error}"),
            None => Ok(answer),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without input it ends by itself; its exit code no longer matters.
        self.input = None;
        _ = self.child.wait();
    }
}
