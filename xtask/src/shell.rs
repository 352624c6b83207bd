//! Starts processes and reads their output. Not here: any subcommand.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::repo;

/// The output of a finished process, both streams in the order of writing, and how it ended.
pub struct Captured {
    /// Whether the exit code was 0.
    pub success: bool,
    /// The exit code; `None` if a signal ended the process.
    pub code: Option<i32>,
    /// Both streams.
    pub text: String,
}

/// The `cargo` that runs this program, at the root of the repository.
pub fn cargo<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(repo::root());
    // `cargo run` sets these for this process. Passed on, they would make cargo rebuild every crate that
    // reads them.
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME");
    command
}

/// The same, with Clippy as the compiler of this workspace's crates and its warnings as errors: for the steps
/// of `test`. Dependencies are then compiled once, whereas `cargo clippy` would check all of them a second
/// time. Nothing that is deployed is compiled like this.
pub fn linted<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Command {
    let mut command = cargo(args);
    let next_to_cargo = Path::new(command.get_program()).with_file_name("clippy-driver");
    let driver = if next_to_cargo.is_file() {
        next_to_cargo
    } else {
        "clippy-driver".into()
    };
    command
        .env("RUSTC_WORKSPACE_WRAPPER", driver)
        // As `cargo clippy` passes the arguments after `--`.
        .env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    command
}

/// Returns a command for a program with arguments, run at the root of the repository.
pub fn tool<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: I,
) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(repo::root());
    command
}

/// Runs a command to its end and returns its output; calls `on_line` for each line as it arrives.
pub fn capture(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<Captured> {
    let name = named(command);
    let (reader, writer) = std::io::pipe().context("cannot create a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    // The command still owns both write ends: without this drop, reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = String::new();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let words = String::from_utf8_lossy(&line);
        on_line(words.trim_end());
        text.push_str(&words);
        line.clear();
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for {name}"))?;
    Ok(Captured {
        success: status.success(),
        code: status.code(),
        text,
    })
}

/// Runs a command that must succeed; its output is shown only if it fails.
pub fn must(command: &mut Command, on_line: impl FnMut(&str)) -> Result<String> {
    let done = capture(command, on_line)?;
    if !done.success {
        bail!(
            "{} failed{}\n{}",
            named(command),
            exit(done.code),
            done.text.trim_end()
        );
    }
    Ok(done.text)
}

/// The packages that `cargo metadata` reports.
pub fn packages(args: &[&str]) -> Result<Vec<Value>> {
    let mut command = cargo(["metadata", "--format-version", "1"]);
    // Notes on standard error would not be JSON.
    let output = command
        .args(args)
        .stderr(Stdio::null())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo metadata failed");
    let mut told: Value =
        serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
    match told.get_mut("packages").map(Value::take) {
        Some(Value::Array(packages)) => Ok(packages),
        _ => bail!("no packages in cargo metadata"),
    }
}

/// Runs an interactive command on the terminal; returns its exit code.
pub fn hand_over(command: &mut Command) -> Result<i32> {
    let name = named(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    Ok(status.code().unwrap_or(1))
}

/// Returns the command as a user would type it.
pub fn named(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let mut line = program.into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn exit(code: Option<i32>) -> String {
    code.map_or_else(
        || " (killed by a signal)".to_owned(),
        |code| format!(" (exit code {code})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_and_the_exit_code_are_captured() {
        let mut lines = Vec::new();
        let mut command = tool("sh", ["-c", "echo one; echo two >&2; exit 3"]);
        let done = capture(&mut command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(
            (done.success, done.code, done.text.as_str()),
            (false, Some(3), "one\ntwo\n")
        );
    }

    #[test]
    fn a_missing_program_is_reported_by_name() {
        let error = capture(&mut tool("no-such-program-here", ["x"]), |_| ())
            .err()
            .unwrap();
        assert!(
            format!("{error:#}").contains("no-such-program-here x"),
            "{error:#}"
        );
    }
}
