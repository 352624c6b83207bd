//! `tollgate serve` under sustained load while its issuer fails and recovers: wrong responses, memory and
//! latency. `tollgate-targets` generates the load; this module builds what it needs and starts it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{Verdict, build, repo, shell, ui};

/// Arguments of `load`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The duration in minutes
    #[arg(long, default_value_t = 2)]
    minutes: u64,
    /// Also write the measurements as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Args {
    /// The defaults for everything else.
    pub(crate) fn of(minutes: u64) -> Args {
        Args {
            minutes,
            json: None,
        }
    }
}

/// Runs the load test.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    ui::in_step("programs", |step| {
        shell::must(&mut build::programs(), |line| step.line(line))
    })?;
    let mut load = shell::tool(repo::program("load"), ["--minutes"]);
    load.arg(args.minutes.to_string());
    load.arg("--tollgate").arg(repo::program("tollgate"));
    if let Some(json) = &args.json {
        // Relative to the caller's directory, not to the repository.
        let json = std::path::absolute(json).context("cannot determine the current directory")?;
        load.arg("--json").arg(json);
    }
    match shell::hand_over(&mut load)? {
        0 => Ok(Verdict::Yes),
        3 => Ok(Verdict::No),
        _ => bail!("the load test could not be run"),
    }
}
