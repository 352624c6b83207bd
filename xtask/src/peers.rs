//! Compares the sample policy, or random ones, with another policy engine: it must accept our export and
//! reach the same decisions. The program is `tollgate-peers` with its feature; this module builds and starts
//! it.

use std::path::PathBuf;

use anyhow::Result;

use crate::ui::{self, Step};
use crate::{Verdict, repo, shell};

/// Name of program and feature.
const NAME: &str = "peers";

/// Arguments of `peers`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many random requests both are asked.
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Where the random requests start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Random policies in place of the sample, each without what Cedar cannot say.
    #[arg(long)]
    random: bool,
}

/// Builds the program, as fast as what it measures.
pub(crate) fn build(step: &Step) -> Result<()> {
    let mut command = shell::cargo([
        "build",
        "--release",
        "--package",
        "tollgate-peers",
        "--features",
        NAME,
    ]);
    shell::must(&mut command, |line| step.line(line)).map(|_| ())
}

/// Where the program is once it is built.
pub(crate) fn program() -> PathBuf {
    let program = repo::target().join("release").join(NAME);
    program.with_extension(std::env::consts::EXE_EXTENSION)
}

impl Args {
    /// Random policies, and so many requests about them.
    pub(crate) const fn random(requests: usize, seed: u64) -> Args {
        Args {
            requests,
            seed,
            random: true,
        }
    }
}

/// Asks Cedar.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    ui::in_step("peers", build)?;
    let mut command = shell::tool(program(), ["oracle"]);
    command
        .args(["--requests", &args.requests.to_string()])
        .args(["--seed", &args.seed.to_string()]);
    if !args.random {
        command.arg(repo::policy());
    }
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}
