//! Fixture keys, tokens and cases: `tollgate-fixtures` writes them from a fixed seed and a fixed clock. This
//! module starts it.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::{Verdict, repo, shell};

/// Arguments of `fixtures`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a file is out of date
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks the fixtures.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut command = shell::cargo([
        "run",
        "--quiet",
        "--package",
        "tollgate-fixtures",
        "--bin",
        "fixtures",
        "--",
    ]);
    Ok(Verdict::of(
        shell::hand_over(command.args(arguments(args.check)))? == 0,
    ))
}

/// Checks with the program that is already built.
pub(crate) fn check() -> Command {
    shell::tool(repo::program("fixtures"), arguments(true))
}

fn arguments(check: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![repo::root().into()];
    if check {
        arguments.insert(0, "--check".into());
    }
    arguments
}
