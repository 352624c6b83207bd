//! Runs of the `git` program.
//!
//! Not here: what it is run for ([`git`](super::git), [`revision`](super::revision)).

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The git program, to be run for a directory.
///
/// The directory may be from a pull request, and git obeys the configuration of every repository that it finds. Therefore a
/// bare repository in the work tree is rejected, no configured program runs, nothing is fetched, and replacement objects are
/// ignored.
pub(super) fn command(at: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "safe.bareRepository=explicit"]);
    command.args(["-c", "core.fsmonitor=false"]);
    command.env("GIT_ALLOW_PROTOCOL", "none");
    command.env("GIT_NO_LAZY_FETCH", "1");
    command.env("GIT_NO_REPLACE_OBJECTS", "1");
    command.env("GIT_OPTIONAL_LOCKS", "0");
    // Messages are shown to the user, so they must not be localized.
    command.arg("-C").arg(at).env("LC_ALL", "C");
    command
}

/// Runs git, and returns its output or the first line of its error message.
pub(crate) fn git(at: &Path, arguments: &[&str], stdin: &[u8]) -> Result<Output, String> {
    let run = || -> io::Result<Output> {
        let mut child = command(at)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        if let Some(mut input) = input {
            // One line, which a pipe holds; if git ended without reading it, its exit code shows that.
            let _ = input.write_all(stdin);
        }
        child.wait_with_output()
    };
    match run() {
        Err(error) => Err(not_run(&error)),
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr);
            let line = message.lines().next().unwrap_or_default();
            Err(line.strip_prefix("fatal: ").unwrap_or(line).to_owned())
        }
    }
}

/// Why git could not be run.
pub(super) fn not_run(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the program `git` is not installed".to_owned(),
        _ => error.to_string(),
    }
}
