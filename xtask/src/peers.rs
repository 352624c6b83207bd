//! Holds the sample policy against other policy engines: whether they accept its export and decide alike.
//! Each peer is a program of `tollgate-peers` behind a feature; this builds and starts it.

use anyhow::Result;

use crate::{Verdict, repo, shell};

/// Arguments of `peers`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many random requests both are asked.
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Where the random requests start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The peers, by the name of program and feature.
const PEERS: [&str; 1] = ["cedar"];

/// Asks every peer.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut all = true;
    for peer in PEERS {
        let mut command = shell::cargo([
            "run",
            "--quiet",
            "--package",
            "tollgate-peers",
            "--features",
            peer,
            "--bin",
            peer,
            "--",
        ]);
        command
            .arg(repo::policy())
            .args([args.requests.to_string(), args.seed.to_string()]);
        all &= shell::hand_over(&mut command)? == 0;
    }
    Ok(Verdict::of(all))
}
