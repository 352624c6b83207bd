//! Generated files: JSON Schemas and the list of diagnostics, written by the compiler from the
//! items they describe. What they hold is the compiler's business; this starts it.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::{Verdict, repo, shell};

/// Arguments of `codegen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a file differs from what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks the generated files.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut command = shell::cargo([
        "run",
        "--quiet",
        "--package",
        "tollgate-compiler",
        "--bin",
        "codegen",
        "--",
    ]);
    Ok(Verdict::of(
        shell::hand_over(command.args(arguments(args.check)))? == 0,
    ))
}

/// The check with the program that is built already.
pub(crate) fn check() -> Command {
    shell::tool(repo::program("codegen"), arguments(true))
}

fn arguments(check: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![repo::policy().into()];
    if check {
        arguments.insert(0, "--check".into());
    }
    arguments
}
