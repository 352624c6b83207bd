//! Fixture keys, tokens and cases: written by the mint, from a fixed seed and a fixed clock.
//! What they hold is the mint's business; this starts it.

use anyhow::Result;

use crate::{Verdict, repo, shell};

/// Arguments of `fixtures`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a file differs from what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks the fixtures.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    Ok(Verdict::of(
        shell::hand_over(&mut command(args.check))? == 0,
    ))
}

/// The process that writes or checks the fixtures.
pub(crate) fn command(check: bool) -> std::process::Command {
    let mut command = shell::cargo([
        "run",
        "--quiet",
        "--package",
        "tollgate-mint",
        "--bin",
        "fixtures",
        "--",
    ]);
    command.args(check.then_some("--check")).arg(repo::root());
    command
}
