//! Compares the sample policy, or random ones, with another policy engine: it must accept our export and
//! reach the same decisions. The program is `tollgate-peers` with its feature; this module builds and starts
//! it.

use std::path::PathBuf;

use anyhow::Result;

use crate::ui::{self, Step};
use crate::{Verdict, repo, shell};

/// The name of the program and of the feature.
const NAME: &str = "peers";

/// Arguments of `peers`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The number of random requests to compare
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// The seed of the first random request
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use random policies instead of the sample, restricted to what Cedar can express
    #[arg(long)]
    random: bool,
}

/// Builds the program with the optimisation level of what it measures.
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

/// The path of the built program.
pub(crate) fn program() -> PathBuf {
    let program = repo::target().join("release").join(NAME);
    program.with_extension(std::env::consts::EXE_EXTENSION)
}

impl Args {
    /// Random policies with this many requests each.
    pub(crate) const fn random(requests: usize, seed: u64) -> Args {
        Args {
            requests,
            seed,
            random: true,
        }
    }
}

/// Runs the comparison with Cedar.
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
