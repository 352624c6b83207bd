//! The proofs of the analysis on many random policies: its results for edits, dead rules, users and minimal
//! changes are compared with the core and the specification. Each proof prints its counts.

use anyhow::Result;

use crate::{Verdict, shell};

/// Arguments of `proofs`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The number of policies, or of pairs of them, per proof; from 1000 on, proofs also search longer for
    /// counterexamples to negative results
    #[arg(long, default_value_t = 10_000)]
    pairs: u64,
    /// The first seed, to reproduce a single failure
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs the proofs, optimised, one after another on all processors.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut command = shell::cargo([
        "test",
        "--release",
        "--quiet",
        "--package",
        "tollgate-analysis",
        "--test",
        "proofs",
        "--",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .env("TOLLGATE_POLICY_PAIRS", args.pairs.to_string())
        .env("TOLLGATE_SEED", args.seed.to_string());
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}
