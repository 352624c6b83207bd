//! Generated files: JSON Schemas and the list of diagnostics, written by the compiler from the
//! items they describe. What they hold is the compiler's business; this starts it.

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
    Ok(Verdict::of(
        shell::hand_over(&mut command(args.check))? == 0,
    ))
}

/// The process that writes or checks the generated files.
pub(crate) fn command(check: bool) -> std::process::Command {
    let mut command = shell::cargo([
        "run",
        "--quiet",
        "--package",
        "tollgate-compiler",
        "--bin",
        "codegen",
        "--",
    ]);
    command.args(check.then_some("--check")).arg(repo::policy());
    command
}
